// Drills in a scenario and operations in a stack: what is taken as it stands, and what is refused, with key and expectation.
import { describe, expect, test } from "vitest";
import { drills } from "./factories.ts";
import type { OperationsSpec } from "../scenario/operations-spec.ts";
import { parseScenario } from "../scenario/schema.ts";

const timed = { command: ["operate", "{was}"], withinMs: 5_000 };
const verbs = { do: timed, undo: timed };
const slots = { ...verbs, slots: { a: "api", b: "spare" }, answersPath: "/slot" };
const operations: OperationsSpec = {
  "config-update": { ...verbs, file: "settings", env: { URL: "http://127.0.0.1:{port:api}" } },
  "backup-restore": {
    ...verbs,
    check: timed,
    write: { method: "PUT", path: "/things/{id}", body: { title: "{id}" }, record: { id: "{id}" } },
  },
  "blue-green": slots,
  "graceful-restart": slots,
};

function parse(parts: { readonly drills?: unknown; readonly operations?: unknown; readonly spare?: object }) {
  const program = { kind: "program", command: ["node", "api.ts"], readyPath: "/ready" };
  return parseScenario({
    name: "x",
    duration: "6h",
    load: { script: "x.ts", steadyRps: 65 },
    objectives: {},
    stack: {
      name: "s",
      driver: "processes",
      services: [
        { ...program, name: "api" },
        { ...program, name: "spare", startedBy: "api", standby: true, ...parts.spare },
      ],
      links: [{ name: "in", from: "load", to: "api" }],
      configFiles: [{ name: "settings", service: "api", file: "s.json", readPath: "/config" }],
      operations: parts.operations ?? operations,
    },
    ...(parts.drills === undefined ? {} : { drills: parts.drills }),
  });
}

function issues(parts: Parameters<typeof parse>[0]): string[] {
  const result = parse(parts);
  return "issues" in result ? result.issues.map(({ key, message }) => `${key}: ${message}`) : [];
}

describe("drills", () => {
  test("are kept with their times in milliseconds, in the order given", () => {
    const result = parse({
      drills: [
        drills.configUpdate({ key: "limits.perMinute", value: 20 }, { at: "5m" }),
        drills.backupRestore({ every: "2h" }),
        drills.blueGreen({ every: "2h", firstAt: "0s", hold: "1m" }),
        drills.gracefulRestart({ at: "1h" }),
      ],
    });
    expect(result).toMatchObject({
      scenario: {
        stack: { operations },
        drills: [
          {
            drill: "config-update",
            options: { key: "limits.perMinute", value: 20 },
            when: { atMs: 300_000 },
            holdMs: null,
          },
          {
            drill: "backup-restore",
            options: { writes: 50 },
            when: { everyMs: 7_200_000, firstAtMs: 7_200_000 },
          },
          { drill: "blue-green", options: {}, when: { everyMs: 7_200_000, firstAtMs: 0 }, holdMs: 60_000 },
          { drill: "graceful-restart", when: { atMs: 3_600_000 } },
        ],
      },
    });
  });

  test.each([[undefined], [[]]])(
    "that are not there (%j) leave no trace: every plan's hash would change",
    (none) => {
      const result = parse({ drills: none });
      expect("scenario" in result && Object.keys(result.scenario)).not.toContain("drills");
    },
  );

  test.each<[string, object, string]>([
    [
      "without a time",
      { drill: "d", options: {} },
      `drills[0].at: missing; expected a time from the start of load, such as "5m", or every: "2h"`,
    ],
    [
      "with two kinds of time",
      { drill: "d", options: {}, at: "1m", every: "2h" },
      "drills[0].every: expected either at or every: a drill with a time of its own comes once",
    ],
    [
      "with a first time of nothing",
      { drill: "d", options: {}, at: "1m", firstAt: "2h" },
      "drills[0].firstAt: belongs to every; expected none without it",
    ],
    [
      "with a misspelt key",
      { drill: "d", options: {}, at: "1m", holds: "2h" },
      `drills[0]: unknown key "holds"; did you mean "hold"?`,
    ],
    [
      "without options",
      { drill: "d", at: "1m" },
      "drills[0].options: missing; expected an object of options (plain data)",
    ],
  ])("%s are refused", (_, drill, line) => {
    expect(issues({ drills: [drill] })).toEqual([line]);
  });
});

describe("operations", () => {
  const path = (name: keyof OperationsSpec, changes: object): object => ({
    [name]: { ...operations[name], ...changes },
  });

  test.each<[string, object, string]>([
    [
      "of an unknown kind",
      { "blue-gren": slots },
      `stack.operations: unknown key "blue-gren"; did you mean "blue-green"?`,
    ],
    [
      "without an undo",
      path("blue-green", { undo: undefined }),
      "stack.operations.blue-green.undo: missing; expected an object",
    ],
    [
      "without a limit of time",
      path("blue-green", { do: { command: ["x"] } }),
      "stack.operations.blue-green.do.withinMs: missing; expected a whole number of milliseconds above zero",
    ],
    [
      "without an end",
      path("blue-green", { do: { command: ["x"], withinMs: 1e9 } }),
      "stack.operations.blue-green.do.withinMs: expected at most 1800000 ms (30 min)",
    ],
    [
      "on a file that is not there",
      path("config-update", { file: "setings" }),
      `stack.operations.config-update.file: the stack has no config file "setings" (there are settings); did you mean "settings"?`,
    ],
    [
      "on a service that is not there",
      path("blue-green", { slots: { a: "apj" } }),
      `stack.operations.blue-green.slots.a: no service is called "apj" (there are api, spare); did you mean "api"?`,
    ],
    [
      "without a slot",
      path("blue-green", { slots: {} }),
      "stack.operations.blue-green.slots: expected at least one slot",
    ],
    [
      "with a placeholder that names nothing",
      path("config-update", { env: { X: "{port:apj}" } }),
      `stack.operations.config-update.env.X: {port:apj} names nothing in this stack (there are api, spare); did you mean "api"?`,
    ],
    [
      "with a volume",
      path("config-update", { do: { command: ["x", "{volume}"], withinMs: 1 } }),
      "stack.operations.config-update.do.command[1]: {volume} names nothing: operations have none",
    ],
    [
      "whose writes are all one",
      path("backup-restore", { write: { method: "PUT", path: "/one", body: {}, record: { id: "{id}" } } }),
      "stack.operations.backup-restore.write.path: expected {id} here or in the body, or all writes would be one",
    ],
    [
      "whose record tells nothing apart",
      path("backup-restore", { write: { method: "PUT", path: "/{id}", body: {}, record: {} } }),
      "stack.operations.backup-restore.write.record: expected {id} in it, or the check could not tell one write by it",
    ],
  ])("%s are refused", (_, changed, line) => {
    expect(issues({ operations: changed })).toEqual([line]);
  });

  test("a standby needs somebody who starts it", () => {
    expect(issues({ spare: { startedBy: undefined } })).toEqual([
      "stack.services[1].standby: expected startedBy beside it: Kiln starts no service at times",
    ]);
  });
});
