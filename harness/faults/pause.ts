// A service's process is stopped (SIGSTOP): it keeps its port, its connections and its locks, and does nothing. Of PostgreSQL all processes,
// so that open sessions are silent, too. Somebody may kill and replace the stopped process meanwhile; then nothing is left to resume.
import { z } from "zod";
import { deadline, eventually } from "../support/clock.ts";
import { environmentError, messageOf } from "../support/errors.ts";
import { isAlive, processStat, type ProcessIdentity } from "../support/process-identity.ts";
import { servingProcess } from "./agent-job.ts";
import { calm } from "./expectations.ts";
import {
  defineFault,
  type Confirmation,
  type Expectation,
  type ExpectationScene,
  type FaultContext,
} from "./fault.ts";
import { identitySchema, isSame, workersOf } from "./service-process.ts";
import { anyAnswer, outageMs, programBackMs, roleOf } from "./service-roles.ts";

export interface PauseOptions {
  readonly service: string;
}

/** A service that gives no answer for so long is silent. Healthy ones of every kind answer in milliseconds. */
const silentMs = 1_000;
/** A supervisor's SIGTERM waits in a stopped process; SIGKILL follows after the service's own time to drain (6 s in production). */
const endAndStartMs = 10_000;

const memorySchema = z.object({ service: z.string(), stopped: z.array(identitySchema).min(1) });

export const pause = defineFault<PauseOptions>({
  name: "pause",
  summary: "A service's process is stopped with SIGSTOP and goes on when healed.",
  needs: ["process"],
  kind: "held",
  options: z.strictObject({ service: z.string().min(1) }),
  target: ({ service }) => `service:${service}`,
  expect: expectation,

  async inject(ctx, { service }) {
    const main = servingProcess(ctx, service);
    const target = ctx.stack.process(service);
    const stopped: ProcessIdentity[] = [];
    // The main process first: it starts no new workers then. One more look finds those that it had just started.
    for (let next = [main]; next.length > 0; next = missing(ctx, service, stopped)) {
      stopped.push(...next);
      await ctx.remember({ service, stopped: stopped.map((identity) => ({ ...identity })) });
      for (const identity of next) target.signal(identity, "SIGSTOP");
    }
    if (!isAlive(main))
      throw environmentError("service-gone", `${service} (pid ${main.pid}) ended before it could be stopped`);
  },

  /** The kernel says that each of its processes is stopped, and the service, asked on a new connection, is silent. A refusal is no silence. */
  async confirm(ctx, { service }) {
    const no = (saw: string): Confirmation => ({ effective: false, saw });
    const memory = recalled(ctx);
    if (memory === undefined) return no(`no process of ${service} was chosen`);
    if (memory.service !== service) return no(`the process chosen is one of ${memory.service}`);
    const [main] = memory.stopped;
    if (main === undefined || !isAlive(main)) return no(`the process of ${service} that was stopped is gone`);
    const living = memory.stopped.filter(isAlive);
    const running = living.filter((identity) => !isStopped(identity));
    if (running.length > 0)
      return no(`${running.length} of ${living.length} processes of ${service} are not stopped`);
    const limit = deadline(silentMs, ctx.signal);
    try {
      const tookMs = await ctx.stack.exchange(service, limit);
      return no(`${service} still answers, after ${tookMs.toFixed(1)} ms`);
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (!limit.aborted) return no(`${service} is not silent: ${messageOf(error)}`);
    }
    const count = living.length === 1 ? `its process, pid ${main.pid},` : `all ${living.length} processes`;
    return {
      effective: true,
      saw: `${service} gave no answer within ${silentMs} ms; ${count} in state T (stopped)`,
    };
  },

  /** Only what was stopped, and only while it is still that process. Resolves once they run. */
  async heal(ctx, { service }) {
    const stopped = recalled(ctx)?.stopped ?? [];
    const target = ctx.stack.process(service);
    for (const identity of stopped) target.signal(identity, "SIGCONT");
    await eventually(() => (stopped.some(isStopped) ? undefined : true), ctx.signal, 10, ctx.clock);
  },
});

function recalled(ctx: FaultContext): z.infer<typeof memorySchema> | undefined {
  const memory = ctx.recall();
  return memory === undefined ? undefined : memorySchema.parse(memory);
}

function missing(ctx: FaultContext, service: string, stopped: readonly ProcessIdentity[]): ProcessIdentity[] {
  const [main] = stopped;
  if (main === undefined) return [];
  return workersOf(ctx, service, main).filter((worker) => !stopped.some((known) => isSame(known, worker)));
}

function isStopped(identity: ProcessIdentity): boolean {
  const stat = processStat(identity.pid);
  return stat?.state === "T" && isSame(stat.identity, identity);
}

/** Held longer than the watchdog may take, a supervised process must be replaced; held shorter it may be. */
function expectation({ service }: PauseOptions, { stack, holdMs }: ExpectationScene): Expectation {
  const role = roleOf(service, stack);
  if (role === "watchdog") return calm;
  const unavailableMs = outageMs(service, stack, holdMs + programBackMs);
  const dueMs = stack.watchdog?.unresponsiveMs ?? Infinity;
  if (role === "supervised" && holdMs > dueMs) {
    return {
      recovery: { atLeast: "hard", atMost: "hard" },
      service,
      actWithinMs: dueMs,
      restarts: true,
      unavailableMs: Math.min(unavailableMs, dueMs + endAndStartMs),
    };
  }
  // What nobody looks after, or only when it has ended, keeps its process: all that can be done about it is to wait, or to kill it.
  return { ...anyAnswer, restarts: role !== "alone" && role !== "dependency", unavailableMs };
}
