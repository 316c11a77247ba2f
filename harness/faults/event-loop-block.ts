// A service's event loop stands still: its main thread waits, in Kiln's agent, and nothing of its own runs. The process lives, uses no CPU,
// and still takes connections as far as the kernel does. Not a stopped process (pause): its other threads run, and SIGTERM ends it
// unless it has a handler of its own for it, which can then not run.
import { z } from "zod";
import { deadline } from "../support/clock.ts";
import { messageOf } from "../support/errors.ts";
import { processStat } from "../support/process-identity.ts";
import { jobIn, recallJob, servingProcess, startJob, stopJob } from "./agent-job.ts";
import { calm } from "./expectations.ts";
import { defineFault, type Expectation, type ExpectationScene, type FaultContext } from "./fault.ts";
import { outageMs, programBackMs } from "./service-roles.ts";
import { requireHold } from "./shortest-hold.ts";

export interface EventLoopBlockOptions {
  readonly service: string;
}

/** So long without an answer is blocked, not busy; and it is over before a quick watchdog (3 s) has replaced the process. */
const silentMs = 2_000;
const agentLimitMs = 1_000;

export const eventLoopBlock = defineFault<EventLoopBlockOptions>({
  name: "event-loop-block",
  summary: "A service's event loop stands still: it lives and answers nothing.",
  needs: ["agent", "process"],
  kind: "held",
  options: z.strictObject({ service: z.string().min(1) }),
  target: ({ service }) => `service:${service}`,
  expect: expectation,

  async inject(ctx, { service }) {
    const identity = servingProcess(ctx, service);
    await startJob(ctx, service, { command: "block", params: {}, identity });
  },

  /** The service gives no answer, although its process lives, is not stopped, uses no CPU, and another thread of it answers. */
  async confirm(ctx, { service }) {
    const no = (saw: string) => ({ effective: false, saw });
    if (recallJob(ctx) === undefined) return no(`nothing was put into ${service}`);
    const sound = await soundOf(ctx, service);
    if (sound !== null) return no(`${service} ${sound}`);
    const job = jobIn(ctx, service);
    if (typeof job === "string") return no(`${service} gave no answer, but ${job}`);
    const { pid } = job.identity;
    const state = processStat(pid)?.state ?? "none";
    if (state !== "S")
      return no(`${service} gave no answer, but pid ${pid} is in state ${state} instead of waiting`);
    const limit = deadline(agentLimitMs, ctx.signal);
    const answer = z.object({ pid: z.int() }).parse(await ctx.stack.agent(service).call("ping", {}, limit));
    return {
      effective: answer.pid === pid,
      saw: `${service} gave no answer within ${silentMs} ms, while pid ${pid} lives (state S) and its agent's thread answers`,
    };
  },

  async heal(ctx, { service }) {
    await stopJob(ctx, service);
  },
});

/** What was heard of the service within the time; null for silence. A refusal is no silence: nobody is there. */
async function soundOf(ctx: FaultContext, service: string): Promise<string | null> {
  const spec = ctx.stack.spec.services.find((candidate) => candidate.name === service);
  if (spec?.kind !== "program") return "is no program of the stack's own";
  const signal = deadline(silentMs, ctx.signal);
  const startedMs = ctx.clock.nowMs();
  try {
    const { status } = await ctx.stack.http(service, spec.readyPath, { signal });
    return `answered ${status} after ${Math.round(ctx.clock.nowMs() - startedMs)} ms`;
  } catch (error) {
    ctx.signal.throwIfAborted();
    return signal.aborted ? null : `could not be asked: ${messageOf(error)}`;
  }
}

/**
 * Held longer than the watchdog may take, the process must be replaced. Held shorter it may be: the stack's description says when the
 * watchdog must have acted at the latest, not when at the earliest.
 */
function expectation({ service }: EventLoopBlockOptions, { stack, holdMs }: ExpectationScene): Expectation {
  requireHold("event-loop-block", holdMs, silentMs + agentLimitMs);
  const { watchdog } = stack;
  if (watchdog?.supervises !== service)
    return { ...calm, unavailableMs: outageMs(service, stack, holdMs + programBackMs) };
  const demanded = holdMs > watchdog.unresponsiveMs;
  return {
    recovery: { atLeast: demanded ? "hard" : "none", atMost: "hard" },
    service,
    actWithinMs: demanded ? watchdog.unresponsiveMs : null,
    restarts: true,
    unavailableMs: Math.min(holdMs, watchdog.unresponsiveMs) + programBackMs,
  };
}
