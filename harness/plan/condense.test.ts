import { describe, expect, test } from "vitest";
import type { ChaosInput, Scenario, ScenarioInput } from "../scenario/scenario.ts";
import { condensePlan } from "./condense.ts";
import { makePlan } from "./make-plan.ts";
import type { Plan } from "./plan.ts";
import { brokenCondensation } from "./testing/condense-rules.ts";
import { exampleFaults } from "./testing/example-faults.ts";
import {
  cascade,
  corrupt,
  crash,
  exampleScenario,
  exampleStack,
  flapping,
  leak,
  slow,
} from "./testing/example-scenario.ts";

const quick: ScenarioInput["stack"] = {
  ...exampleStack,
  watchdog: {
    service: "worker",
    supervises: "api",
    eventsFile: "x",
    unresponsiveMs: 1,
    processGoneMs: 1,
    backoffCapMs: 1,
    resetMs: 20_000,
  },
};

function both(
  extra: Partial<ScenarioInput>,
  chaos: ChaosInput,
): { full: Plan; short: Plan; scenario: Scenario } {
  const scenario = exampleScenario({ duration: "12h", ...extra }, { quietStretch: "1h", ...chaos });
  const full = makePlan(scenario, "1", exampleFaults);
  const quickScenario = exampleScenario(
    { duration: "12h", stack: quick, ...extra },
    { quietStretch: "1h", ...chaos },
  );
  return { full, short: condensePlan(full, quickScenario, exampleFaults), scenario };
}

const planned = (...list: NonNullable<ChaosInput["planned"]>): ChaosInput => ({
  window: { every: "11h", for: "10m" },
  faults: [slow({ hold: "30s" })],
  planned: list,
});

test("calm is cut, order and options stay, holds are a quarter and at least 15 s", () => {
  const { full, short } = both(
    {},
    planned(
      slow({ at: "20m", hold: "100s" }),
      leak({ at: "3h", hold: "40s" }),
      corrupt({ at: "4h" }),
      slow({ at: "5h", hold: "9s" }),
    ),
  );
  expect(brokenCondensation(full, short)).toEqual([]);
  const holds = short.faults.slice(0, 4).map(({ healMs, startMs }) => (healMs - startMs) / 1_000);
  expect(holds).toEqual([25, 15, 0, 9]);
  expect(short.durationMs).toBeLessThan(10 * 60_000);
  expect(short).toMatchObject({
    scenario: "condensed example",
    condensed: { of: "example", ofHash: full.hash, ofDurationMs: full.durationMs, factor: 4 },
    warmUpMs: 15_000,
    finalSettleMs: 15_000,
  });
  expect(short.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(short.description).toMatch(/^12h condensed to \d+m/);
});

test("what overlaps goes on overlapping, in the same order", () => {
  const steps = [slow({ hold: "120s" }), corrupt(), leak({ hold: "40s" })];
  const { full, short } = both(
    {},
    planned(cascade({ at: "20m", steps, gap: "20s" }), flapping({ at: "1h" })),
  );
  expect(brokenCondensation(full, short)).toEqual([]);
  const [outer, file, inner] = short.faults;
  if (outer === undefined || file === undefined || inner === undefined) throw new Error("three steps");
  expect(outer.startMs).toBeLessThan(file.startMs);
  expect(file.startMs).toBeLessThan(inner.startMs);
  expect(inner.healMs).toBeLessThan(outer.healMs);
  expect(short.faults.slice(0, 3).map(({ pattern }) => pattern?.index)).toEqual([1, 2, 3]);
  const flaps = short.faults.filter(({ pattern }) => pattern?.name === "flapping");
  expect(flaps.map(({ startMs }, index) => startMs - (flaps[0]?.startMs ?? 0) - index)).toEqual(
    full.faults
      .filter(({ pattern }) => pattern?.name === "flapping")
      .map(({ startMs }, index, all) => startMs - (all[0]?.startMs ?? 0) - index),
  );
});

test("spikes become 30 s each; restarts keep the distance that the quick watchdog asks for", () => {
  const { full, short } = both({}, planned(crash({ at: "20m" }), crash({ at: "3h" }), crash({ at: "5h" })));
  const spikes = short.load.segments.filter(({ kind }) => kind === "spike");
  expect(spikes.map(({ startMs, endMs }) => endMs - startMs)).toEqual(
    full.load.segments.filter(({ kind }) => kind === "spike").map(() => 30_000),
  );
  const crashes = short.faults.filter(({ fault }) => fault === "crash").map(({ startMs }) => startMs);
  expect(crashes).toHaveLength(3);
  for (const [index, startMs] of crashes.entries())
    expect(startMs - (crashes[index - 1] ?? -Infinity)).toBeGreaterThanOrEqual(20_000);
});

describe("objectives", () => {
  const chaos = planned(crash({ at: "20m" }), crash({ at: "3h" }));

  test("availability is what the faults may cost and nothing more; drift is not judged; the rest stays", () => {
    const { short } = both(
      { objectives: { availability: 0.999, memoryDrift: 0.1, p95Ms: 200, recoveryMs: 60_000 } },
      chaos,
    );
    expect(short.budget.plannedMs).toBe(6_000);
    const { availability = 0, ...others } = short.objectives;
    expect(others).toEqual({ p95Ms: 200, recoveryMs: 60_000 });
    expect(1 - availability).toBeGreaterThan(6_000 / short.durationMs - 1e-9);
    expect(1 - availability).toBeLessThan(6_000 / short.durationMs + 1.1e-5);
  });

  test("an availability that leaves room all the same stays as it is, and none stays none", () => {
    expect(both({ objectives: { availability: 0.5 } }, chaos).short.objectives).toEqual({
      availability: 0.5,
    });
    expect(both({ objectives: {} }, chaos).short.objectives).toEqual({});
  });
});

test("what is short already, or lacks what a step needs, is refused", () => {
  const tight: ScenarioInput["stack"] = { ...quick, configFiles: [] };
  const short = exampleScenario({
    duration: "40s",
    warmUp: "5s",
    load: { script: "x.ts", steadyRps: 65 },
    chaos: { planned: [crash({ at: "10s" })], settle: "5s" },
    objectives: {},
  });
  expect(() => condensePlan(makePlan(short, "1", exampleFaults), short, exampleFaults)).toThrow(
    /example: nothing to condense: it lasts 40s, condensed 1m\d+s/,
  );
  const scenario = exampleScenario({ duration: "12h", chaos: { planned: [corrupt({ at: "1h" })] } });
  const lacking = exampleScenario({
    duration: "12h",
    stack: tight,
    chaos: { planned: [corrupt({ at: "1h" })] },
  });
  const full = makePlan(scenario, "1", exampleFaults);
  expect(() => condensePlan(full, lacking, exampleFaults, { file: "scenarios/x.ts" })).toThrow(
    "scenarios/x.ts: stack: with quick thresholds the stack does not offer config-file at config:api, which f01-corrupt needs",
  );
});
