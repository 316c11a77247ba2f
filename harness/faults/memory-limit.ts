// A service may take only so much more memory: its processes run in a control group with a limit. The kernel charges memory where it is
// first touched and leaves there what a moved process already has, so the limit counts what is taken from then on (what it gives back of
// the rest does not widen it), and a limit on all that a running process uses cannot be had.
//
// Limits: at the limit the kernel first takes file cache back and then, as there is no swap in that group, kills a process of it. Whether the
// service comes that far is its own matter. A process that takes the place of a killed one is not limited: it could not even start.
import { z } from "zod";
import type { StackSpec } from "../scenario/stack-spec.ts";
import { formatBytes } from "../support/bytes.ts";
import { isAlive } from "../support/process-identity.ts";
import { calm } from "./expectations.ts";
import { defineFault, type Confirmation, type Expectation } from "./fault.ts";
import { putIntoGroup, recallGroup, takeOutOfGroup } from "./own-group.ts";
import { isBroughtBack, outageMs, roleOf, serverBackMs } from "./service-roles.ts";
import { sizeSchema } from "./size-schema.ts";

export interface MemoryLimitOptions {
  readonly service: string;
  /** Bytes that it may still take; a text such as "32MiB" before it is parsed. */
  readonly headroom: number;
}

const mib = 1_048_576;
/** Half way between the asked limit and half or twice of it, on a ratio scale. */
const mostRatio = Math.SQRT2;

export const memoryLimit = defineFault<MemoryLimitOptions>({
  name: "memory-limit",
  summary: "A service may take only so much more memory; beyond that the kernel kills it.",
  needs: ["process", "memory-limit"],
  kind: "held",
  // The kernel charges in batches of 64 pages for each core: below some MiB the limit would be blurred by that.
  options: z.strictObject({
    service: z.string().min(1),
    headroom: sizeSchema({ least: 4 * mib, most: 512 * mib }),
  }),
  target: ({ service }) => `service:${service}`,
  expect: ({ service }, { stack, holdMs }) => expectation(service, stack, holdMs),
  confirmWithinMs: 15_000,

  async inject(ctx, { service, headroom }) {
    await putIntoGroup(ctx, service, { controller: "memory", bytes: headroom });
  },

  /**
   * Two things are seen. The kernel says that the process which serves is in the group. And the group cannot grow beyond the limit: a
   * process of Kiln's own reads twice as much in it through the file cache, which costs nobody anything because the kernel takes cache
   * back first. Not seen, and not needed, is that the service itself came to the limit; when it did and was killed, that is told.
   */
  async confirm(ctx, { service, headroom }) {
    const plan = recallGroup(ctx, service);
    if (plan === undefined) return { effective: false, saw: `no limit was put around ${service}` };
    const cgroup = ctx.stack.cgroup(service);
    const before = cgroup.memoryBooks(plan);
    if (before === undefined) return { effective: false, saw: `the control group of ${service} is gone` };
    const serving = ctx.stack.process(service).find();
    if (serving === undefined || !cgroup.holds(plan, serving)) {
      const [limited] = plan.moved;
      if (before.kills === 0 || limited === undefined || isAlive(limited))
        return { effective: false, saw: `the process that serves for ${service} is not under the limit` };
      const saw = `the kernel killed ${service} (pid ${limited.pid}) when its group had grown to ${formatBytes(before.peakBytes)}`;
      return sized(headroom, before.peakBytes, saw);
    }
    await cgroup.press(plan, 2 * headroom, ctx.signal);
    const peakBytes = cgroup.memoryBooks(plan)?.peakBytes ?? 0;
    const pressed = `the group of ${service} (pid ${serving.pid}) grew to ${formatBytes(peakBytes)} when ${formatBytes(2 * headroom)} of file cache were read in it`;
    return sized(
      headroom,
      peakBytes,
      `${pressed}; ${service} itself had taken ${formatBytes(before.usageBytes)}`,
    );
  },

  async heal(ctx, { service }) {
    await takeOutOfGroup(ctx, service);
  },
});

function sized(asked: number, measured: number, saw: string): Confirmation {
  return {
    effective: measured <= mostRatio * asked && measured >= asked / mostRatio,
    saw,
    magnitude: { asked: asked / mib, measured: measured / mib, unit: "MiB" },
  };
}

/**
 * It may be killed and need not be. Where something brings it back, a restart is right and costs what it costs after a kill; where nothing
 * does, the driver starts it again after heal, and until then what needs it goes without.
 */
function expectation(service: string, stack: StackSpec, holdMs: number): Expectation {
  const role = roleOf(service, stack);
  if (isBroughtBack(role))
    return {
      ...calm,
      recovery: { atLeast: "none", atMost: "hard" },
      service,
      restarts: true,
      unavailableMs: role === "dependency" ? outageMs(service, stack, serverBackMs) : 3_000,
    };
  const essential = stack.links.some(({ to, essential: needed }) => to === service && needed === true);
  return { ...calm, revivedByDriver: true, unavailableMs: essential ? holdMs : 0 };
}
