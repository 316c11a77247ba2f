// Every process of a service is replaced by a new one without a failed request: the requests wait out each restart in another slot. The
// operation may end in either slot; undoing it brings them back to the one of before, where that is not so already.
import { z } from "zod";
import { defineDrill, nothingBroken, operationOf } from "./drill.ts";
import {
  answeringSlot,
  ranBefore,
  recallSlots,
  refusesFewSlots,
  servingProcess,
  slotTimes,
  switchAway,
  switchBack,
} from "./slots.ts";

const name = "graceful-restart";

export const gracefulRestart = defineDrill<object>({
  name,
  summary: "A service's processes are replaced by new ones under load, without a failed request.",
  needs: [],
  kind: "held",
  options: z.strictObject({}),
  demands: { noFailedRequest: true },
  target: () => `operation:${name}`,
  expect: () => ({ ...nothingBroken, restarts: true }),
  refuses: refusesFewSlots(name),
  takes: (_options, stack) => slotTimes(name, stack),
  inject: (ctx) => switchAway(ctx, name),

  async confirm(ctx) {
    const memory = recallSlots(ctx);
    if (memory === undefined) return { effective: false, saw: "nothing was restarted" };
    const operation = operationOf(ctx.stack.spec, name);
    const slot = await answeringSlot(ctx, operation);
    const serves = servingProcess(ctx, operation, slot);
    const says = { effective: false, disproved: true } as const;
    if (serves === undefined)
      return { ...says, saw: `${slot} has the requests, but no process serves there` };
    if (ranBefore(memory, serves))
      return { ...says, saw: `pid ${serves.pid}, which ran before, still serves (${slot})` };
    const old = Object.keys(operation.slots).flatMap((one) => servingProcess(ctx, operation, one) ?? []);
    const left = old.find((identity) => ranBefore(memory, identity));
    if (left !== undefined) return { ...says, saw: `pid ${left.pid}, which ran before, still runs` };
    return {
      effective: true,
      saw: `${slot} is served by a new process, pid ${serves.pid}; none of before runs`,
    };
  },

  heal: (ctx) => switchBack(ctx, name),
});
