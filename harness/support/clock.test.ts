import { expect, it } from "vitest";
import { monotonicMs, sleepPrecisely, systemClock } from "./clock.ts";
import { createVirtualClock } from "./testing/virtual-clock.ts";

const never = new AbortController().signal;

it("sleeps precisely: never early, and most of the time within a millisecond", async () => {
  const late: number[] = [];
  for (let n = 0; n < 50; n++) {
    const atMs = monotonicMs() + 5 + n / 7;
    await sleepPrecisely(atMs, never, systemClock);
    late.push(monotonicMs() - atMs);
  }
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  // The median, because the machine of a test may be busy.
  expect(late.toSorted((a, b) => a - b)[25]).toBeLessThan(1);
});

it("sleeps precisely on a clock that does not go by itself", async () => {
  const clock = createVirtualClock();
  let wokeMs = -1;
  const sleeping = sleepPrecisely(1_000, never, clock).then(() => (wokeMs = clock.nowMs()));
  await clock.moveTo(999.5);
  expect(wokeMs).toBe(-1);
  await clock.moveTo(5_000);
  await sleeping;
  expect(wokeMs).toBe(1_000);
});

it("ends a precise sleep with its signal, also in the last moment", async () => {
  for (const inMs of [100, 1]) {
    const stop = new AbortController();
    const sleeping = sleepPrecisely(monotonicMs() + inMs, stop.signal, systemClock);
    stop.abort(new Error("enough"));
    await expect(sleeping).rejects.toThrow(/enough|aborted/);
  }
});
