// Rules that hold for every seed, over scenarios of many shapes. KILN_PLAN_SEEDS is the number of plans of generated scenarios
// (`npm run test:plans` makes 10,000); each is made twice, and condensed where that makes it shorter.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Scenario, ScenarioInput } from "../scenario/scenario.ts";
import { KilnError } from "../support/errors.ts";
import { canonicalJson } from "../support/json.ts";
import { condensePlan } from "./condense.ts";
import { makePlan } from "./make-plan.ts";
import type { Plan } from "./plan.ts";
import { brokenCondensation } from "./testing/condense-rules.ts";
import {
  cascade,
  corrupt,
  crash,
  exampleInput,
  flapping,
  leak,
  parsed,
  slow,
} from "./testing/example-scenario.ts";
import { exampleDrills, slottedStack, swapping, updating } from "./testing/example-drills.ts";
import { exampleFaults } from "./testing/example-faults.ts";
import { generatedInput } from "./testing/generate-scenario.ts";
import { brokenRules } from "./testing/plan-rules.ts";

const seedCount = 150;
const generatedPlans = Number(process.env["KILN_PLAN_SEEDS"] ?? 500);
const generatedScenarios = Math.min(100, Math.ceil(generatedPlans / 10));
const hourMs = 3_600_000;

const shapes: Record<string, ScenarioInput> = {
  // The quiet stretch begins in the middle of a window.
  everything: exampleInput({}, { quietStretch: "1h45m" }),
  "once each, tight": exampleInput(
    {
      duration: "4m",
      warmUp: "10s",
      load: {
        script: "load.ts",
        steadyRps: 65,
        spike: { rps: 175, every: "10m", for: "10s", firstAt: "1m" },
      },
      objectives: { availability: 0.9 },
    },
    {
      window: { every: "5m", for: "210s", firstAt: "20s" },
      pick: "once-each",
      planned: [],
      settle: "5s",
      quietStretch: "10s",
      restartSpacing: "40s",
      faults: [slow({ hold: ["5s", "9s"] }), crash(), crash(), corrupt(), leak({ hold: "10s" })],
    },
  ),
  "odd rates": exampleInput({
    duration: "2h3m7s",
    load: {
      script: "load.ts",
      steadyRps: 37,
      spike: { rps: 333, every: "37m", for: "61s", firstAt: "13s" },
      rotateEvery: "7m3s",
    },
    chaos: { window: { every: "50m", for: "30m" }, faults: [slow(), corrupt()], settle: "10s" },
  }),
  "skipped and planned in a spike": exampleInput(
    {},
    {
      planned: [slow({ at: "1h9m50s" }), crash({ at: "10m" }), crash({ at: "11m" })],
      faults: [slow(), leak({ options: { service: "worker" }, ifMissing: "skip" })],
    },
  ),
  "drills among faults": exampleInput(
    {
      stack: slottedStack,
      drills: [
        updating({ at: "12m" }),
        swapping({ every: "55m", firstAt: "20m" }),
        updating({ every: "1h10m" }),
      ],
    },
    { restartSpacing: "3m", planned: [crash({ at: "30m" })] },
  ),
  "patterns, ranges, weights and overlaps": exampleInput(
    { duration: "12h" },
    {
      window: { every: ["45m", "80m"], for: "30m", firstAt: ["5m", "20m"] },
      atMostAtOnce: 2,
      finalSettle: "2m",
      planned: [flapping({ at: "2m", downFor: "5s" }), slow({ at: "4h" })],
      faults: [
        slow({ weight: 3 }),
        crash({ atLeast: 2 }),
        leak(),
        corrupt({ weight: 0.5 }),
        flapping(),
        cascade({ weight: 2, atLeast: 1 }),
      ],
    },
  ),
};

describe.each(Object.entries(shapes))("plans of %s", (_, input) => {
  const scenario = parsed(input);

  test(`break no rule for ${seedCount} seeds, and no two are the same`, () => {
    const hashes = new Set<string>();
    const timelines = new Set<string>();
    for (let seed = 0; seed < seedCount; seed++) {
      const plan = makePlan(scenario, String(seed), exampleFaults, { drills: exampleDrills });
      expect(brokenRules(plan, scenario), `seed ${seed}`).toEqual([]);
      expect(plan.drills !== undefined).toBe(scenario.drills !== undefined);
      hashes.add(plan.hash);
      timelines.add(canonicalJson(plan.faults));
    }
    expect(hashes.size).toBe(seedCount);
    expect(timelines.size).toBeGreaterThan(seedCount * 0.99);
  });

  test("are the same bytes for the same seed", () => {
    const seeds = fc.string({ minLength: 1 }).filter((seed) => seed.trim() !== "");
    fc.assert(
      fc.property(seeds, (seed) => {
        const text = (given: Scenario): string =>
          JSON.stringify(makePlan(given, seed, exampleFaults, { drills: exampleDrills }));
        expect(text(scenario)).toBe(text(parsed(input)));
      }),
      { numRuns: 20 },
    );
  });
});

/** Null where the scenario asks for what cannot be: a refusal, never anything else. */
function planOrRefusal(scenario: Scenario, seed: string): Plan | null {
  try {
    return makePlan(scenario, seed, exampleFaults, { drills: exampleDrills });
  } catch (error) {
    if (error instanceof KilnError && error.kind === "usage") return null;
    throw error;
  }
}

