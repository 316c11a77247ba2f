// What the faults around a process share: the service's processes are put into a control group of Kiln's own, and back from what was
// remembered before.
import { z } from "zod";
import type { GroupLimit } from "../stack/control-groups.ts";
import type { GroupPlan } from "../stack/service-cgroup.ts";
import type { FaultContext } from "./fault.ts";

const memorySchema = z.object({
  service: z.string(),
  plan: z.object({
    controller: z.enum(["cpu", "memory"]),
    path: z.string(),
    origin: z.string(),
    moved: z.array(
      z.object({ pid: z.number(), startTicks: z.number(), bootId: z.string(), from: z.string() }),
    ),
  }),
});

/** What this fault has put, or was about to put, into its group; undefined when that was not this service. */
export function recallGroup(ctx: FaultContext, service: string): GroupPlan | undefined {
  const memory = ctx.recall();
  if (memory === undefined) return undefined;
  const recalled = memorySchema.parse(memory);
  return recalled.service === service ? recalled.plan : undefined;
}

export async function putIntoGroup(ctx: FaultContext, service: string, limit: GroupLimit): Promise<void> {
  const cgroup = ctx.stack.cgroup(service);
  const plan = cgroup.plan(limit.controller, ctx.id);
  await ctx.remember({ service, plan });
  ctx.signal.throwIfAborted();
  cgroup.enter(plan, limit);
}

export async function takeOutOfGroup(ctx: FaultContext, service: string): Promise<void> {
  const plan = recallGroup(ctx, service);
  if (plan !== undefined) await ctx.stack.cgroup(service).leave(plan);
}

/**
 * Puts a process that took the serving one's place into the group, too. One that was in it before is where somebody else has put it since,
 * and stays there. Rejects when the group is gone: then somebody else has healed the fault.
 */
export async function followReplacement(ctx: FaultContext, service: string): Promise<void> {
  const plan = recallGroup(ctx, service);
  const serving = ctx.stack.process(service).find();
  if (plan === undefined || serving === undefined) return;
  const cgroup = ctx.stack.cgroup(service);
  const known = plan.moved.some(
    ({ pid, startTicks }) => pid === serving.pid && startTicks === serving.startTicks,
  );
  if (known || cgroup.holds(plan, serving)) return;
  const { moved } = cgroup.plan(plan.controller, ctx.id);
  const longer = { ...plan, moved: [...plan.moved, ...moved] };
  await ctx.remember({ service, plan: longer });
  ctx.signal.throwIfAborted();
  cgroup.adopt(longer);
}
