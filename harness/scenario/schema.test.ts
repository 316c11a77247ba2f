import { describe, expect, test } from "vitest";
import type { FaultChoice } from "./scenario.ts";
import { parseScenario } from "./schema.ts";

const fault: FaultChoice = { fault: "slow", options: { link: "api", delayMs: [1, 2] } };

/** The smallest scenario, with parts replaced; what replaces them need not be right. */
function input(extra: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: "x",
    stack: stack(),
    duration: "6h",
    load: { script: "x.ts", steadyRps: 65 },
    objectives: {},
    ...extra,
  };
}

function stack(extra: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: "s",
    driver: "processes",
    services: [
      {
        kind: "program",
        name: "api",
        command: ["node", "api.ts"],
        env: { PORT: "{port:api}" },
        readyPath: "/ready",
      },
    ],
    links: [{ name: "api", from: "load", to: "api" }],
    ...extra,
  };
}

function issues(extra: Record<string, unknown>): string[] {
  const result = parseScenario(input(extra));
  return "issues" in result ? result.issues.map(({ key, message }) => `${key}: ${message}`) : [];
}

const flapping = { pattern: "flapping", link: "api", times: 3, downFor: "5s", upFor: ["5s", "9s"] };

function windows(
  window: Record<string, unknown>,
  chaos: Record<string, unknown> = {},
): Record<string, unknown> {
  return { chaos: { window, faults: [fault], ...chaos } };
}

function planned(choice: Record<string, unknown>): Record<string, unknown> {
  return { chaos: { planned: [{ at: "1m", ...choice }] } };
}

test("durations become milliseconds and defaults are filled in", () => {
  expect(parseScenario(input())).toEqual({
    scenario: {
      name: "x",
      description: "",
      stack: stack(),
      durationMs: 21_600_000,
      preflightMs: 30_000,
      warmUpMs: 10_000,
      load: {
        script: "x.ts",
        steadyRps: 65,
        spike: null,
        rotateEveryMs: 600_000,
        timeoutMs: 2_000,
        maxUsers: null,
      },
      chaos: {
        window: null,
        dutyCycle: 0.2,
        pick: "shuffled",
        faults: [],
        planned: [],
        settleMs: 30_000,
        finalSettleMs: 30_000,
        restartSpacingMs: 90_000,
        quietStretchMs: null,
        atMostAtOnce: 1,
        sameTarget: "refuse",
      },
      objectives: {},
      stopWhen: { unavailableForMs: null },
    },
  });
});

test("journeys are made once a minute, and nearly all of them must succeed", () => {
  const journeys = { script: "journeys/api.ts", service: "api" };
  expect(parseScenario(input({ journeys }))).toMatchObject({
    scenario: { journeys: { script: "journeys/api.ts", service: "api", everyMs: 60_000, succeed: 0.95 } },
  });
  const own = parseScenario(input({ journeys: { ...journeys, every: "90s", succeed: 0.5 } }));
  expect(own).toMatchObject({ scenario: { journeys: { everyMs: 90_000, succeed: 0.5 } } });
  // Absent where there are none: it would change the hash of every plan.
  const without = parseScenario(input());
  expect("scenario" in without && "journeys" in without.scenario).toBe(false);
});

test("a window begins after its interval, a spike half an hour into the load or sooner", () => {
  const load = (every: string): Record<string, unknown> => ({
    script: "x.ts",
    steadyRps: 65,
    spike: { rps: 175, every, for: "1m" },
  });
  const chaos = {
    window: { every: "2h", for: "30m" },
    faults: [{ ...fault, hold: "10s" }],
    planned: [{ ...fault, hold: ["1s", "2s"], at: "5m" }],
  };
  const parse = (every: string): unknown => parseScenario(input({ load: load(every), chaos }));
  expect(parse("6h")).toMatchObject({
    scenario: {
      load: { spike: { rps: 175, everyMs: 21_600_000, forMs: 60_000, firstAtMs: 1_800_000 } },
      chaos: {
        window: { everyMs: [7_200_000, 7_200_000], forMs: 1_800_000, firstAtMs: [7_200_000, 7_200_000] },
        faults: [{ fault: "slow", holdMs: [10_000, 10_000], ifMissing: "refuse", weight: 1, atLeast: null }],
        planned: [{ holdMs: [1_000, 2_000], atMs: 300_000 }],
      },
    },
  });
  expect(parse("10m")).toMatchObject({ scenario: { load: { spike: { firstAtMs: 300_000 } } } });
});

