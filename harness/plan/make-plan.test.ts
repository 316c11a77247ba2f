import { describe, expect, test } from "vitest";
import type { ChaosInput, ScenarioInput } from "../scenario/scenario.ts";
import { KilnError, usageError } from "../support/errors.ts";
import { capabilitiesOf } from "./capabilities.ts";
import { makePlan } from "./make-plan.ts";
import type { Plan } from "./plan.ts";
import { exampleFaults } from "./testing/example-faults.ts";
import { corrupt, crash, exampleScenario, exampleStack, leak, slow } from "./testing/example-scenario.ts";

const file = "scenarios/x.ts";

function plan(extra: Partial<ScenarioInput> = {}, chaos: ChaosInput = {}, seed = "1"): Plan {
  return makePlan(exampleScenario(extra, chaos), seed, exampleFaults, { file });
}

function refusal(extra: Partial<ScenarioInput>, chaos: ChaosInput = {}): KilnError {
  try {
    plan(extra, chaos);
  } catch (error) {
    if (error instanceof KilnError) return error;
    throw error;
  }
  throw new Error("the plan was not refused");
}

const onlyPlanned = (...planned: NonNullable<ChaosInput["planned"]>): Partial<ScenarioInput> => ({
  chaos: { planned },
});

describe("refusals name file, key and what was expected", () => {
  test.each<[string, string, Partial<ScenarioInput>, string]>([
    [
      "faults that overlap on one target",
      "plan-overlap",
      onlyPlanned(crash({ at: "10m" }), leak({ at: "9m50s" })),
      `chaos.planned[0].at: overlaps chaos.planned[1] on service:api: expected 10m50s or later ("leak" from 9m50s, with hold and settle time), got 10m`,
    ],
    [
      "a fault past the end",
      "plan-past-end",
      onlyPlanned(slow({ at: "5h59m", hold: "40s" })),
      "chaos.planned[0].at: expected the fault and its settle time to end before the final settle begins at 5h59m30s, but they end at 6h10s",
    ],
    [
      "a window past the end",
      "plan-past-end",
      { chaos: { window: { every: "7h", for: "30m" }, faults: [slow()] } },
      "chaos.window: expected to lie within the load: the load ends at 6h, the first one lasts from 7h to 7h30m",
    ],
    [
      "a spike past the end",
      "plan-past-end",
      {
        load: {
          script: "x.ts",
          steadyRps: 65,
          spike: { rps: 175, every: "1h", for: "5m", firstAt: "5h58m" },
        },
      },
      "load.spike: expected to lie within the load: the load ends at 6h, the first one lasts from 5h58m to 6h3m",
    ],
    [
      "a quiet stretch longer than the load",
      "plan-past-end",
      { chaos: { quietStretch: "7h" } },
      "chaos.quietStretch: expected at most the duration: the load ends at 6h, the stretch is 7h",
    ],
    [
      "a fault in the warm-up",
      "plan-in-warm-up",
      onlyPlanned(crash({ at: "30s" })),
      "chaos.planned[0].at: expected 1m or later, after the warm-up, got 30s",
    ],
    [
      "a restart in the quiet stretch",
      "plan-in-quiet-stretch",
      { chaos: { planned: [crash({ at: "5h" })], quietStretch: "2h" } },
      `chaos.planned[0].at: "crash" restarts api; expected it to be over before the quiet stretch begins at 4h, but it ends at 5h33s`,
    ],
    [
      "an unknown link",
      "plan-unknown-target",
      onlyPlanned(slow({ at: "5m", options: { link: "postgress", delayMs: 100 } })),
      `chaos.planned[0].options.link: the stack has no link "postgress" (there are api, postgres); did you mean "postgres"?`,
    ],
    [
      "an unknown service",
      "plan-unknown-target",
      onlyPlanned(crash({ at: "5m", options: { service: "redis" } })),
      `chaos.planned[0].options.service: the stack has no service "redis" (there are postgres, api, worker)`,
    ],
    [
      "an unknown config file",
      "plan-unknown-target",
      onlyPlanned(corrupt({ at: "5m", options: { file: "nginx" } })),
      `chaos.planned[0].options.file: the stack has no config file "nginx" (there are api)`,
    ],
    [
      "an unknown fault",
      "plan-unknown-fault",
      onlyPlanned(slow({ at: "5m", fault: "slwo" })),
      `chaos.planned[0].fault: there is no fault "slwo" (there are slow, crash, leak, corrupt, link-down); did you mean "slow"?`,
    ],
    [
      "an option out of its bounds at the far end of its range",
      "plan-bad-options",
      onlyPlanned(slow({ at: "5m", options: { link: "postgres", delayMs: [100, 9_000] } })),
      "chaos.planned[0].options.delayMs: Too big: expected number to be <=5000",
    ],
    [
      "a misspelt option",
      "plan-bad-options",
      onlyPlanned(slow({ at: "5m", options: { link: "postgres", delayMs: 100, delayS: 1 } })),
      `chaos.planned[0].options: Unrecognized key: "delayS" (known are link, delayMs); did you mean "delayMs"?`,
    ],
    [
      "a range the wrong way round",
      "plan-bad-options",
      onlyPlanned(slow({ at: "5m", options: { link: "postgres", delayMs: [400, 100] } })),
      "chaos.planned[0].options.delayMs: expected a range with the lower end first, got [400,100]",
    ],
    [
      "a hold on a momentary fault",
      "plan-bad-options",
      onlyPlanned(crash({ at: "5m", hold: "10s" })),
      `chaos.planned[0].hold: "crash" is over as soon as it has happened; expected no hold`,
    ],
    [
      "a capability that the stack lacks",
      "plan-missing-capability",
      onlyPlanned(leak({ at: "5m", options: { service: "worker" } })),
      `chaos.planned[0]: "leak" needs agent at service:worker, which the stack does not offer`,
    ],
    [
      "faults over the budget",
      "plan-over-budget",
      { ...onlyPlanned(crash({ at: "5m" }), crash({ at: "10m" })), objectives: { availability: 0.9999 } },
      "objectives.availability: faults may cost 6.0 s, but 99.99 % of 6h allows 2.2 s: 3.8 s over (2 x crash: 6.0 s)",
    ],
    [
      "a fault longer than its window",
      "plan-does-not-fit",
      { chaos: { window: { every: "1h", for: "1m" }, faults: [slow({ hold: ["10s", "40s"] })] } },
      "chaos.faults[0]: takes up to 1m10s with settle time; expected at most the window's 1m",
    ],
    [
      "a fault longer than the duty cycle allows",
      "plan-does-not-fit",
      { chaos: { window: { every: "1h", for: "2m" }, faults: [slow({ hold: "40s" })] } },
      "chaos.faults[0]: is in force for up to 40s; expected at most the 24s that chaos.dutyCycle allows in a window",
    ],
    [
      "too many faults for a window",
      "plan-does-not-fit",
      {
        chaos: {
          window: { every: "1h", for: "2m" },
          pick: "once-each",
          faults: [slow({ hold: "30s" }), leak({ hold: "40s" })],
        },
      },
      "chaos.window: the window from 1h to 1h2m cannot hold all 2 faults (2m10s with settle time) beside warm-up, spikes, planned faults, restart spacing and final settle",
    ],
    [
      "a window that a spike covers",
      "plan-does-not-fit",
      { chaos: { window: { every: "1h", for: "4m", firstAt: "70m" }, faults: [slow()] } },
      "chaos.window: the window from 1h10m to 1h14m can hold not one fault beside warm-up, spikes, planned faults, restart spacing and final settle",
    ],
    [
      "a warm-up as long as the run",
      "plan-past-end",
      { warmUp: "6h", chaos: {} },
      "warmUp: expected less than the duration: the load ends at 6h, the warm-up is 6h",
    ],
  ])("%s", (_, code, extra, message) => {
    const error = refusal(extra);
    expect(error.message).toBe(`${file}: ${message}`);
    expect([error.kind, error.code]).toEqual(["usage", code]);
    expect(error.hint).toBeTruthy();
  });

  test("all at once, one a line", () => {
    const error = refusal(
      onlyPlanned(crash({ at: "30s", hold: "5s" }), slow({ at: "5h59m50s" }), corrupt({ at: "5s" })),
    );
    expect(error.message.split("\n").map((line) => line.split(": ", 2)[1])).toEqual([
      "chaos.planned[0].hold",
      "chaos.planned[1].at",
      "chaos.planned[2].at",
    ]);
  });
});

