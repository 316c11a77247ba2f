// A service leaks file descriptors at a steady rate, opened by Kiln's agent inside it and counted from outside. With `most` below the limit
// of the process it is a leak that somebody may notice; where it meets that limit the service cannot open anything any more, neither
// files nor connections, and its users notice: that is asked for by number, so plan for it.
import { z } from "zod";
import { grantPermit, jobIn, servingProcess, startJob, stopJob, withdrawPermit } from "./agent-job.ts";
import { confirmGrowth, confirmLeakWithinMs, growthLookMs } from "./counted-leak.ts";
import { calm } from "./expectations.ts";
import { defineFault } from "./fault.ts";
import { countOpenTo } from "./open-descriptors.ts";
import { requireHold } from "./shortest-hold.ts";

export interface DescriptorLeakOptions {
  readonly service: string;
  /** 1 to 500. */
  readonly perSecond: number;
  /** Stays at so many once they are open; 10 to 10,000. */
  readonly most: number;
}

/** What the agent opens: costs nothing, is there on every system, and can be told from what the service opens. */
const openTo = "/dev/null";

export const descriptorLeak = defineFault<DescriptorLeakOptions>({
  name: "descriptor-leak",
  summary: "A service leaks file descriptors at a steady rate, up to a number.",
  needs: ["agent", "process"],
  kind: "held",
  options: z.strictObject({
    service: z.string().min(1),
    perSecond: z.number().min(1).max(500),
    most: z.int().min(10).max(10_000),
  }),
  target: ({ service }) => `service:${service}`,
  expect: (options, { holdMs }) => {
    requireHold("descriptor-leak", holdMs, growthLookMs(options));
    return calm;
  },
  confirmWithinMs: confirmLeakWithinMs,

  async inject(ctx, { service, perSecond, most }) {
    const identity = servingProcess(ctx, service);
    const before = await countOpenTo(identity.pid, openTo);
    const permit = await grantPermit(ctx);
    await startJob(ctx, service, {
      command: "descriptors",
      params: { perSecond, most, permit },
      identity,
      before,
    });
  },

  /** Descriptors of the process that serves now, as the kernel lists them. */
  async confirm(ctx, { service, perSecond, most }) {
    const job = jobIn(ctx, service);
    if (typeof job === "string") return { effective: false, saw: job };
    const { identity, before = 0 } = job;
    const what = `descriptors open to ${openTo}`;
    const count = () => countOpenTo(identity.pid, openTo);
    return confirmGrowth(ctx, { what, unit: "descriptors", perSecond, most, before, count });
  },

  async heal(ctx, { service }) {
    await withdrawPermit(ctx);
    await stopJob(ctx, service);
  },
});
