// A backup is made under load, and proved by restoring it: what was acknowledged before it began must be in it. Kiln writes some of its own on
// the way that users' requests take, keeps what was acknowledged, and hands that to the stack's own check.
//
// A check that always says yes would prove nothing. So it is asked a second time, about a write that was acknowledged only after the backup:
// it is in the system, but cannot be in the backup, and the check has to say so.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { FaultContext } from "../faults/fault.ts";
import type { AcknowledgedWrite } from "../scenario/operations-spec.ts";
import { loadLink } from "../scenario/stack-spec.ts";
import { environmentError } from "../support/errors.ts";
import type { Json } from "../support/json.ts";
import {
  defineDrill,
  doIt,
  nothingBroken,
  operationOf,
  refusesWithout,
  runCommand,
  undoIt,
} from "./drill.ts";

export interface BackupRestoreOptions {
  /** So many writes of Kiln's own must be found in the backup. */
  readonly writes: number;
}

const name = "backup-restore";
/** Room for one write, on the way that users take. */
const writeMs = 50;
const yes = 0;
const no = 1;
/** So many writes were acknowledged before the backup, and after it. */
const memorySchema = z.object({ over: z.boolean(), before: z.number(), after: z.number() });

export const backupRestore = defineDrill<BackupRestoreOptions>({
  name,
  summary: "A backup is made under load and proved by a restore: it holds all that was acknowledged.",
  needs: [],
  kind: "held",
  options: z.strictObject({ writes: z.number().int().min(1).max(1_000) }),
  demands: {},
  target: () => `operation:${name}`,
  expect: () => nothingBroken,
  refuses: refusesWithout(name),
  takes: ({ writes }, stack) => {
    const { do: backUp, check: restore, undo } = operationOf(stack, name);
    return {
      injectMs: backUp.withinMs + writes * writeMs,
      confirmMs: 2 * restore.withinMs,
      healMs: undo.withinMs,
    };
  },

  async inject(ctx, { writes }) {
    const { write } = operationOf(ctx.stack.spec, name);
    const names = Array.from({ length: writes }, (_, index) => `${index + 1}`);
    const before = await acknowledged(ctx, write, names);
    if (before.length === 0)
      throw environmentError("drill-no-writes", `none of ${writes} writes was acknowledged`);
    await keep(ctx, "before", before);
    await doIt(ctx, name, { before: before.length, after: 0 }, {});
    const after = await acknowledged(ctx, write, ["after"]);
    await keep(ctx, "after", after);
    await ctx.remember({ over: true, before: before.length, after: after.length });
  },

  async confirm(ctx, { writes }) {
    const memory = ctx.recall();
    if (memory === undefined) return { effective: false, saw: "no backup was made" };
    const { over, before, after } = memorySchema.parse(memory);
    if (!over) return { effective: false, saw: "the backup was cut off" };
    if (after === 0)
      return { effective: false, saw: "no write after the backup was acknowledged, to try the check with" };
    const what = `${before} writes that were acknowledged before the backup`;
    const held = await check(ctx, "before");
    if (held.code === no)
      return {
        effective: false,
        disproved: true,
        saw: `the restored backup does not hold all of ${what}: ${held.said}`,
      };
    if (held.code !== yes)
      return { effective: false, saw: `the check could not tell (exit code ${held.code}): ${held.said}` };
    const control = await check(ctx, "after");
    if (control.code !== no)
      return {
        effective: false,
        saw: `the check proves nothing: asked for a write from after the backup it ended with ${control.code} instead of ${no}`,
      };
    return {
      effective: true,
      saw: `the restored backup holds the ${what}, and not the one from after it`,
      magnitude: { asked: writes, measured: before, unit: "writes" },
    };
  },

  /** The backup stays: it is one. What may be left is of a check that was cut off, and of that everything goes. */
  async heal(ctx) {
    const memory = ctx.recall();
    if (memory === undefined) return;
    await undoIt(ctx, name, { ...memorySchema.parse(memory), over: false });
  },
});

function check(ctx: FaultContext, which: "before" | "after"): ReturnType<typeof runCommand> {
  const { check: command } = operationOf(ctx.stack.spec, name);
  return runCommand(ctx, name, command, { acknowledged: fileOf(ctx, which) });
}

/** One after the other. Only what was answered with a 2xx is promised to anybody; the rest may be in the backup or not. */
async function acknowledged(
  ctx: FaultContext,
  { method, path, body, record }: AcknowledgedWrite,
  names: readonly string[],
): Promise<Json[]> {
  const { name: link, to } = loadLink(ctx.stack.spec);
  const found: Json[] = [];
  for (const each of names) {
    const id = `drill-${ctx.id}-${each}`;
    const request = { method, body: filled(body, id), link, signal: ctx.signal };
    const status = await ctx.stack.http(to, path.replaceAll("{id}", id), request).then(
      (answer) => answer.status,
      // No answer is no promise.
      () => undefined,
    );
    ctx.signal.throwIfAborted();
    if (status !== undefined && status >= 200 && status < 300) found.push(filled(record, id));
  }
  return found;
}

function filled(value: Json, id: string): Json {
  if (typeof value === "string") return value.replaceAll("{id}", id);
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map((item: Json) => filled(item, id));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, id)]));
}

async function keep(ctx: FaultContext, which: "before" | "after", lines: readonly Json[]): Promise<void> {
  await writeFile(fileOf(ctx, which), lines.map((line) => `${JSON.stringify(line)}\n`).join(""), {
    mode: 0o600,
  });
}

function fileOf(ctx: FaultContext, which: "before" | "after"): string {
  return join(ctx.stack.scratchDir, `${ctx.id}-${which}.ndjson`);
}
