import { expect, test } from "vitest";
import { drillContract, trial, untilSeen } from "./drill.contract.ts";
import { gracefulRestart } from "./graceful-restart.ts";
import type { SmallStack } from "./testing/small-stack.ts";

const pidOf = ({ handle }: SmallStack, slot: string): number | undefined => handle.process(slot).find()?.pid;

drillContract({
  drill: gracefulRestart,
  options: {},
  does: "restart",
  undoes: "switch",
  state: async (stack) => [pidOf(stack, "blue") !== undefined, pidOf(stack, "green")],
  undoneShows: false,
});

test("shows a new process behind the requests, and none of before", async () => {
  const { stack, fresh } = await trial();
  const before = pidOf(stack, "blue");
  await gracefulRestart.inject(fresh(), {});
  const { saw } = await untilSeen(gracefulRestart, fresh(), {});
  const after = pidOf(stack, "blue");
  expect(after).not.toBe(before);
  expect(saw).toBe(`blue is served by a new process, pid ${after}; none of before runs`);
  // Undoing brings nothing back: the requests are where they were.
  await gracefulRestart.heal(fresh(), {});
  expect([pidOf(stack, "blue"), pidOf(stack, "green")]).toEqual([after, undefined]);
});

test("a restart that is only claimed is disproved by the process that still serves", async () => {
  const { stack, fresh } = await trial({ defect: "restart=lies" });
  await gracefulRestart.inject(fresh(), {});
  expect(await gracefulRestart.confirm(fresh(), {})).toEqual({
    effective: false,
    disproved: true,
    saw: `pid ${pidOf(stack, "blue")}, which ran before, still serves (blue)`,
  });
});
