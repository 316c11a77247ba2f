// What the drills on slots share: which copy of a service has the requests, as whoever comes in where the load does is told, and whose
// processes the copies are.
import { z } from "zod";
import { identitySchema, isSame } from "../faults/service-process.ts";
import type { FaultContext, VerbTimes } from "../faults/fault.ts";
import type { SlotOperation } from "../scenario/operations-spec.ts";
import { loadLink, type StackSpec } from "../scenario/stack-spec.ts";
import { eventually } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import type { ProcessIdentity } from "../support/process-identity.ts";
import { doIt, operationOf, refusesWithout, undoIt } from "./drill.ts";

type SlotDrill = "blue-green" | "graceful-restart";

const lookMs = 3_000;
const answerSchema = z.object({ slot: z.string() });
const memorySchema = z.object({
  over: z.boolean(),
  was: z.string(),
  /** Whatever served in any slot before. */
  processes: z.array(identitySchema),
});
export type SlotMemory = z.infer<typeof memorySchema>;

/** Switching takes two. */
export function refusesFewSlots(name: SlotDrill): (stack: StackSpec) => string | undefined {
  return (stack) => {
    const missing = refusesWithout(name)(stack);
    const slots = Object.keys(stack.operations?.[name]?.slots ?? {});
    if (missing !== undefined || slots.length > 1) return missing;
    return `it has one slot only: operations["${name}"].slots names ${slots.join(", ")}, and requests need a second one to go to`;
  };
}

export function slotTimes(name: SlotDrill, stack: StackSpec): VerbTimes {
  const { do: change, undo } = operationOf(stack, name);
  return { injectMs: change.withinMs, confirmMs: lookMs, healMs: undo.withinMs };
}

export async function switchAway(ctx: FaultContext, name: SlotDrill): Promise<void> {
  const operation = operationOf(ctx.stack.spec, name);
  const was = await answeringSlot(ctx, operation);
  const processes = Object.values(operation.slots).flatMap(
    (service) => ctx.stack.process(service).find() ?? [],
  );
  await doIt(ctx, name, { was, processes: processes.map((identity) => ({ ...identity })) }, { was });
}

/** The requests go to the slot of before again, and so says whoever hands them on. */
export async function switchBack(ctx: FaultContext, name: SlotDrill): Promise<void> {
  const memory = recallSlots(ctx);
  if (memory === undefined) return;
  const { was } = memory;
  const operation = operationOf(ctx.stack.spec, name);
  await undoIt(ctx, name, memory, { was });
  const look = async (): Promise<true | undefined> =>
    (await answeringSlot(ctx, operation)) === was && servingProcess(ctx, operation, was) !== undefined
      ? true
      : undefined;
  await eventually(look, ctx.signal, 100, ctx.clock);
}

export function recallSlots(ctx: FaultContext): SlotMemory | undefined {
  const memory = ctx.recall();
  return memory === undefined ? undefined : memorySchema.parse(memory);
}

/** On the data path: a request like those of users, whose answer says which copy it went to. */
export async function answeringSlot(
  ctx: FaultContext,
  { answersPath, slots }: SlotOperation,
): Promise<string> {
  const { name: link, to } = loadLink(ctx.stack.spec);
  const { status, body } = await ctx.stack.http(to, answersPath, { link, signal: ctx.signal });
  const slot = status === 200 ? answerSchema.safeParse(JSON.parse(body)).data?.slot : undefined;
  if (slot !== undefined && Object.hasOwn(slots, slot)) return slot;
  const said =
    slot === undefined ? `status ${status}` : `"${slot}", which is none of ${Object.keys(slots).join(", ")}`;
  throw environmentError("slot-unknown", `${to} does not say which slot has the requests: ${said}`);
}

/** The process of a slot, where one runs. */
export function servingProcess(
  ctx: FaultContext,
  { slots }: SlotOperation,
  slot: string,
): ProcessIdentity | undefined {
  const service = slots[slot];
  return service === undefined ? undefined : ctx.stack.process(service).find();
}

export function ranBefore({ processes }: SlotMemory, identity: ProcessIdentity): boolean {
  return processes.some((one) => isSame(one, identity));
}
