// What a scenario may ask of its schedule besides single faults: patterns, weights, minimums, limits, settle phases; and what is refused.
import { describe, expect, test } from "vitest";
import type { ChaosInput, ScenarioInput } from "../scenario/scenario.ts";
import { KilnError } from "../support/errors.ts";
import { makePlan } from "./make-plan.ts";
import type { FaultStep, Plan } from "./plan.ts";
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

const file = "scenarios/x.ts";
const bare = { load: { script: "x.ts", steadyRps: 65 }, objectives: {} } as const;

function plan(chaos: ChaosInput, extra: Partial<ScenarioInput> = {}, seed = "1"): Plan {
  return makePlan(exampleScenario({ ...bare, ...extra, chaos }), seed, exampleFaults, { file });
}

function refusal(chaos: ChaosInput, extra: Partial<ScenarioInput> = {}): KilnError {
  try {
    plan(chaos, extra);
  } catch (error) {
    if (error instanceof KilnError) return error;
    throw error;
  }
  throw new Error("the plan was not refused");
}

const times = (steps: readonly FaultStep[]): [string, number, number][] =>
  steps.map(({ fault, startMs, healMs }) => [fault, startMs / 1_000, healMs / 1_000]);

describe("patterns at fixed times", () => {
  test("flapping takes one link down several times in a row, nearer than settle", () => {
    const link = { oneOf: ["api", "postgres"] };
    const { faults, budget } = plan({
      planned: [flapping({ at: "10m", link, downFor: "4s", upFor: "3s" })],
    });
    expect(times(faults)).toEqual([
      ["link-down", 600, 604],
      ["link-down", 607, 611],
      ["link-down", 614, 618],
    ]);
    expect(new Set(faults.map(({ target }) => target)).size).toBe(1);
    expect(faults.map(({ pattern }) => pattern)).toEqual(
      [1, 2, 3].map((index) => ({ id: "p01-flapping", name: "flapping", index, of: 3 })),
    );
    expect(faults.map(({ group }) => group)).toEqual(["g01", "g01", "g01"]);
    expect(budget.plannedMs).toBe(0);
  });

  test("a cascade begins one after the other, and each holds as it says", () => {
    const steps = [slow({ hold: "60s" }), corrupt(), leak({ hold: "30s" })];
    const { faults } = plan({ planned: [cascade({ at: "10m", steps, gap: "10s" })] });
    expect(times(faults)).toEqual([
      ["slow", 600, 660],
      ["corrupt", 610, 610],
      ["leak", 620, 650],
    ]);
    expect(faults.map(({ settleUntilMs }) => settleUntilMs / 1_000)).toEqual([690, 640, 680]);
  });

  test("single faults that overlap by fixed times are a group as well, single ones that do not are none", () => {
    const { faults } = plan({
      atMostAtOnce: 2,
      planned: [slow({ at: "10m", hold: "30s" }), crash({ at: "10m10s" }), leak({ at: "20m" })],
    });
    expect(faults.map(({ group }) => group)).toEqual(["g01", "g01", undefined]);
  });
});

