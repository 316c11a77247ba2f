// Where drills lie in a plan: alone, at their times or as soon after them as there is room; and what is refused.
import { describe, expect, test } from "vitest";
import type { ChaosInput, DrillChoice, ScenarioInput } from "../scenario/scenario.ts";
import { condensePlan } from "./condense.ts";
import { makePlan } from "./make-plan.ts";
import type { Plan } from "./plan.ts";
import { renderPlan } from "./render-plan.ts";
import { exampleDrills, slottedStack, swapping, updating } from "./testing/example-drills.ts";
import { exampleFaults } from "./testing/example-faults.ts";
import { crash, exampleScenario, parsed, exampleInput, slow } from "./testing/example-scenario.ts";
import { brokenRules } from "./testing/plan-rules.ts";

interface Parts {
  readonly chaos?: ChaosInput;
  readonly extra?: Partial<ScenarioInput>;
}

const scenarioWith = (drills: readonly DrillChoice[], { chaos = {}, extra = {} }: Parts = {}) =>
  parsed({
    ...exampleInput({ stack: slottedStack, drills, ...extra }, { planned: [], settle: "20s", ...chaos }),
  });

function planOf(drills: readonly DrillChoice[], parts: Parts = {}, seed = "1"): Plan {
  return makePlan(scenarioWith(drills, parts), seed, exampleFaults, { drills: exampleDrills });
}

const starts = ({ drills = [] }: Plan): string[] =>
  drills.map(({ id, startMs }) => `${id} ${startMs / 60_000}m`);

describe("a plan with drills", () => {
  test("has them at their times, with the time that their verbs may take, undoing and settling", () => {
    const plan = planOf([swapping({ at: "40m" }), updating({ at: "20m", hold: "1m" })]);
    expect(plan.drills).toMatchObject([
      {
        id: "d01-update",
        fault: "update",
        kind: "held",
        startMs: 1_200_000,
        healMs: 1_260_000,
        settleUntilMs: 1_285_000,
      },
      {
        id: "d02-blue-green",
        startMs: 2_400_000,
        healMs: 2_425_000,
        settleUntilMs: 2_460_000,
        demands: { noFailedRequest: true },
      },
    ]);
  });

  test("places those that come every so often behind what is in the way, and leaves out what has no room", () => {
    // Due at 1h10m20s: in the spike (1h10m to 1h15m, with 20 s to settle), and then beside another drill.
    const plan = planOf([updating({ at: "1h15m30s" }), updating({ every: "5h", firstAt: "1h10m20s" })]);
    expect(starts(plan)).toEqual(["d01-update 75.5m", "d02-update 76.05m"]);
    const often = planOf([updating({ every: "1h" })], { extra: { load: { script: "l.ts", steadyRps: 65 } } });
    expect(starts(often)).toEqual([60, 120, 180, 240, 300].map((m, i) => `d0${i + 1}-update ${m}m`));
  });

  test("keeps its own hash, whatever the commands are; without drills a plan keeps the one it had", () => {
    const plan = planOf([swapping({ at: "40m" })]);
    const other = {
      ...slottedStack,
      operations: {
        "blue-green": { ...slottedStack.operations?.["blue-green"], do: { command: ["b"], withinMs: 9 } },
      },
    };
    expect(planOf([swapping({ at: "40m" })], { extra: { stack: other as typeof slottedStack } }).hash).toBe(
      plan.hash,
    );
    expect(planOf([swapping({ at: "41m" })]).hash).not.toBe(plan.hash);
    const without = exampleScenario({}, { planned: [crash({ at: "30m" })] });
    const bare = makePlan(without, "7", exampleFaults, { drills: exampleDrills });
    expect(Object.keys(bare)).not.toContain("drills");
    expect(makePlan({ ...without, stack: slottedStack }, "7", exampleFaults).hash).toBe(bare.hash);
    // Golden: the plan of this scenario before there were drills.
    expect(bare.hash).toBe("4a668fcbeebc4fb8e83aa4f42a6b336ff45d86d8055e3fc29d0ca0253b26d236");
  });

  test("has nothing beside a drill, and no restart near one, for 40 seeds", () => {
    const drills = [swapping({ every: "50m" }), updating({ every: "35m", firstAt: "17m" })];
    const scenario = scenarioWith(drills, { chaos: { restartSpacing: "2m", quietStretch: "1h" } });
    for (let seed = 0; seed < 40; seed++) {
      const plan = makePlan(scenario, String(seed), exampleFaults, { drills: exampleDrills });
      expect(plan.drills?.length).toBeGreaterThan(10);
      expect(brokenRules(plan, scenario), `seed ${seed}`).toEqual([]);
    }
  });

  test("shows them in the table and in the picture", () => {
    const text = renderPlan(
      planOf([updating({ at: "20m" }), swapping({ at: "3h" })], { chaos: { quietStretch: "1h" } }),
    );
    expect(text).toContain(`Drills: 2, and nothing else happens beside one
  start         drill           options  undone from   settled by    held to
  00:20:00.000  d01-update      value 1  00:20:08.000  00:20:33.000  seen in force, undone in 5m
  03:00:00.000  d02-blue-green           03:00:25.000  03:01:00.000  seen in force, undone, no failed request
`);
    expect(text).toMatch(/\n {2}drills +··D·+D·+\n/);
  });

  test("keeps them when it is condensed, in order and alone", () => {
    const full = planOf([swapping({ every: "1h" }), updating({ at: "20m" })], { extra: { duration: "12h" } });
    const scenario = scenarioWith([], { extra: { duration: "12h" } });
    const short = condensePlan(full, scenario, exampleFaults, { drills: exampleDrills });
    const names = ({ drills = [] }: Plan): string[] => drills.map(({ fault }) => fault);
    expect(names(short)).toEqual(names(full));
    expect(short.drills?.[0]?.healMs).toBe((short.drills?.[0]?.startMs ?? 0) + 8_000);
    expect(brokenAlone(short)).toEqual([]);
    expect(() => condensePlan(full, scenario, exampleFaults)).toThrow(`there is no drill "blue-green"`);
  });
});

