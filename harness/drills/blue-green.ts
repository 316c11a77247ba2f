// Requests go to another copy of a service and, at the end, back to the first one, without one of them failing: the switch by which a new
// version is put in force. Which copy has them is asked where the load comes in.
import { z } from "zod";
import { defineDrill, nothingBroken, operationOf, rollBackMs } from "./drill.ts";
import {
  answeringSlot,
  recallSlots,
  refusesFewSlots,
  servingProcess,
  slotTimes,
  switchAway,
  switchBack,
} from "./slots.ts";

const name = "blue-green";

export const blueGreen = defineDrill<object>({
  name,
  summary: "Requests are switched to another slot under load, and back, without a failed request.",
  needs: [],
  kind: "held",
  options: z.strictObject({}),
  demands: { noFailedRequest: true, undoneWithinMs: rollBackMs },
  target: () => `operation:${name}`,
  expect: () => ({ ...nothingBroken, restarts: true }),
  refuses: refusesFewSlots(name),
  takes: (_options, stack) => slotTimes(name, stack),
  inject: (ctx) => switchAway(ctx, name),

  async confirm(ctx) {
    const memory = recallSlots(ctx);
    if (memory === undefined) return { effective: false, saw: "nothing was switched" };
    const operation = operationOf(ctx.stack.spec, name);
    const slot = await answeringSlot(ctx, operation);
    if (slot === memory.was)
      return { effective: false, disproved: true, saw: `${slot} still has the requests, as before` };
    const serves = servingProcess(ctx, operation, slot);
    if (serves === undefined)
      return {
        effective: false,
        disproved: true,
        saw: `${slot} has the requests, but no process serves there`,
      };
    return {
      effective: true,
      saw: `${slot} has the requests (pid ${serves.pid}); before it was ${memory.was}`,
    };
  },

  heal: (ctx) => switchBack(ctx, name),
});
