import { expect, test } from "vitest";
import type { FaultStep, Plan } from "../plan/plan.ts";
import { judge } from "./judge.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { heldStep, killStep, testPlan } from "./testing/plan-builder.ts";
import { faultEvents, killEvents } from "./testing/stories.ts";
import type { Summary } from "./verdict.ts";

const windows = [{ startMs: 20_000, endMs: 100_000 }];
const duty = { asked: 0.2, planned: 0.15 };

function summary(changes: Partial<Plan>, script: Script): Summary {
  const plan = testPlan({ objectives: { recoveryMs: 60_000 }, windows, duty, ...changes });
  return judge(plan, buildEvidence(plan, script)).summary;
}

const errors = (id: string, startMs: number, rate: number): FaultStep =>
  heldStep({
    id,
    fault: "upstream-errors",
    target: "service:upstream",
    options: { service: "upstream", rate },
    startMs,
    healMs: startMs + 10_000,
    settleUntilMs: startMs + 25_000,
  });

test("the duty cycle is the time from effective to healed, or to recovered, over the time of the windows", () => {
  const faults = [
    heldStep({ id: "f01-latency" }),
    killStep({ id: "f02-kill", startMs: 80_000, healMs: 80_000 }),
  ];
  const events = [
    ...faultEvents("f01-latency", { atMs: 40_000, healedMs: 50_000 }),
    ...killEvents({ id: "f02-kill", atMs: 80_000, actedMs: 80_300, backMs: 80_500 }),
  ];
  const { duty: found } = summary({ faults }, { events, troubles: [{ fromMs: 80_000, toMs: 82_000 }] });
  expect(found).toMatchObject(duty);
  // 9.95 s and 2 s of 80 s.
  expect(found?.measured).toBeGreaterThan(0.148);
  expect(found?.measured).toBeLessThan(0.151);
});

test("what overlaps counts once, what lies outside the windows or was not confirmed not at all", () => {
  const faults = [
    heldStep({ id: "f01-a", startMs: 15_000, healMs: 30_000, settleUntilMs: 45_000, group: "g01" }),
    heldStep({ id: "f02-b", startMs: 25_000, healMs: 35_000, settleUntilMs: 50_000, group: "g01" }),
    heldStep({ id: "f03-c", startMs: 70_000, healMs: 80_000, settleUntilMs: 95_000 }),
  ];
  const events = [
    ...faultEvents("f01-a", { atMs: 15_000, healedMs: 30_000 }),
    ...faultEvents("f02-b", { atMs: 25_000, healedMs: 36_000 }),
    ...faultEvents("f03-c", { atMs: 70_000, healedMs: 80_000, effective: false }),
  ];
  expect(summary({ faults }, { events }).duty?.measured).toBeCloseTo(16 / 80, 3);
});

test("a run that ended early is measured over the windows that it reached", () => {
  const faults = [heldStep({ id: "f01-a" })];
  const events = faultEvents("f01-a", { atMs: 40_000, healedMs: 50_000 });
  const early = summary({ faults }, { events, endMs: 63_000, ended: "interrupted" });
  expect(early.duty?.measured).toBeCloseTo(9.95 / 40, 2);
  expect(summary({ faults }, { events: [], endMs: 10_000 }).duty).toEqual({ ...duty, measured: null });
  const { duty: _duty, ...none } = testPlan({ objectives: { recoveryMs: 1 }, faults });
  expect(judge(none, buildEvidence(none, { events })).summary.duty).toBeNull();
});

test("fault rates are told by what was asked, from the looks that confirmed them", () => {
  const faults = [errors("f01-e", 30_000, 0.2), errors("f02-e", 60_000, 0.2), errors("f03-e", 90_000, 1)];
  const look = (id: string, atMs: number, asked: number, measured: number, effective = true) =>
    faultEvents(id, {
      atMs,
      healedMs: atMs + 10_000,
      effective,
      magnitude: { asked, measured, unit: "ratio" },
    });
  const events = [
    ...look("f01-e", 30_000, 0.2, 0.18),
    ...look("f02-e", 60_000, 0.2, 0.21),
    ...look("f03-e", 90_000, 1, 0.99),
  ];
  expect(summary({ faults }, { events }).faultRates).toEqual([
    { asked: 0.2, measured: (0.18 + 0.21) / 2, faults: 2 },
    { asked: 1, measured: 0.99, faults: 1 },
  ]);
  const unconfirmed = look("f01-e", 30_000, 0.2, 0.02, false);
  expect(summary({ faults: faults.slice(0, 1) }, { events: unconfirmed }).faultRates).toEqual([]);
});
