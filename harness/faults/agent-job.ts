// What the faults inside a process share: which process they are in, how their job begins there, and how it is ended.
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { sleep } from "../support/clock.ts";
import { environmentError, hasErrno } from "../support/errors.ts";
import type { Json } from "../support/json.ts";
import { isAlive, type ProcessIdentity } from "../support/process-identity.ts";
import type { FaultContext } from "./fault.ts";
import { identitySchema, isSame } from "./service-process.ts";

const memorySchema = z.object({
  identity: identitySchema,
  tid: z.number().optional(),
  before: z.number().optional(),
});

/** What such a fault remembers: the process that it was put into; of a burn its thread; of a leak how many there were before. */
export type JobMemory = z.infer<typeof memorySchema>;

/**
 * How long a call is repeated: a stop that nobody answers, because a process without a free descriptor drops its callers until the job has let
 * go; a start for which nobody listens, because a service may serve a moment before its agent, a thread of its own, does.
 */
const askAgainMs = 2_000;
const askEveryMs = 100;

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

/** What was remembered, if the process that serves now is the one that the job was put into; otherwise why not, in words. */
export function jobIn(ctx: FaultContext, service: string): JobMemory | string {
  const memory = recallJob(ctx);
  if (memory === undefined) return `nothing was put into ${service}`;
  const serving = servingProcess(ctx, service);
  if (isSame(serving, memory.identity)) return memory;
  return `pid ${serving.pid} serves ${service}, and it was put into pid ${memory.identity.pid}`;
}

export interface JobRequest {
  readonly command: string;
  readonly params: { readonly [key: string]: Json };
  /** Of the process that serves now. */
  readonly identity: ProcessIdentity;
  /** Remembered with it. */
  readonly before?: number;
}

/**
 * Remembers the process, then has its agent begin the job; resolves to the agent's answer. An agent of another process (the service was
 * started again meanwhile) refuses.
 */
export async function startJob(ctx: FaultContext, service: string, request: JobRequest): Promise<Json> {
  const { command, params, identity, before } = request;
  await ctx.remember({ identity: { ...identity }, ...(before === undefined ? {} : { before }) });
  const job = { ...params, id: ctx.id, forMs: ctx.selfHealMs, pid: identity.pid };
  const giveUpMs = ctx.clock.nowMs() + askAgainMs;
  for (;;) {
    try {
      return await ctx.stack.agent(service).call(command, job, ctx.signal);
    } catch (error) {
      // Refused, it never began; a call that broke later may have begun it.
      const unheard = error instanceof Error && hasErrno(error.cause, "ECONNREFUSED");
      if (!unheard || !isAlive(identity) || ctx.clock.nowMs() >= giveUpMs) throw error;
    }
    await sleep(askEveryMs, ctx.signal, ctx.clock);
  }
}

/**
 * Ends the job. A process that is gone took it along; one that was remembered by nobody never had it. Where the process lives and its agent
 * does not answer, the error stands, and the job's own deadline is what is left.
 */
export async function stopJob(ctx: FaultContext, service: string): Promise<void> {
  const identity = recallJob(ctx)?.identity;
  if (identity === undefined) return;
  const giveUpMs = ctx.clock.nowMs() + askAgainMs;
  while (isAlive(identity)) {
    try {
      await ctx.stack.agent(service).call("stop", { id: ctx.id }, ctx.signal);
      return;
    } catch (error) {
      if (!isAlive(identity)) return;
      if (ctx.signal.aborted || ctx.clock.nowMs() >= giveUpMs) throw error;
    }
    await sleep(askEveryMs, ctx.signal, ctx.clock);
  }
}

/**
 * A job that may use up the descriptors of its process cannot count on being reached by a socket: it runs only while this file is there,
 * which takes no descriptor to look for.
 */
export async function grantPermit(ctx: FaultContext): Promise<string> {
  const path = permitPath(ctx);
  await writeFile(path, "");
  return path;
}

export async function withdrawPermit(ctx: FaultContext): Promise<void> {
  await rm(permitPath(ctx), { force: true });
}

function permitPath(ctx: FaultContext): string {
  return join(ctx.stack.scratchDir, `${ctx.id}.permit`);
}
