// What the faults inside a process share: which process they are in, and how their job is ended.
import { z } from "zod";
import { isAlive, type ProcessIdentity } from "../support/process-identity.ts";
import { environmentError } from "../support/errors.ts";
import type { FaultContext } from "./fault.ts";

const identitySchema = z.object({ pid: z.number(), startTicks: z.number(), bootId: z.string() });
const memorySchema = z.object({ identity: identitySchema, tid: z.number().optional() });

/** What such a fault remembers: the process that it was put into and, for a burn, its thread. */
export type JobMemory = z.infer<typeof memorySchema>;

export function recallJob(ctx: FaultContext): JobMemory | undefined {
  const memory = ctx.recall();
  return memory === undefined ? undefined : memorySchema.parse(memory);
}

/** The process that serves now. */
export function servingProcess(ctx: FaultContext, service: string): ProcessIdentity {
  const identity = ctx.stack.process(service).find();
  if (identity === undefined)
    throw environmentError("service-gone", `${service} has no process that listens on its port`);
  return identity;
}

/**
 * Ends the job in the process that serves now. Where no agent answers, the job is gone if the process that it was put into is gone (a
 * leak and a burn die with their process); otherwise the error stands, and the job's own deadline is what is left.
 */
export async function stopJob(ctx: FaultContext, service: string): Promise<void> {
  try {
    await ctx.stack.agent(service).call("stop", { id: ctx.id }, ctx.signal);
  } catch (error) {
    const memory = recallJob(ctx);
    const gone =
      memory === undefined ? ctx.stack.process(service).find() === undefined : !isAlive(memory.identity);
    if (!gone) throw error;
  }
}