test("a fault that makes no sense at its target says so under its key", () => {
  const table = new Map(exampleFaults);
  for (const [name, fault] of exampleFaults)
    table.set(name, {
      ...fault,
      expect() {
        throw usageError("fault-without-loop", "nothing starts it again", { hint: "choose another" });
      },
    });
  const scenario = exampleScenario(onlyPlanned(crash({ at: "10m" }), crash({ at: "5m" })), {});
  expect(() => makePlan(scenario, "1", table, { file })).toThrow(
    "scenarios/x.ts: chaos.planned[0]: nothing starts it again\nscenarios/x.ts: chaos.planned[1]: nothing starts it again",
  );
});

test("the budget's advice is enough", () => {
  const extra = { ...onlyPlanned(crash({ at: "5m" })), objectives: { availability: 0.99999 } };
  const advised = Number(/objectives\.availability to (0\.\d+)/.exec(refusal(extra).hint ?? "")?.[1]);
  expect(plan({ ...extra, objectives: { availability: advised } }).budget.plannedMs).toBe(3_000);
});

test("planned faults keep their times, get ids in order of time, and are parsed and drawn", () => {
  const { faults, budget, windows } = plan(
    onlyPlanned(
      crash({ at: "20m" }),
      slow({ at: "10m", options: { link: { oneOf: ["postgres"] }, delayMs: [7, 7] } }),
    ),
  );
  expect(faults.map(({ id, startMs, target }) => [id, startMs, target])).toEqual([
    ["f01-slow", 600_000, "link:postgres"],
    ["f02-crash", 1_200_000, "service:api"],
  ]);
  expect(faults[0]?.options).toEqual({ link: "postgres", delayMs: 7 });
  expect(faults[1]).toMatchObject({ healMs: 1_200_000, settleUntilMs: 1_233_000 });
  expect(budget).toEqual({ allowedMs: 216_000, plannedMs: 3_000 });
  expect(windows).toEqual([]);
});