test("ranges, chances and patterns are kept as they will be drawn", () => {
  const chaos = {
    window: { every: ["90m", "150m"], for: "30m" },
    settle: "10s",
    faults: [
      { ...fault, weight: 2.5, atLeast: 3 },
      { ...flapping, weight: 0.5 },
      { pattern: "cascade", steps: [fault, { ...fault, hold: "9s" }], gap: ["1s", "2s"], atMostAtOnce: 2 },
    ],
  };
  const drawn = { weight: 1, atLeast: null };
  const step = { fault: "slow", options: { link: "api", delayMs: [1, 2] }, ifMissing: "refuse", ...drawn };
  expect(parseScenario(input({ chaos }))).toMatchObject({
    scenario: {
      chaos: {
        window: { everyMs: [5_400_000, 9_000_000], firstAtMs: [5_400_000, 9_000_000] },
        settleMs: 10_000,
        finalSettleMs: 10_000,
        faults: [
          { ...step, holdMs: null, weight: 2.5, atLeast: 3 },
          {
            pattern: "flapping",
            steps: [{ fault: "link-down", options: { link: "api" }, holdMs: [5_000, 5_000], ...drawn }],
            times: 3,
            gapMs: [5_000, 9_000],
            gapFrom: "end",
            atMostAtOnce: null,
            weight: 0.5,
            atLeast: null,
          },
          {
            pattern: "cascade",
            steps: [
              { ...step, holdMs: null },
              { ...step, holdMs: [9_000, 9_000] },
            ],
            times: 1,
            gapMs: [1_000, 2_000],
            gapFrom: "start",
            atMostAtOnce: 2,
            ...drawn,
          },
        ],
      },
    },
  });
});

test("a stack may be a function of the thresholds; what it throws is an issue of the scenario", () => {
  const make = ({ thresholds }: { thresholds: string }): Record<string, unknown> =>
    stack({ name: thresholds });
  const nameFor = (thresholds: "production" | "quick"): unknown =>
    parseScenario(input({ stack: make }), thresholds);
  expect(nameFor("production")).toMatchObject({ scenario: { stack: { name: "production" } } });
  expect(nameFor("quick")).toMatchObject({ scenario: { stack: { name: "quick" } } });
  expect(parseScenario(input({ stack: make }))).toMatchObject({
    scenario: { stack: { name: "production" } },
  });
  const broken = (): never => {
    throw new Error("no such thresholds");
  };
  expect(issues({ stack: broken })).toEqual([
    `stack: the function failed for { thresholds: "production" }: no such thresholds`,
  ]);
});

