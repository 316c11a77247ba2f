// A service is killed and kept down: whatever takes its place is killed as soon as it listens, until heal. A dependency that is gone for a
// while, as after a failed upgrade or a lost machine. Of PostgreSQL every process is killed, so that a new server can start on its data.
import { z } from "zod";
import { deadline, sleep } from "../support/clock.ts";
import { environmentError, messageOf } from "../support/errors.ts";
import { isAlive } from "../support/process-identity.ts";
import { servingProcess } from "./agent-job.ts";
import {
  defineFault,
  type Confirmation,
  type Expectation,
  type ExpectationScene,
  type FaultContext,
} from "./fault.ts";
import { identitySchema, killWhole } from "./service-process.ts";
import { anyAnswer, outageMs, programBackMs, roleOf, watchdogItself } from "./service-roles.ts";

export interface KeepDownOptions {
  readonly service: string;
}

/** A new process serves for at most about this long before it is killed. Each look walks the process table, some 5 ms. */
const lookEveryMs = 100;
const exchangeLimitMs = 1_000;

const memorySchema = z.object({ service: z.string(), identity: identitySchema });

export const keepDown = defineFault<KeepDownOptions>({
  name: "keep-down",
  summary: "A service is killed, and so is whatever takes its place.",
  needs: ["process"],
  kind: "held",
  options: z.strictObject({ service: z.string().min(1) }),
  target: ({ service }) => `service:${service}`,
  expect: expectation,

  async inject(ctx, { service }) {
    const identity = servingProcess(ctx, service);
    await ctx.remember({ service, identity: { ...identity } });
    if (!(await killWhole(ctx, service, identity)))
      throw environmentError(
        "service-gone",
        `${service} (pid ${identity.pid}) ended before it could be killed`,
      );
  },

  async sustain(ctx, { service }) {
    for (;;) {
      const next = ctx.stack.process(service).find();
      if (next !== undefined) await killWhole(ctx, service, next);
      await sleep(lookEveryMs, ctx.signal, ctx.clock);
    }
  },

  /** That very process is gone, none took its place, and a new connection to the service itself is refused. Silence is not refusal. */
  async confirm(ctx, { service }) {
    const no = (saw: string): Confirmation => ({ effective: false, saw });
    const memory = recalled(ctx);
    if (memory === undefined) return no(`no process of ${service} was chosen`);
    const { pid } = memory.identity;
    if (memory.service !== service) return no(`the process chosen is one of ${memory.service}`);
    if (isAlive(memory.identity)) return no(`the process of ${service}, pid ${pid}, still runs`);
    const next = ctx.stack.process(service).find();
    if (next !== undefined) return no(`pid ${next.pid} took the place of pid ${pid} of ${service}`);
    const limit = deadline(exchangeLimitMs, ctx.signal);
    try {
      await ctx.stack.exchange(service, limit);
      return no(`${service} answers`);
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (limit.aborted)
        return no(`${service} gave no answer within ${exchangeLimitMs} ms, but did not refuse`);
      return {
        effective: true,
        saw: `the process of ${service}, pid ${pid}, is gone and nobody took its place (${messageOf(error)})`,
      };
    }
  },

  /** Nobody is killed any more; who brings the service back is the stack's business, or the driver's. */
  async heal() {},
});

function recalled(ctx: FaultContext): z.infer<typeof memorySchema> | undefined {
  const memory = ctx.recall();
  return memory === undefined ? undefined : memorySchema.parse(memory);
}

/**
 * A watchdog tries all the same, may escalate as far as it goes, and cannot succeed before heal; when that comes it may be in the middle
 * of a backoff.
 */
function expectation({ service }: KeepDownOptions, { stack, holdMs }: ExpectationScene): Expectation {
  const role = roleOf(service, stack);
  if (role === "watchdog") return watchdogItself;
  // Of waits that double, the one under way is no longer than all before it together, and so than the hold.
  const backoffMs = role === "alone" ? 0 : Math.min(holdMs, stack.watchdog?.backoffCapMs ?? 0);
  const unavailableMs = outageMs(service, stack, holdMs + backoffMs + programBackMs);
  if (role === "alone") return { ...anyAnswer, revivedByDriver: true, unavailableMs };
  if (role === "tended") return { ...anyAnswer, keptUp: true, unavailableMs };
  const actWithinMs = stack.watchdog?.processGoneMs ?? null;
  if (role === "dependency") {
    // The service that needs it is none the better for being restarted.
    const recovery = { atLeast: "hard", atMost: "hard" } as const;
    return { recovery, service, actWithinMs, restarts: true, keptUp: true, unavailableMs };
  }
  const startedByOther = stack.services.some(
    (spec) => spec.name === service && spec.kind === "program" && spec.startedBy !== undefined,
  );
  return {
    recovery: { atLeast: "hard", atMost: "emergency" },
    service,
    actWithinMs,
    restarts: true,
    keptUp: true,
    ...(startedByOther ? {} : { revivedByDriver: true }),
    unavailableMs,
  };
}