describe("what excludes each other is refused with key, reason and what to do", () => {
  const drawn = (faults: NonNullable<ChaosInput["faults"]>, extra: ChaosInput = {}): ChaosInput => ({
    window: { every: "2h", for: "30m" },
    faults,
    ...extra,
  });

  test.each<[string, ChaosInput, string, string]>([
    [
      "more at once than is said",
      {
        planned: [
          cascade({
            at: "10m",
            steps: [slow({ hold: "60s" }), leak(), crash()],
            gap: ["2s", "9s"],
            atMostAtOnce: 2,
          }),
        ],
      },
      "plan-too-many-at-once",
      `chaos.planned[0]: "cascade" has up to 3 faults in force at once; expected at most 2 (its own atMostAtOnce)`,
    ],
    [
      "a cascade that does not say so",
      drawn([cascade({ steps: [slow({ hold: "30s" }), leak()], atMostAtOnce: 1 })]),
      "plan-too-many-at-once",
      `chaos.faults[0]: "cascade" has up to 2 faults in force at once; expected at most 1 (chaos.atMostAtOnce)`,
    ],
    [
      "one target twice in a pattern, whichever is drawn",
      {
        planned: [
          cascade({
            at: "10m",
            steps: [
              slow({ hold: "30s" }),
              slow({ hold: "30s", options: { link: { oneOf: ["api", "postgres"] }, delayMs: 5 } }),
            ],
          }),
        ],
      },
      "plan-overlap",
      `chaos.planned[0].steps[1]: "slow" may hit link:postgres while step 1 ("slow") is in force there; expected another target, or a start after its end`,
    ],
    [
      "too many at once by fixed times",
      { planned: [slow({ at: "10m", hold: "30s" }), crash({ at: "10m29s" })] },
      "plan-too-many-at-once",
      `chaos.planned[1].at: would be in force beside chaos.planned[0] ("slow"); expected at most 1 at once (chaos.atMostAtOnce)`,
    ],
    [
      "something beside a pattern",
      { planned: [flapping({ at: "10m", downFor: "4s", upFor: "4s" }), crash({ at: "10m40s" })] },
      "plan-overlap",
      `chaos.planned[1].at: overlaps chaos.planned[0]: expected 10m50s or later ("flapping" from 10m, with hold and settle time; nothing may lie beside a pattern), got 10m40s`,
    ],
    [
      "a link that is not there",
      drawn([flapping({ link: "postgress" })]),
      "plan-unknown-target",
      `chaos.faults[0].link: the stack has no link "postgress" (there are api, postgres); did you mean "postgres"?`,
    ],
    [
      "a service that is not there, in a step",
      drawn([cascade({ steps: [slow({ hold: "5s" }), crash({ options: { service: "redis" } })] })]),
      "plan-unknown-target",
      `chaos.faults[0].steps[1].options.service: the stack has no service "redis" (there are postgres, api, worker)`,
    ],
    [
      "an option out of range, in a step",
      drawn([cascade({ steps: [crash(), slow({ options: { link: "api", delayMs: 9_000 } })] })]),
      "plan-bad-options",
      "chaos.faults[0].steps[1].options.delayMs: Too big: expected number to be <=5000",
    ],
    [
      "a minimum that no window can hold",
      drawn([slow({ hold: "30s" }), crash({ atLeast: 90 })]),
      "plan-minimum-not-kept",
      "chaos.faults[1].atLeast: cannot be kept: 90 asked, but the 2 windows have room for 40 (3s of a window's 6m under fault, 33s with settle time, at most)",
    ],
    [
      "a pattern longer than its window",
      { window: { every: "1h", for: "1m" }, faults: [flapping({ times: 9 })] },
      "plan-does-not-fit",
      "chaos.faults[0]: takes up to 2m28s with settle time; expected at most the window's 1m",
    ],
    [
      "a first window that may come too late",
      { window: { every: "1h", for: "30m", firstAt: ["1h", "5h40m"] }, faults: [slow()] },
      "plan-past-end",
      "chaos.window: expected to lie within the load: the load ends at 6h, the first one lasts from 5h40m to 6h10m",
    ],
    [
      "a fault that reaches into the final settle",
      { finalSettle: "5m", planned: [slow({ at: "5h54m", hold: "40s" })] },
      "plan-past-end",
      "chaos.planned[0].at: expected the fault and its settle time to end before the final settle begins at 5h55m, but they end at 5h55m10s",
    ],
  ])("%s", (_, chaos, code, message) => {
    const error = refusal(chaos);
    expect(error.message).toBe(`${file}: ${message}`);
    expect([error.kind, error.code]).toEqual(["usage", code]);
    expect(error.hint).toBeTruthy();
  });

  test("an empty seed", () => {
    for (const seed of ["", "  "])
      expect(() => plan({}, {}, seed)).toThrow(/^seed: expected text that is not empty/);
  });
});