function condensedOrRefusal(plan: Plan, scenario: Scenario): Plan | null {
  try {
    return condensePlan(plan, scenario, exampleFaults, { drills: exampleDrills });
  } catch (error) {
    if (error instanceof KilnError && error.code === "plan-not-condensable") return null;
    throw error;
  }
}

test(`${generatedPlans} plans of ${generatedScenarios} generated scenarios break no rule, have the same hash again, and keep their order when condensed`, () => {
  const counts = { planned: 0, refused: 0, mixed: 0, condensed: 0, drills: 0 };
  for (let index = 0; index < generatedScenarios; index++) {
    const scenario = parsed(generatedInput(index));
    let planned = 0;
    const seeds = Math.ceil(generatedPlans / generatedScenarios);
    for (let seed = 0; seed < seeds; seed++) {
      const where = `scenario ${index}, seed ${seed}`;
      const plan = planOrRefusal(scenario, String(seed));
      if (plan === null) continue;
      planned++;
      expect(brokenRules(plan, scenario), where).toEqual([]);
      expect(planOrRefusal(scenario, String(seed))?.hash, where).toBe(plan.hash);
      counts.drills += plan.drills?.length ?? 0;
      const short = condensedOrRefusal(plan, scenario);
      if (short === null) continue;
      counts.condensed++;
      expect(brokenCondensation(plan, short), where).toEqual([]);
      expect(condensedOrRefusal(plan, scenario)?.hash, where).toBe(short.hash);
    }
    counts.planned += planned;
    counts.refused += seeds - planned;
    if (planned > 0 && planned < seeds) counts.mixed++;
  }
  // Whether a scenario can be planned is a property of the scenario: hardly one may depend on the seed.
  expect(counts.mixed).toBeLessThanOrEqual(generatedScenarios * 0.05);
  expect(counts.planned).toBeGreaterThan(generatedPlans * 0.8);
  expect(counts.condensed).toBeGreaterThan(counts.planned * 0.5);
  expect(counts.drills).toBeGreaterThan(counts.planned);
}, 900_000);

test("the quiet stretch holds no restart, its own or one that reaches into it, also beside patterns and overlaps", () => {
  for (const quiet of ["12h", "12h7m"]) {
    const scenario = parsed(
      exampleInput(
        { duration: "24h" },
        {
          window: { every: ["50m", "2h"], for: "30m" },
          quietStretch: quiet,
          atMostAtOnce: 2,
          planned: [],
          faults: [crash({ weight: 5 }), slow(), cascade({ steps: [slow({ hold: "30s" }), crash()] })],
        },
      ),
    );
    for (let seed = 0; seed < 40; seed++) {
      const { faults, durationMs } = makePlan(scenario, String(seed), exampleFaults);
      const restarts = faults.filter(({ expect: { restarts: does } }) => does);
      expect(restarts.length).toBeGreaterThan(5);
      for (const { settleUntilMs } of restarts)
        expect(settleUntilMs).toBeLessThanOrEqual(durationMs - 12 * hourMs);
      expect(faults.some(({ startMs }) => startMs > durationMs - 12 * hourMs)).toBe(true);
    }
  }
});

function countsOver(seeds: number, scenario: Scenario): Map<string, number> {
  const counts = new Map<string, number>();
  for (let seed = 0; seed < seeds; seed++) {
    for (const { fault, pattern } of makePlan(scenario, String(seed), exampleFaults).faults) {
      if (pattern !== undefined && pattern.index > 1) continue;
      const name = pattern?.name ?? fault;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return counts;
}

test("shuffled windows use most of their duty cycle, and every fault comes about equally often", () => {
  const scenario = parsed(exampleInput({ duration: "24h" }, { planned: [], quietStretch: "1m" }));
  const counts = countsOver(20, scenario);
  const duties = Array.from({ length: 20 }, (_, seed) => {
    const { duty } = makePlan(scenario, String(seed), exampleFaults);
    return duty?.planned ?? 0;
  });
  expect(Math.min(...duties)).toBeGreaterThan(0.14);
  expect(Math.max(...duties)).toBeLessThanOrEqual(0.2);
  expect(Math.max(...counts.values()) / Math.min(...counts.values())).toBeLessThan(1.1);
  expect(counts.size).toBe(4);
});

test("over a long run counts follow the weights, patterns among them", () => {
  const weights = { slow: 4, crash: 1, leak: 2, corrupt: 1, flapping: 0.5 };
  const faults = [
    slow({ weight: weights.slow }),
    crash({ weight: weights.crash }),
    leak({ weight: weights.leak }),
    corrupt({ weight: weights.corrupt }),
    flapping({ weight: weights.flapping }),
  ];
  const scenario = parsed(exampleInput({ duration: "48h" }, { planned: [], quietStretch: "1m", faults }));
  const counts = countsOver(5, scenario);
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const sum = Object.values(weights).reduce((total, weight) => total + weight, 0);
  for (const [name, weight] of Object.entries(weights)) {
    const share = (counts.get(name) ?? 0) / all;
    expect(Math.abs(share / (weight / sum) - 1), `${name}: ${share}`).toBeLessThan(0.06);
  }
});
