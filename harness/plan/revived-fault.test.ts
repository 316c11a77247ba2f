// A momentary fault on what only the stack's driver brings back stays in for the whole recovery objective: nothing is planned into that.
import { expect, test } from "vitest";
import type { Expectation, FaultTable } from "../faults/fault.ts";
import type { ScenarioInput } from "../scenario/scenario.ts";
import { makePlan } from "./make-plan.ts";
import type { FaultStep } from "./plan.ts";
import { exampleFaults } from "./testing/example-faults.ts";
import { crash, exampleScenario, slow } from "./testing/example-scenario.ts";

const byDriver: Expectation = {
  recovery: { atLeast: "none", atMost: "soft" },
  service: null,
  actWithinMs: null,
  restarts: true,
  revivedByDriver: true,
  unavailableMs: 0,
};

function table(expected: Expectation): FaultTable {
  const found = exampleFaults.get("crash");
  if (found === undefined) throw new Error("the examples have a crash");
  return new Map([...exampleFaults, ["crash", { ...found, expect: () => expected }]]);
}

function stepsOf(expected: Expectation, extra: Partial<ScenarioInput>): readonly FaultStep[] {
  return makePlan(exampleScenario(extra), "1", table(expected)).faults;
}

const { revivedByDriver: _driver, ...alone } = byDriver;
const one: Partial<ScenarioInput> = { chaos: { planned: [crash({ at: "10m" })], settle: "20s" } };

test("it settles only after the recovery objective, or the usual limit where there is none", () => {
  const end = (expected: Expectation, recoveryMs?: number): number | undefined =>
    stepsOf(expected, { ...one, objectives: recoveryMs === undefined ? {} : { recoveryMs } })[0]
      ?.settleUntilMs;
  expect(end(alone, 45_000)).toBe(620_000);
  expect(end(byDriver, 45_000)).toBe(665_000);
  expect(end(byDriver)).toBe(680_000);
});

test("nothing of a window comes into that time, which counts as time under fault", () => {
  const faults = [crash(), slow({ hold: "10s" })];
  const window = { every: "1h", for: "20m" } as const;
  const steps = stepsOf(byDriver, { chaos: { window, faults, settle: "10s", dutyCycle: 0.2 } });
  const crashes = steps.filter(({ fault }) => fault === "crash");
  expect(crashes.length).toBeGreaterThan(3);
  for (const { startMs } of crashes) {
    const during = steps.filter((other) => other.startMs > startMs && other.startMs < startMs + 70_000);
    expect(during).toEqual([]);
  }
});
