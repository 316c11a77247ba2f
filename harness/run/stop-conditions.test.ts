import { expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { createVirtualClock } from "../support/testing/virtual-clock.ts";
import { watchForStop } from "./stop-conditions.ts";

interface Second {
  readonly started: number;
  readonly failed: number;
}

/** Plays the seconds of a load, one look each, as late as the load knows them; returns the second of the breach and its reason. */
async function play(stopWhen: Plan["stopWhen"], seconds: readonly Second[]) {
  const clock = createVirtualClock();
  const stops: { second: number; reason: string }[] = [];
  let at = 0;
  const check = watchForStop({
    plan: { stopWhen },
    clock,
    load: {
      live: () => ({
        second: at,
        plannedRps: 10,
        startedLastSecond: seconds[at]?.started ?? 0,
        failedLastSecond: seconds[at]?.failed ?? 0,
        p95Ms: 1,
        completed: 0,
        planned: 0,
      }),
    },
    stop: (reason) => stops.push({ second: at, reason }),
  });
  for (; at < seconds.length; at++) {
    await clock.moveTo((at + 1) * 1_000);
    check();
  }
  return stops;
}
const good = (count: number): Second[] => Array.from({ length: count }, () => ({ started: 10, failed: 0 }));
const bad = (count: number, failed = 10): Second[] =>
  Array.from({ length: count }, () => ({ started: 10, failed }));

it("stops after so long without a single success, once", async () => {
  const stopWhen = { unavailableForMs: 5_000 };
  expect(await play(stopWhen, [...good(10), ...bad(4), ...good(5)])).toEqual([]);
  expect(await play(stopWhen, [...good(10), ...bad(4), ...bad(1, 9), ...bad(4), ...good(5)])).toEqual([]);
  const stops = await play(stopWhen, [...good(10), ...bad(30)]);
  expect(stops).toEqual([{ second: 14, reason: "no request succeeded for 5s (stopWhen.unavailableFor)" }]);
});

it("stops when more than a share of the last so long failed", async () => {
  const stopWhen = { unavailableForMs: null, failedShare: { overMs: 10_000, above: 0.5 } };
  expect(await play(stopWhen, [...good(20), ...bad(5), ...good(20)])).toEqual([]);
  // Exactly the share is not more than it; a sixth bad second within ten is.
  expect(await play(stopWhen, [...good(20), ...bad(5), ...good(5), ...bad(5), ...good(9)])).toEqual([]);
  const stops = await play(stopWhen, [...good(20), ...bad(20)]);
  expect(stops).toEqual([
    {
      second: 25,
      reason: "60 % of requests failed over 10s, more than 50 % (stopWhen.failedShare)",
    },
  ]);
  // Half of each second's requests, and a little more.
  expect((await play(stopWhen, [...good(5), ...bad(30, 6)]))[0]?.second).toBe(13);
});

it("waits until the load is as old as the time that it looks at, and does not count seconds without requests", async () => {
  const stopWhen = { unavailableForMs: null, failedShare: { overMs: 10_000, above: 0.5 } };
  expect((await play(stopWhen, bad(30)))[0]?.second).toBe(9);
  const none = Array.from({ length: 30 }, (): Second => ({ started: 0, failed: 0 }));
  expect(await play(stopWhen, none)).toEqual([]);
});

it("never stops a run whose scenario sets no condition", async () => {
  expect(await play({ unavailableForMs: null }, bad(100))).toEqual([]);
});
