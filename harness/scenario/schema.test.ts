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
        restartSpacingMs: 90_000,
        quietStretchMs: null,
      },
      objectives: {},
      stopWhen: { unavailableForMs: null },
    },
  });
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
        window: { everyMs: 7_200_000, forMs: 1_800_000, firstAtMs: 7_200_000 },
        faults: [{ fault: "slow", holdMs: [10_000, 10_000], ifMissing: "refuse" }],
        planned: [{ holdMs: [1_000, 2_000], atMs: 300_000 }],
      },
    },
  });
  expect(parse("10m")).toMatchObject({ scenario: { load: { spike: { firstAtMs: 300_000 } } } });
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
      `stopWhen: unknown key "colour"; known are unavailableFor`,
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
      "a supervisor that is not there",
      {
        stack: stack({
          services: [{ kind: "program", name: "api", command: ["x"], readyPath: "/", startedBy: "dog" }],
        }),
      },
      `stack.services[0].startedBy: no service is called "dog" (there are api)`,
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