/** Drills that share time with anything else. */
function brokenAlone({ faults, drills = [] }: Plan): string[] {
  return drills.flatMap((drill) =>
    [...faults, ...drills]
      .filter(
        (other) =>
          other !== drill && other.startMs < drill.settleUntilMs && drill.startMs < other.settleUntilMs,
      )
      .map((other) => `${drill.id} beside ${other.id}`),
  );
}

describe("a drill is refused", () => {
  test.each<[string, DrillChoice, Parts, string]>([
    [
      "that is not there",
      { drill: "blu-green", options: {}, at: "1h" },
      {},
      `drills[0].drill: there is no drill "blu-green" (there are update, blue-green); did you mean "blue-green"?`,
    ],
    [
      "with wrong options",
      updating({ at: "20m", options: { valeu: 1 } }),
      {},
      `drills[0].options: Unrecognized key: "valeu" (known are value); did you mean "value"?`,
    ],
    [
      "where the stack has one slot",
      swapping({ at: "20m" }),
      { extra: { stack: { ...slottedStack, operations: {} } } },
      `drills[0]: the stack cannot carry "blue-green": it has one slot only`,
    ],
    [
      "whose hold is too short",
      updating({ at: "20m", hold: "5s" }),
      {},
      `drills[0].hold: expected at least 8s, which "update" and the look at it may take, got 5s`,
    ],
    [
      "in the warm-up",
      updating({ at: "30s" }),
      {},
      'drills[0].at: "update" would last from 30s to 1m3s, with settle time, and overlap the warm-up (0ms to 1m)',
    ],
    [
      "in a spike",
      updating({ at: "1h9m40s" }),
      {},
      'drills[0].at: "update" would last from 1h9m40s to 1h10m13s, with settle time, and overlap a load spike, with its settle time (1h10m to 1h15m20s)',
    ],
    [
      "beside a planned fault",
      updating({ at: "30m10s" }),
      { chaos: { planned: [slow({ at: "30m", hold: "20s" })] } },
      "and overlap chaos.planned[0] (30m to 30m40s)",
    ],
    [
      "that restarts near a planned restart",
      swapping({ at: "32m" }),
      { chaos: { planned: [crash({ at: "30m" })], restartSpacing: "3m" } },
      `drills[0].at: "blue-green" replaces api within 3m (chaos.restartSpacing) of a planned fault that restarts it at 30m`,
    ],
    [
      "past the end",
      updating({ at: "5h59m30s" }),
      {},
      `drills[0].at: expected "update" to be undone and settled by 5h59m40s`,
    ],
    [
      "that restarts in the quiet stretch",
      swapping({ at: "4h30m" }),
      { chaos: { quietStretch: "2h" } },
      `drills[0].at: expected "blue-green" to be undone and settled by 4h`,
    ],
    [
      "that has no room",
      updating({ every: "7h" }),
      {},
      `drills[0]: there is no room for "update", which takes 33s with its settle time: expected at least one`,
    ],
  ])("%s", (_, drill, parts, message) => {
    expect(() => planOf([drill], parts)).toThrow(message);
  });

  test("beside another one", () => {
    expect(() => planOf([updating({ at: "20m" }), updating({ at: "20m30s" })])).toThrow(
      'drills[1].at: "update" would last from 20m30s to 21m3s, with settle time, and overlap drills[0] (20m to 20m33s)',
    );
  });
});
