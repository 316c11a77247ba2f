import { expect, it } from "vitest";
import { sleep } from "./clock.ts";
import { createSuspendWatch } from "./suspend.ts";
import { createVirtualClock } from "./testing/virtual-clock.ts";

it("says for how long the machine slept, once", async () => {
  const clock = createVirtualClock(5_000);
  let sleptMs = 0;
  // The kernel's uptime comes in ticks of 10 ms and counts suspend.
  const look = createSuspendWatch(clock, () => Math.floor((clock.nowMs() + sleptMs) / 10) * 10);
  await clock.moveTo(6_003);
  expect(look()).toBeUndefined();
  sleptMs = 42_000;
  await clock.moveTo(7_009);
  expect(look()).toBeCloseTo(42_000, -2);
  await clock.moveTo(8_000);
  expect(look()).toBeUndefined();
  sleptMs += 400;
  expect(look()).toBeCloseTo(400, -2);
});

it("takes neither ticks nor a long awake time for sleep", async () => {
  const clock = createVirtualClock();
  const look = createSuspendWatch(clock, () => Math.floor(clock.nowMs() / 10) * 10);
  for (let ms = 0; ms < 3_600_000; ms += 60_007.3) {
    await clock.moveTo(ms);
    expect(look()).toBeUndefined();
  }
});

it("reads the kernel's own clocks", async () => {
  const look = createSuspendWatch();
  await sleep(120);
  expect(look()).toBeUndefined();
});
