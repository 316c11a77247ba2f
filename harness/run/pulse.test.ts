import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { JournalBody, JournalEvent } from "../journal/events.ts";
import { createVirtualClock, type VirtualClock } from "../support/testing/virtual-clock.ts";
import { startPulse } from "./pulse.ts";

let logsDir: string;
beforeEach(() => {
  logsDir = mkdtempSync(join(tmpdir(), "kiln-pulse-"));
});
afterEach(() => rmSync(logsDir, { recursive: true, force: true }));

function beat(clock: VirtualClock) {
  const events: JournalBody[] = [];
  const world = {
    stepMs: undefined as number | undefined,
    sleptMs: undefined as number | undefined,
    gaps: 0,
  };
  const once = (key: "stepMs" | "sleptMs"): number | undefined => {
    const value = world[key];
    world[key] = undefined;
    return value;
  };
  const pulse = startPulse({
    journal: { write: (body) => (events.push(body), body as JournalEvent), close: () => undefined },
    samples: { commit: () => undefined } as never,
    clock,
    wall: { toMonotonicMs: (ms) => ms, observe: () => once("stepMs") },
    suspended: () => once("sleptMs"),
    logsDir,
    duties: () => undefined,
    onGap: () => void (world.gaps += 1),
  });
  return { events, world, pulse };
}

it("journals a sleep of the machine and a step of the wall clock at the next beat, and joins the clocks each minute", async () => {
  const clock = createVirtualClock();
  const { events, world, pulse } = beat(clock);
  await clock.moveTo(5_500);
  expect(events).toEqual([{ type: "clock", wallMs: 1_000 }]);
  // Asleep for ten minutes: the wall clock went on, and the monotonic one did not.
  Object.assign(world, { sleptMs: 600_000, stepMs: 600_000 });
  await clock.moveTo(6_500);
  expect(events.at(-1)).toEqual({ type: "clock", wallMs: 6_000, stepMs: 600_000, suspendedMs: 600_000 });
  world.stepMs = -3_600_000;
  await clock.moveTo(7_500);
  expect(events.at(-1)).toEqual({ type: "clock", wallMs: 7_000, stepMs: -3_600_000 });
  world.sleptMs = 150;
  await clock.moveTo(8_500);
  expect(events.at(-1)).toEqual({ type: "clock", wallMs: 8_000, suspendedMs: 150 });
  await clock.moveTo(70_000);
  expect(events).toHaveLength(5);
  expect(world.gaps).toBe(0);
  await pulse.stop();
});

it("journals a gap in which the harness itself did not run", async () => {
  const clock = createVirtualClock();
  let stopped = false;
  // A clock that is read late: as after SIGSTOP and SIGCONT.
  const late = { ...clock, nowMs: () => clock.nowMs() + (stopped ? 30_000 : 0) };
  const { events, world, pulse } = beat(late);
  await clock.moveTo(3_500);
  stopped = true;
  await clock.moveTo(4_500);
  expect(events.at(-1)).toEqual({ type: "gap", what: "the harness did not run", lengthMs: 31_000 });
  expect(world.gaps).toBe(1);
  await pulse.stop();
});