test("a fault that is skipped stays in the timeline, costs nothing and says what is missing", () => {
  const stack = { ...exampleStack, configFiles: [] };
  const { faults, budget } = plan({
    stack,
    ...onlyPlanned(leak({ at: "5m", options: { service: "worker" }, ifMissing: "skip" })),
  });
  expect(faults).toMatchObject([{ id: "f01-leak", skipped: { missing: ["agent"] } }]);
  expect(budget.plannedMs).toBe(0);
});

test("a plan may be without chaos and without objectives", () => {
  expect(plan({ chaos: {}, objectives: {} })).toMatchObject({
    faults: [],
    windows: [],
    budget: { allowedMs: null, plannedMs: 0 },
  });
});

describe("the hash", () => {
  const { hash } = plan();

  test("covers scenario, seed and timeline", () => {
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(plan().hash).toBe(hash);
    expect(plan({}, {}, "2").hash).not.toBe(hash);
    expect(plan({ chaos: {} }, {}, "2").hash).not.toBe(plan({ chaos: {} }).hash);
    expect(plan({ objectives: { availability: 0.98 } }).hash).not.toBe(hash);
    expect(plan({}, { settle: "31s" }).hash).not.toBe(hash);
  });

  test("knows no commands, environment or folders", () => {
    const services = exampleStack.services.map((service) =>
      service.kind === "program"
        ? { ...service, command: ["/elsewhere/x"], env: { HOME: "/elsewhere" } }
        : service,
    );
    expect(plan({ stack: { ...exampleStack, services } }).hash).toBe(hash);
    expect(plan({ stack: { ...exampleStack, services: services.slice(0, 2) } }).hash).not.toBe(hash);
  });
});

test("what a stack offers follows from its description", () => {
  const services = exampleStack.services.map((service) =>
    service.name === "api"
      ? { ...service, controlPath: "/control", controlProbe: { method: "GET" as const, path: "/x" } }
      : service,
  );
  const offered = Object.fromEntries(
    [...capabilitiesOf({ ...exampleStack, services })].map(([target, set]) => [target, [...set]]),
  );
  expect(offered).toEqual({
    "link:api": ["proxy", "netem"],
    "link:postgres": ["proxy", "netem"],
    "service:postgres": ["process", "cpu-quota", "memory-limit", "store", "postgres"],
    "service:api": ["process", "cpu-quota", "memory-limit", "agent", "control"],
    "service:worker": ["process", "cpu-quota", "memory-limit"],
    "config:api": ["config-file", "process", "cpu-quota", "memory-limit", "agent", "control"],
  });
});
