// A value of a configuration file is changed through the stack's own configuration manager, seen in force where its owner says what is, and
// rolled back by an operator. What is planned to be served meanwhile is exactly the state of before with that one value changed.
import { z } from "zod";
import { driftKey, driftValue, withValue, type DriftValue } from "../faults/drift-state.ts";
import type { FaultContext } from "../faults/fault.ts";
import { eventually } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import { canonicalJson, sha256 } from "../support/json.ts";
import {
  defineDrill,
  doIt,
  nothingBroken,
  operationOf,
  refusesWithout,
  rollBackMs,
  undoIt,
} from "./drill.ts";

export interface ConfigUpdateOptions {
  /** Path of a number or a truth value below `values`, such as "limits.perMinute". */
  readonly key: string;
  /** The new value: of the same kind as the one in force, and another. */
  readonly value: DriftValue;
}

const name = "config-update";
const lookMs = 3_000;
const memorySchema = z.object({
  over: z.boolean(),
  version: z.number(),
  before: z.string(),
  planned: z.string(),
});

const servedSchema = z.object({
  version: z.number(),
  checksum: z.string(),
  values: z.record(z.string(), z.unknown()),
});

export const configUpdate = defineDrill<ConfigUpdateOptions>({
  name,
  summary: "A configuration value is changed by the stack's own manager and rolled back by an operator.",
  needs: [],
  kind: "held",
  options: z.strictObject({ key: driftKey, value: driftValue }),
  demands: { undoneWithinMs: rollBackMs },
  // One for all stacks: each has one operation of this kind, and it names the file.
  target: () => "operation:config-update",
  expect: () => nothingBroken,
  refuses: refusesWithout(name),
  takes: (_options, stack) => {
    const { do: change, undo } = operationOf(stack, name);
    return { injectMs: change.withinMs, confirmMs: lookMs, healMs: undo.withinMs };
  },

  async inject(ctx, { key, value }) {
    const { version, values } = await served(ctx);
    const planned = hashOf(withValue(values, key, value));
    const handed = { key, value: JSON.stringify(value), was: String(version) };
    await doIt(ctx, name, { version, before: hashOf(values), planned }, handed);
  },

  async confirm(ctx, { key, value }) {
    const memory = recallMemory(ctx);
    if (memory === undefined) return { effective: false, saw: "nothing was changed" };
    const { version, values, checksum } = await served(ctx);
    const hash = hashOf(values);
    const seen = { plannedValuesHash: memory.planned };
    const now = `version ${version} is in force`;
    if (hash === memory.planned && checksum === hash && version > memory.version)
      return {
        ...seen,
        effective: true,
        saw: `${now}, with ${key} = ${value} (before: version ${memory.version})`,
      };
    const what =
      hash === memory.before ? "still with the values of before" : `without the planned ${key} = ${value}`;
    return { ...seen, effective: false, disproved: true, saw: `${now}, ${what}` };
  },

  /** Whatever is in force: a change that was cut off may be in the file and not in force yet. */
  async heal(ctx) {
    const memory = recallMemory(ctx);
    if (memory === undefined) return;
    await undoIt(ctx, name, memory, { was: String(memory.version) });
    const look = async (): Promise<true | undefined> =>
      hashOf((await served(ctx)).values) === memory.before ? true : undefined;
    await eventually(look, ctx.signal, 100, ctx.clock);
  },
});

function recallMemory(ctx: FaultContext): z.infer<typeof memorySchema> | undefined {
  const memory = ctx.recall();
  return memory === undefined ? undefined : memorySchema.parse(memory);
}

async function served(ctx: FaultContext): Promise<z.infer<typeof servedSchema>> {
  const { file } = operationOf(ctx.stack.spec, name);
  const spec = ctx.stack.spec.configFiles?.find((one) => one.name === file);
  if (spec === undefined) throw new TypeError(`a parsed stack has the config file ${file}`);
  const { status, body } = await ctx.stack.http(spec.service, spec.readPath, { signal: ctx.signal });
  const state = status === 200 ? servedSchema.safeParse(JSON.parse(body)).data : undefined;
  if (state !== undefined) return state;
  throw environmentError("config-unread", `${spec.service} does not say what is in force (status ${status})`);
}

function hashOf(values: unknown): string {
  return sha256(canonicalJson(values));
}
