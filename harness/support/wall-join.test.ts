import { expect, test } from "vitest";
import { systemClock, type Clock } from "./clock.ts";
import { createWallJoin } from "./wall-join.ts";

function fakeClock(offsetMs: () => number): Clock & { advance(ms: number): void } {
  let nowMs = systemClock.nowMs();
  return {
    nowMs: () => nowMs,
    wallMs: () => Math.floor(nowMs + offsetMs()),
    sleepUntil: () => Promise.resolve(),
    advance: (ms) => void (nowMs += ms),
  };
}

test("the wall clock of this machine joins to within a millisecond", () => {
  const join = createWallJoin();
  join.observe();
  const before = systemClock.nowMs();
  const joined = join.toMonotonicMs(systemClock.wallMs());
  expect(joined).toBeGreaterThan(before - 1.5);
  expect(joined).toBeLessThan(systemClock.nowMs() + 1.5);
});

test("slewing is followed to within a millisecond, and is no step", () => {
  let slewMs = 0;
  const base = performance.timeOrigin - (systemClock.nowMs() - performance.now());
  const clock = fakeClock(() => base + slewMs);
  const join = createWallJoin(clock);
  for (let second = 0; second < 600; second++) {
    clock.advance(1_000.37);
    slewMs += 0.2;
    expect(join.observe()).toBeUndefined();
  }
  expect(Math.abs(join.toMonotonicMs(clock.nowMs() + base + slewMs) - clock.nowMs())).toBeLessThan(1.01);
});

test("a jump of the wall clock is reported with its size, and then followed", () => {
  let stepMs = 0;
  const base = performance.timeOrigin - (systemClock.nowMs() - performance.now());
  const clock = fakeClock(() => base + stepMs);
  const join = createWallJoin(clock);
  join.observe();
  stepMs = 3_600_000;
  clock.advance(1_000);
  expect(join.observe()).toBeCloseTo(3_600_000, -2);
  expect(join.observe()).toBeUndefined();
  expect(Math.abs(join.toMonotonicMs(clock.nowMs() + base + stepMs) - clock.nowMs())).toBeLessThan(1.01);
});

test("being held up between the two readings does not move the join", () => {
  const base = performance.timeOrigin - (systemClock.nowMs() - performance.now());
  const clock = fakeClock(() => base);
  const join = createWallJoin(clock);
  let held = true;
  const { wallMs } = clock;
  clock.wallMs = () => {
    const reading = wallMs();
    if (held) clock.advance(40);
    held = false;
    return reading;
  };
  join.observe();
  expect(Math.abs(join.toMonotonicMs(clock.nowMs() + base) - clock.nowMs())).toBeLessThan(1.01);
});
