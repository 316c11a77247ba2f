// A configuration file gets a plausible but wrong value: it stays whole (schema, version, checksum), as after a hand that knew the format or
// a tool that deployed the wrong environment. Only where the value came from tells that it is wrong: the version did not rise.
//
// Limits: one number or truth value, under `values` of a state as docs/stacks.md describes it; whether the value is plausible for the
// service's own schema is for whoever chooses it. The owner is asked over HTTP, so it has to be up for the look.
import { z } from "zod";
import { driftKey, driftState, driftValue, valueAt, type DriftValue } from "./drift-state.ts";
import { calm } from "./expectations.ts";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import { clearNames, fateOf, placeFile, placementSchema, takeBack, writeLike } from "./placed-file.ts";
import { sha256 } from "../support/json.ts";

export interface ConfigDriftOptions {
  /** Name of a config file of the stack. */
  readonly file: string;
  /** Path of a number or a truth value below `values`, such as "limits.perMinute". */
  readonly key: string;
  /** The wrong value: of the same kind, and another than the file holds. */
  readonly value: DriftValue;
}

const memorySchema = placementSchema.extend({
  key: z.string(),
  value: driftValue,
  was: driftValue,
  valuesHash: z.string(),
});
type Memory = z.infer<typeof memorySchema>;

export const configDrift = defineFault<ConfigDriftOptions>({
  name: "config-drift",
  summary: "A configuration file stays valid but holds one wrong value under an unchanged version.",
  needs: ["config-file"],
  kind: "held",
  options: z.strictObject({ file: z.string().min(1), key: driftKey, value: driftValue }),
  target: ({ file }) => `config:${file}`,
  expect: () => calm,

  async inject(ctx, { file, key, value }) {
    let wrote = { key, value, was: value, valuesHash: "" };
    await placeFile(ctx, {
      path: ctx.stack.configFile(file),
      make: async (aside, original, like) => {
        const { bytes, valuesHash, was } = driftState(original, key, value);
        wrote = { key, value, was, valuesHash };
        await writeLike(aside, bytes, like);
        return sha256(bytes);
      },
      remember: (placement) => ctx.remember({ ...placement, ...wrote }),
    });
  },

  /** Asks the owner what is in force; where the stack has put the file right meanwhile, the kernel's books tell that it was wrong. */
  async confirm(ctx, options) {
    const memory = recallMemory(ctx);
    const { file, key, value } = options;
    if (memory?.path !== ctx.stack.configFile(file) || memory.key !== key || memory.value !== value)
      return { effective: false, saw: `config file ${file} was not given ${key} = ${value}` };
    return { ...(await look(ctx, options, memory)), plannedValuesHash: memory.valuesHash };
  },

  async heal(ctx, { file }) {
    const memory = recallMemory(ctx);
    if (memory !== undefined) await takeBack(memory);
    await clearNames(ctx, ctx.stack.configFile(file));
  },
});

async function look(
  ctx: FaultContext,
  { file, key, value }: ConfigDriftOptions,
  memory: Memory,
): Promise<Confirmation> {
  const change = `${key} = ${value} instead of ${memory.was}`;
  const fate = await fateOf(memory);
  if (fate.state === "replaced") {
    const saw = `config file ${file} held ${change}, and was replaced ${fate.afterMs.toFixed(0)} ms later`;
    return { effective: true, saw };
  }
  if (fate.state === "rewritten")
    return { effective: true, saw: `config file ${file} held ${change}, and was written again since` };
  if (fate.state !== "in-place")
    return { effective: false, saw: `config file ${file} does not hold ${change}` };
  const served = await servedValue(ctx, file, key);
  return {
    effective: served === value,
    saw: `config file ${file} holds ${change}, and its owner serves ${served ?? "no such value"}`,
  };
}

async function servedValue(ctx: FaultContext, file: string, key: string): Promise<DriftValue | undefined> {
  const spec = ctx.stack.spec.configFiles?.find(({ name }) => name === file);
  if (spec === undefined) return undefined;
  const answer = await ctx.stack.http(spec.service, spec.readPath, { signal: ctx.signal });
  return answer.status === 200 ? valueAt(answer.body, key) : undefined;
}

function recallMemory(ctx: FaultContext): Memory | undefined {
  const memory = ctx.recall();
  return memory === undefined ? undefined : memorySchema.parse(memory);
}
