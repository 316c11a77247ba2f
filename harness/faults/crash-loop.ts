// A service crashes again and again: each process that takes the place of the last one is killed in its turn. Tries what a single kill
// does not: whether the watchdog holds its attempts back for longer and longer, counts them, and still gets there in the end.
import { z } from "zod";
import { sleep } from "../support/clock.ts";
import { environmentError, usageError } from "../support/errors.ts";
import type { ProcessIdentity } from "../support/process-identity.ts";
import { servingProcess } from "./agent-job.ts";
import { defineFault, type Expectation, type ExpectationScene, type FaultContext } from "./fault.ts";
import { goneOf, identitySchema, isSame } from "./service-process.ts";
import { anyAnswer, outageMs, programBackMs, roleOf } from "./service-roles.ts";

export interface CrashLoopOptions {
  readonly service: string;
  /** Kills in all, 2..10. */
  readonly kills: number;
  /** How long each new process is left alone once it listens, 0..10,000 ms. */
  readonly aliveMs: number;
}

/** How often it is looked whether a new process listens: each look walks the process table, some 5 ms. */
const lookEveryMs = 100;
/** The wait before the second restart, for the budget alone: what supervisors usually begin with (systemd 100 ms, Kubernetes 10 s). */
const firstBackoffMs = 500;

type Remembered = z.infer<typeof identitySchema>;
const memorySchema = z.object({
  service: z.string(),
  killed: z.array(identitySchema),
  over: z.boolean(),
});

export const crashLoop = defineFault<CrashLoopOptions>({
  name: "crash-loop",
  summary: "A service's process is killed again each time it comes back.",
  needs: ["process"],
  kind: "held",
  options: z.strictObject({
    service: z.string().min(1),
    kills: z.int().min(2).max(10),
    aliveMs: z.number().min(0).max(10_000).default(500),
  }),
  target: ({ service }) => `service:${service}`,
  expect: expectation,
  // Until the second process is dead: the watchdog's notice (2 s), its start (2 s), its time alive (10 s at most), and a busy machine.
  confirmWithinMs: 20_000,

  async inject(ctx, { service }) {
    const identity = servingProcess(ctx, service);
    await killNext(ctx, service, [], identity);
  },

  async sustain(ctx, { service, kills, aliveMs }) {
    for (let killed = recalled(ctx)?.killed ?? []; killed.length < kills;) {
      const next = await newcomer(ctx, service, killed);
      await sleep(aliveMs, ctx.signal, ctx.clock);
      killed = await killNext(ctx, service, killed, next);
    }
  },

  /** At least two different processes (pid and start time) of the service are gone: one would be a kill, not a loop. */
  async confirm(ctx, { service, kills }) {
    const memory = recalled(ctx);
    if (memory === undefined) return { effective: false, saw: `no process of ${service} was chosen` };
    if (memory.service !== service)
      return { effective: false, saw: `the processes chosen are those of ${memory.service}` };
    if (memory.over) return { effective: false, saw: `the loop of ${service} was ended` };
    const gone = goneOf(memory.killed);
    return {
      effective: gone >= 2,
      saw: `${gone} processes of ${service} are gone, of ${kills} at most (pid ${memory.killed.map(({ pid }) => pid).join(", ")})`,
    };
  },

  /** The dead stay dead, and nobody is killed any more: only the end of the loop is noted. */
  async heal(ctx) {
    const memory = recalled(ctx);
    if (memory !== undefined && !memory.over) await ctx.remember({ ...memory, over: true });
  },
});

function recalled(ctx: FaultContext): z.infer<typeof memorySchema> | undefined {
  const memory = ctx.recall();
  return memory === undefined ? undefined : memorySchema.parse(memory);
}

/** Waits for a process that listens and was not killed yet. */
async function newcomer(
  ctx: FaultContext,
  service: string,
  killed: readonly ProcessIdentity[],
): Promise<ProcessIdentity> {
  for (;;) {
    const found = ctx.stack.process(service).find();
    if (found !== undefined && !killed.some((identity) => isSame(identity, found))) return found;
    await sleep(lookEveryMs, ctx.signal, ctx.clock);
  }
}

async function killNext(
  ctx: FaultContext,
  service: string,
  killed: readonly Remembered[],
  next: ProcessIdentity,
): Promise<Remembered[]> {
  const all = [...killed, { ...next }];
  await ctx.remember({ service, killed: all, over: false });
  if (!ctx.stack.process(service).signal(next, "SIGKILL") && killed.length === 0)
    throw environmentError("service-gone", `${service} (pid ${next.pid}) ended before it could be killed`);
  return all;
}

function expectation({ service, kills }: CrashLoopOptions, { stack, holdMs }: ExpectationScene): Expectation {
  const role = roleOf(service, stack);
  if (role === "alone" || role === "watchdog") {
    throw usageError("fault-without-loop", `crash-loop: nothing in the stack starts ${service} again`, {
      hint: "choose a service that another one starts (startedBy), or use kill or keepDown",
    });
  }
  const capMs = stack.watchdog?.backoffCapMs ?? 0;
  let costMs = programBackMs;
  for (let n = 1; n < kills; n++) costMs += programBackMs + Math.min(capMs, firstBackoffMs * 2 ** (n - 1));
  // The last kill comes before the end of the hold; the wait after it is no longer than those before it, and so than the hold.
  const longestMs = holdMs + Math.min(holdMs, capMs) + programBackMs;
  const unavailableMs = outageMs(service, stack, Math.min(costMs, longestMs));
  if (role === "tended") return { ...anyAnswer, keptUp: true, unavailableMs };
  return {
    recovery: { atLeast: "hard", atMost: "hard" },
    service,
    actWithinMs: stack.watchdog?.processGoneMs ?? null,
    restarts: true,
    keptUp: true,
    unavailableMs,
  };
}
