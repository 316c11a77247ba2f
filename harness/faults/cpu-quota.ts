// A service gets only so much CPU time: its processes run in a control group with a quota, spent in periods of a tenth of a second. The
// quota stays with the service: a process that takes the place of the first gets it as well, a second after it serves.
//
// Limits: a service that does not want more than its quota feels nothing, and then the fault does not count as effective. The reference
// gateway uses 0.1 to 0.2 cores at 65 requests/s.
import { z } from "zod";
import { sleep } from "../support/clock.ts";
import { calm } from "./expectations.ts";
import { defineFault } from "./fault.ts";
import { followReplacement, putIntoGroup, recallGroup, takeOutOfGroup } from "./own-group.ts";
import { watchPeriods } from "./quota-periods.ts";

export interface CpuQuotaOptions {
  readonly service: string;
  /** Cores, 0.05..2: CPU seconds per second. */
  readonly cores: number;
}

const followEveryMs = 500;
/** Half way between the asked quota and half or twice of it, on a ratio scale. */
const mostRatio = Math.SQRT2;
/** Fewer throttled periods than these are a coincidence of a busy moment. */
const leastThrottled = 3;

export const cpuQuota = defineFault<CpuQuotaOptions>({
  name: "cpu-quota",
  summary: "A service's processes together get at most a share of the CPU.",
  needs: ["process", "cpu-quota"],
  kind: "held",
  options: z.strictObject({ service: z.string().min(1), cores: z.number().min(0.05).max(2) }),
  target: ({ service }) => `service:${service}`,
  /**
   * Whether the service is only slowed or starved depends on what it needs, which the plan does not know: to do nothing is right, to restart
   * what does not answer any more is right, too. Only heal lifts the harm. No time without service is planned for: a quota that leaves
   * the service too little to serve costs availability, as it should.
   */
  expect: ({ service }) => ({ ...calm, recovery: { atLeast: "none", atMost: "hard" }, service }),
  confirmWithinMs: 20_000,

  async inject(ctx, { service, cores }) {
    await putIntoGroup(ctx, service, { controller: "cpu", cores });
  },

  async sustain(ctx, { service }) {
    for (;;) {
      await sleep(followEveryMs, ctx.signal, ctx.clock);
      await followReplacement(ctx, service);
    }
  },

  /**
   * The kernel's books: in a period that it calls throttled the group has spent all of its quota, so the CPU time of its threads in such
   * periods is the quota as the service feels it. Periods in which it wanted less say nothing and are left out.
   */
  async confirm(ctx, { service, cores }) {
    const plan = recallGroup(ctx, service);
    if (plan === undefined) return { effective: false, saw: `no quota was put around ${service}` };
    const cgroup = ctx.stack.cgroup(service);
    const serving = ctx.stack.process(service).find();
    if (serving === undefined || !cgroup.holds(plan, serving))
      return {
        effective: false,
        saw: `the process that serves for ${service} is under no quota of this fault`,
      };
    const seen = await watchPeriods(
      () => cgroup.cpuBooks(plan),
      () => cgroup.threadTimesNs(plan),
      ctx,
    );
    const used = `${service} used ${seen.cores.toFixed(2)} cores over ${(seen.passedMs / 1_000).toFixed(1)} s`;
    if (seen.throttled === 0) return { effective: false, saw: `${used} and was not throttled` };
    const measured = seen.throttledCores;
    const saw = `${used}; it was throttled in ${seen.throttled} of ${seen.periods} periods`;
    if (measured === undefined || seen.measuredPeriods < leastThrottled)
      return { effective: false, saw: `${saw}, too few to measure` };
    return {
      effective: measured <= mostRatio * cores && measured >= cores / mostRatio,
      saw: `${saw} and got ${measured.toFixed(3)} cores in those`,
      magnitude: { asked: cores, measured, unit: "cores" },
    };
  },

  async heal(ctx, { service }) {
    await takeOutOfGroup(ctx, service);
  },
});
