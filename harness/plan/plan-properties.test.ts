// Rules that hold for every seed, over several scenarios of different shape.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ScenarioInput } from "../scenario/scenario.ts";
import { canonicalJson } from "../support/json.ts";
import { makePlan } from "./make-plan.ts";
import { corrupt, crash, exampleInput, leak, parsed, slow } from "./testing/example-scenario.ts";
import { exampleFaults } from "./testing/example-faults.ts";
import { brokenRules } from "./testing/plan-rules.ts";

const seedCount = 500;

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
};

describe.each(Object.entries(shapes))("plans of %s", (_, input) => {
  const scenario = parsed(input);

  test(`break no rule for ${seedCount} seeds, and no two are the same`, () => {
    const hashes = new Set<string>();
    const timelines = new Set<string>();
    for (let seed = 0; seed < seedCount; seed++) {
      const plan = makePlan(scenario, String(seed), exampleFaults);
      expect(brokenRules(plan, scenario), `seed ${seed}`).toEqual([]);
      hashes.add(plan.hash);
      timelines.add(canonicalJson(plan.faults));
    }
    expect(hashes.size).toBe(seedCount);
    expect(timelines.size).toBeGreaterThan(seedCount * 0.99);
  });

  test("are the same bytes for the same seed", () => {
    fc.assert(
      fc.property(fc.string(), (seed) => {
        expect(JSON.stringify(makePlan(scenario, seed, exampleFaults))).toBe(
          JSON.stringify(makePlan(parsed(input), seed, exampleFaults)),
        );
      }),
      { numRuns: 20 },
    );
  });
});

test("shuffled windows use most of their duty cycle, and every fault comes about equally often", () => {
  const scenario = parsed(exampleInput({ duration: "24h" }, { planned: [], quietStretch: "1m" }));
  const counts = new Map<string, number>();
  let heldMs = 0;
  let windowMs = 0;
  for (let seed = 0; seed < 20; seed++) {
    const plan = makePlan(scenario, String(seed), exampleFaults);
    for (const step of plan.faults) {
      counts.set(step.fault, (counts.get(step.fault) ?? 0) + 1);
      heldMs += step.healMs - step.startMs;
    }
    for (const { startMs, endMs } of plan.windows) windowMs += endMs - startMs;
  }
  expect(heldMs / windowMs).toBeGreaterThan(0.14);
  expect(Math.max(...counts.values()) / Math.min(...counts.values())).toBeLessThan(1.1);
  expect(counts.size).toBe(4);
});
