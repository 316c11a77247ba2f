// Two writers at once: Kiln takes the lock of a configuration file as a second writer would, writes a state of its own under the version
// that is in force (both writers began from the same one: somebody's update is lost), and keeps the lock. Updates through the owner must
// wait or be refused meanwhile, and nobody may ever read half of one writer's state and half of the other's.
//
// The holder is the very process that injects, so that the lock is stale, and the owner may break it, the moment that Kiln is dead. Limits:
// the stack has to name its `lockFile`; a service that starts meanwhile and wants the lock before it serves has to wait.
import { dirname, join } from "node:path";
import { z } from "zod";
import { environmentError } from "../support/errors.ts";
import { sha256 } from "../support/json.ts";
import { driftKey, driftState, driftValue, type DriftValue } from "./drift-state.ts";
import { calm } from "./expectations.ts";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import { holderOf, releaseLock, takeLock } from "./owner-lock.ts";
import { clearNames, fateOf, placeFile, placementSchema, takeBack, writeLike } from "./placed-file.ts";

export interface ConfigLockOptions {
  /** Name of a config file of the stack. */
  readonly file: string;
  /** What the second writer changes: path of a number or a truth value below `values`, such as "limits.perMinute". */
  readonly key: string;
  readonly value: DriftValue;
}

const memorySchema = z.object({
  lock: z.string(),
  token: z.string(),
  written: z.object({ placement: placementSchema, valuesHash: z.string() }).nullable(),
});
type Memory = z.infer<typeof memorySchema>;

export const configLock = defineFault<ConfigLockOptions>({
  name: "config-lock",
  summary: "A second writer holds a configuration file's lock and writes a state of its own.",
  needs: ["config-file", "config-lock"],
  kind: "held",
  options: z.strictObject({ file: z.string().min(1), key: driftKey, value: driftValue }),
  target: ({ file }) => `config:${file}`,
  expect: () => calm,

  async inject(ctx, { file, key, value }) {
    const memory: Memory = { lock: lockOf(ctx, file), token: `kiln-${ctx.id}`, written: null };
    await ctx.remember(memory);
    await takeLock(memory.lock, memory.token, ctx.signal);
    let valuesHash = "";
    await placeFile(ctx, {
      path: ctx.stack.configFile(file),
      make: async (aside, original, like) => {
        const state = driftState(original, key, value);
        valuesHash = state.valuesHash;
        await writeLike(aside, state.bytes, like);
        return sha256(state.bytes);
      },
      remember: (placement) => ctx.remember({ ...memory, written: { placement, valuesHash } }),
    });
  },

  async confirm(ctx, { file }) {
    const memory = recallMemory(ctx);
    if (memory?.written?.placement.path !== ctx.stack.configFile(file))
      return { effective: false, saw: `there was no second writer of config file ${file}` };
    const { placement, valuesHash } = memory.written;
    const seen = await look(file, memory, placement);
    return { ...seen, plannedValuesHash: valuesHash };
  },

  /** The original comes back while the lock still is ours, as a good writer would do it; then the lock goes. */
  async heal(ctx, { file }) {
    const memory = recallMemory(ctx);
    if (memory?.written) await takeBack(memory.written.placement);
    await clearNames(ctx, ctx.stack.configFile(file));
    if (memory !== undefined) await releaseLock(memory.lock, memory.token, ctx.signal);
  },
});

/** What an update would find now: the lock taken by a living process, which is Kiln's. */
async function look(
  file: string,
  { lock, token }: Memory,
  placement: z.infer<typeof placementSchema>,
): Promise<Confirmation> {
  const holder = await holderOf(lock, token);
  if (holder === undefined)
    return { effective: false, saw: `the lock of config file ${file} is not held by the second writer` };
  const held = `the lock of config file ${file} is held by process ${holder.pid}, the second writer`;
  const { state } = await fateOf(placement);
  if (state === "in-place") return { effective: true, saw: `${held}, whose state the file holds` };
  if (state === "replaced" || state === "rewritten")
    return { effective: true, saw: `${held}; the file was written again in spite of it` };
  return { effective: false, saw: `${held}, whose state was never written` };
}

function lockOf(ctx: FaultContext, file: string): string {
  const spec = ctx.stack.spec.configFiles?.find(({ name }) => name === file);
  if (spec?.lockFile === undefined) {
    const hint = "name its lockFile in the stack's description";
    throw environmentError("lock-file-missing", `config file ${file} has no lock that Kiln knows of`, {
      hint,
    });
  }
  return join(dirname(ctx.stack.configFile(file)), spec.lockFile);
}

function recallMemory(ctx: FaultContext): Memory | undefined {
  const memory = ctx.recall();
  return memory === undefined ? undefined : memorySchema.parse(memory);
}