test(`sameTarget "allow" and atMostAtOnce let through what they are for`, () => {
  const { faults } = plan({
    atMostAtOnce: 2,
    sameTarget: "allow",
    planned: [slow({ at: "10m", hold: "30s" }), slow({ at: "10m10s", hold: "30s" })],
  });
  expect(faults).toHaveLength(2);
});

test("above one at once, faults of a window do overlap, on different targets, and none waits alone for ever", () => {
  const scenario: ChaosInput = {
    window: { every: "1h", for: "30m" },
    dutyCycle: 0.6,
    atMostAtOnce: 2,
    faults: [slow({ hold: "90s" }), leak({ hold: "90s" })],
  };
  const { faults, windows } = plan(scenario);
  const overlapping = faults.filter(({ startMs }, index) => startMs < (faults[index - 1]?.healMs ?? 0));
  expect(overlapping.length).toBeGreaterThan(windows.length);
  for (const step of overlapping) {
    const there = faults.filter(({ startMs, healMs }) => startMs < step.startMs && healMs > step.startMs);
    expect(there.map(({ target }) => target)).not.toContain(step.target);
  }
});

test("restart spacing is the watchdog's reset time where the stack says it", () => {
  const watchdog = {
    service: "worker",
    supervises: "api",
    eventsFile: "x",
    unresponsiveMs: 1,
    processGoneMs: 1,
    backoffCapMs: 1,
  };
  const spacing = (stack: ScenarioInput["stack"], chaos: ChaosInput = {}): number =>
    exampleScenario({ stack, chaos }).chaos.restartSpacingMs;
  expect(spacing(exampleStack)).toBe(90_000);
  expect(spacing({ ...exampleStack, watchdog: { ...watchdog, resetMs: 41_000 } })).toBe(41_000);
  expect(
    spacing({ ...exampleStack, watchdog: { ...watchdog, resetMs: 41_000 } }, { restartSpacing: "7s" }),
  ).toBe(7_000);
});

test("an explicit minimum is kept at every seed, against any weight", () => {
  const chaos: ChaosInput = {
    window: { every: "2h", for: "30m" },
    faults: [
      slow({ weight: 100, hold: "60s" }),
      leak({ weight: 0.01, atLeast: 2 }),
      corrupt({ weight: 0.01 }),
    ],
  };
  for (let seed = 0; seed < 60; seed++) {
    const { faults } = plan(chaos, {}, String(seed));
    const count = (name: string): number => faults.filter(({ fault }) => fault === name).length;
    expect([count("leak"), count("corrupt")], `seed ${seed}`).toEqual([2, 1]);
    expect(count("slow")).toBeGreaterThan(4);
  }
});

test("what no window has room for is named where nothing demands it", () => {
  const { notDrawn, faults } = plan({
    window: { every: "5h", for: "2m" },
    dutyCycle: 0.5,
    faults: [slow({ hold: "30s" }), leak({ hold: "30s" }), corrupt(), flapping()],
  });
  const came = new Set(faults.map(({ pattern, fault }) => pattern?.name ?? fault));
  expect(came.size + (notDrawn?.length ?? 0)).toBe(4);
  expect(notDrawn?.length).toBeGreaterThan(0);
  expect(plan({ planned: [crash({ at: "5m" })] }).notDrawn).toBeUndefined();
});

test("the plan says what its duty cycle adds up to, without what is skipped", () => {
  const chaos: ChaosInput = {
    window: { every: "5h", for: "10m" },
    pick: "once-each",
    faults: [slow({ hold: "60s" }), leak({ options: { service: "worker" }, hold: "30s", ifMissing: "skip" })],
  };
  expect(plan(chaos).duty).toEqual({ asked: 0.1, planned: 0.1 });
  expect(plan({ ...chaos, pick: "shuffled" }).duty?.asked).toBe(0.2);
  expect(plan({}).duty).toBeUndefined();
});