describe("each mistake is one line with key, expectation and what was found", () => {
  test.each<[string, Record<string, unknown>, string]>([
    [
      "a text for a number",
      { load: { script: "x.ts", steadyRps: "65" } },
      `load.steadyRps: expected a whole number of requests per second above zero, got "65"`,
    ],
    [
      "a negative number",
      { load: { script: "x.ts", steadyRps: -1 } },
      "load.steadyRps: expected a whole number of requests per second above zero, got -1",
    ],
    [
      "a negative duration",
      { duration: "-6h" },
      `duration: expected a duration above zero, such as "90s", got "-6h"`,
    ],
    [
      "no duration at all",
      { duration: "0s" },
      `duration: expected a duration above zero, such as "90s", got "0s"`,
    ],
    [
      "a duration without unit",
      { duration: "90" },
      `duration: expected a duration with its unit, such as "90s" or "1h30m", got "90"`,
    ],
    [
      "a number for a duration",
      { warmUp: 10 },
      `warmUp: expected a duration with its unit, such as "90s" or "1h30m", got 10`,
    ],
    [
      "a misspelt key",
      { load: { script: "x.ts", steadyRps: 65, rotateEvry: "1m" } },
      `load: unknown key "rotateEvry"; did you mean "rotateEvery"?`,
    ],
    [
      "a key from nowhere",
      { stopWhen: { colour: "red" } },
      `stopWhen: unknown key "colour"; known are unavailableFor, failedShare`,
    ],
    ["a key that is missing", { objectives: undefined }, "objectives: missing; expected an object"],
    [
      "a spike that never ends",
      { load: { script: "x.ts", steadyRps: 65, spike: { rps: 1, every: "5m", for: "5m" } } },
      "load.spike.for: expected a shorter time than `every`, or one runs into the next",
    ],
    [
      "a percentage for a share",
      { objectives: { availability: 99.9 } },
      "objectives.availability: expected a share between 0 and 1, such as 0.999, got 99.9",
    ],
    [
      "faults without a window",
      { chaos: { faults: [fault] } },
      `chaos.window: missing; faults need windows to happen in, such as { every: "2h", for: "30m" }`,
    ],
    [
      "a window without faults",
      { chaos: { window: { every: "2h", for: "1m" } } },
      "chaos.faults: a window needs faults; the list is empty",
    ],
    [
      "a planned fault without time",
      { chaos: { planned: [fault] } },
      `chaos.planned[0].at: missing; expected a duration from the start of load, such as "5m"`,
    ],
    [
      "a time for a drawn fault",
      { chaos: { window: { every: "2h", for: "1m" }, faults: [{ ...fault, at: "1m" }] } },
      "chaos.faults[0].at: only faults under chaos.planned have a time of their own",
    ],
    [
      "a hold the wrong way round",
      { chaos: { planned: [{ ...fault, at: "1m", hold: ["2s", "1s"] }] } },
      "chaos.planned[0].hold: expected the shorter duration first",
    ],
    [
      "a hold without unit",
      { chaos: { planned: [{ ...fault, at: "1m", hold: 5 }] } },
      `chaos.planned[0].hold: expected a duration such as "30s" or a range such as ["30s", "1m"], got 5`,
    ],
    [
      "a window's range the wrong way round",
      windows({ every: ["2h", "90m"], for: "1m" }),
      "chaos.window.every: expected the shorter duration first",
    ],
    [
      "a negative first window",
      windows({ every: "2h", for: "1m", firstAt: "-5m" }),
      `chaos.window.firstAt: expected a duration such as "30s" or a range such as ["30s", "1m"], got "-5m"`,
    ],
    [
      "a window longer than its shortest interval",
      windows({ every: ["30m", "2h"], for: "30m" }),
      "chaos.window.for: expected a shorter time than `every`, or one runs into the next",
    ],
    [
      "a weight of nothing",
      windows({ every: "2h", for: "1m" }, { faults: [{ ...fault, weight: 0 }] }),
      "chaos.faults[0].weight: expected a weight above zero, such as 2, got 0",
    ],
    [
      "a weight where all come",
      windows({ every: "2h", for: "1m" }, { pick: "once-each", faults: [{ ...fault, weight: 2 }] }),
      `chaos.faults[0].weight: pick "once-each" takes every fault once a window; expected no weight`,
    ],
    [
      "a negative minimum",
      windows({ every: "2h", for: "1m" }, { faults: [{ ...fault, atLeast: -1 }] }),
      "chaos.faults[0].atLeast: expected a whole number of times, zero allowed, got -1",
    ],
    [
      "a minimum beside a fixed time",
      { chaos: { planned: [{ ...fault, at: "1m", atLeast: 1 }] } },
      "chaos.planned[0].atLeast: only faults under chaos.faults are drawn; expected none beside a fixed time",
    ],
    [
      "none at once",
      { chaos: { atMostAtOnce: 0 } },
      "chaos.atMostAtOnce: expected a whole number of faults above zero, got 0",
    ],
    [
      "a word for same targets",
      { chaos: { sameTarget: "yes" } },
      `chaos.sameTarget: expected "refuse" or "allow", got "yes"`,
    ],
    [
      "a negative final settle",
      { chaos: { finalSettle: "-5s" } },
      `chaos.finalSettle: expected a duration above zero, such as "90s", got "-5s"`,
    ],
    [
      "an unknown pattern",
      planned({ pattern: "flaping", link: "api" }),
      `chaos.planned[0].pattern: expected "flapping" or "cascade", got "flaping"`,
    ],
    [
      "an unknown key in a pattern",
      planned({ ...flapping, hold: "3s" }),
      `chaos.planned[0]: unknown key "hold"; known are pattern, link, times, downFor, upFor, at, ifMissing, weight, atLeast`,
    ],
    [
      "a pattern that is none",
      planned({ ...flapping, times: 1 }),
      "chaos.planned[0].times: expected a whole number of times, at least 2, got 1",
    ],
    [
      "a flapping that never comes up",
      planned({ ...flapping, upFor: "0s" }),
      `chaos.planned[0].upFor: expected a duration such as "30s" or a range such as ["30s", "1m"], got "0s"`,
    ],
    [
      "a cascade of one",
      planned({ pattern: "cascade", steps: [fault], gap: "5s" }),
      `chaos.planned[0].steps: expected at least two faults, got [{"fault":"slow","options":{"link":"api","delayMs":[1,2]}}]`,
    ],
    [
      "a time on a step of a cascade",
      planned({ pattern: "cascade", steps: [fault, { ...fault, at: "5m" }], gap: "5s" }),
      "chaos.planned[0].steps[1].at: belongs to the pattern as a whole; expected none on one of its steps",
    ],
    ["drills that are no list", { drills: {} }, "drills: expected a list of drills, got {}"],
    [
      "an unknown kind of service",
      { stack: stack({ services: [{ kind: "mysql", name: "api" }] }) },
      `stack.services[0].kind: expected "program", "postgres" or "redis", got "mysql"`,
    ],
    [
      "an unknown service in a link",
      { stack: stack({ links: [{ name: "api", from: "load", to: "ap" }] }) },
      `stack.links[0].to: no service is called "ap" (there are api); did you mean "api"?`,
    ],
    [
      "two load links",
      { stack: stack({ links: ["a", "b"].map((name) => ({ name, from: "load", to: "api" })) }) },
      `stack.links[1].from: a second link from "load"; expected exactly one, through which the load enters`,
    ],
    [
      "no load link",
      { stack: stack({ links: [] }) },
      `stack.links: no link has from: "load"; expected exactly one, through which the load enters`,
    ],
    [
      "a name twice",
      {
        stack: stack({
          links: [
            { name: "a", from: "load", to: "api" },
            { name: "a", from: "api", to: "api" },
          ],
        }),
      },
      `stack.links[1].name: "a" is declared twice; expected a name of its own`,
    ],
    [
      "a placeholder that names nothing",
      {
        stack: stack({
          services: [{ kind: "program", name: "api", command: ["x", "{link:apj}"], readyPath: "/" }],
        }),
      },
      `stack.services[0].command[1]: {link:apj} names nothing in this stack (there are api); did you mean "api"?`,
    ],
    [
      "a volume that names nothing",
      {
        stack: stack({
          services: [
            { kind: "program", name: "api", command: ["x"], env: { LOG: "{volume}" }, readyPath: "/" },
          ],
        }),
      },
      `stack.services[0].env.LOG: {volume} names nothing: "api" has no volume`,
    ],
    [
      "a volume of no size",
      {
        stack: stack({
          services: [
            { kind: "program", name: "api", command: ["x"], readyPath: "/", volume: { size: "64MB" } },
          ],
        }),
      },
      `stack.services[0].volume.size: expected a size from "1MiB" to "1GiB", such as "64MiB", got "64MB"`,
    ],
    [
      "a supervisor that is not there",
      {
        stack: stack({
          services: [{ kind: "program", name: "api", command: ["x"], readyPath: "/", startedBy: "dog" }],
        }),
      },
      `stack.services[0].startedBy: no service is called "dog" (there are api)`,
    ],
    [
      "journeys to a service that is not there",
      { journeys: { script: "j.ts", service: "apj" } },
      `journeys.service: "apj" is no program of the stack (there are api); did you mean "api"?`,
    ],
    [
      "journeys without pause",
      { journeys: { script: "j.ts", service: "api", every: "5s" } },
      `journeys.every: expected at least "10s", as a visit takes seconds`,
    ],
    [
      "journeys without a script",
      { journeys: { service: "api" } },
      `journeys.script: missing; expected text`,
    ],
    [
      "a path without slash",
      { stack: stack({ services: [{ kind: "program", name: "api", command: ["x"], readyPath: "ready" }] }) },
      `stack.services[0].readyPath: expected a path that begins with "/", got "ready"`,
    ],
  ])("%s", (_, extra, line) => {
    expect(issues(extra)).toEqual([line]);
  });

  test("several at once", () => {
    expect(
      issues({ duration: "x", load: { script: "", steadyRps: 0 }, colour: 1 }).map(
        (line) => line.split(":")[0],
      ),
    ).toEqual(["duration", "load.script", "load.steadyRps", ""]);
  });

  test.each([[undefined], [null], [7], ["6h"]])("%j is no scenario", (value) => {
    expect(parseScenario(value)).toMatchObject({ issues: [{ key: "" }] });
  });
});
