import { describe, expect, test } from "vitest";
import type { Confirmation } from "../faults/fault.ts";
import type { OperationsSpec } from "../scenario/operations-spec.ts";
import type { DrillStep, Plan } from "../plan/plan.ts";
import { gatherFacts } from "./facts.ts";
import { drills } from "./drills.ts";
import { judge } from "./judge.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { killEvents, configReading, gatewayIdentity, type TimedBody } from "./testing/stories.ts";
import { killStep, testPlan } from "./testing/plan-builder.ts";
import type { Finding } from "./verdict.ts";

const timed = { command: ["x"], withinMs: 1 };
const operations: OperationsSpec = { "config-update": { do: timed, undo: timed, file: "settings" } };
const plain = testPlan();
const stack = { ...plain.stack, operations };

function drillStep(changes: Partial<DrillStep> = {}): DrillStep {
  return {
    id: "d01-blue-green",
    fault: "blue-green",
    kind: "held",
    target: "operation:blue-green",
    options: {},
    startMs: 40_000,
    healMs: 60_000,
    settleUntilMs: 80_000,
    expect: {
      recovery: { atLeast: "none", atMost: "none" },
      service: null,
      actWithinMs: null,
      restarts: true,
      unavailableMs: 0,
    },
    demands: { noFailedRequest: true, undoneWithinMs: 300_000 },
    ...changes,
  };
}

const update = drillStep({
  id: "d01-config-update",
  fault: "config-update",
  target: "operation:config-update",
  demands: { undoneWithinMs: 300_000 },
  expect: { ...drillStep().expect, restarts: false },
});

interface Story {
  readonly id?: string;
  readonly confirmation?: Partial<Confirmation>;
  readonly undoingMs?: number;
  readonly undoneMs?: number;
  /** These states are left out, with the look where "look" is named. */
  readonly without?: readonly ("active" | "look" | "healing" | "healed")[];
  readonly broken?: { readonly atMs: number; readonly error: string };
  readonly by?: "reaper";
}

/** Carried out from 40 s to 48 s, seen at 48.2 s, undone from 60 s to 66 s. */
function life({
  id = "d01-blue-green",
  confirmation = {},
  undoingMs = 60_000,
  undoneMs = 66_000,
  without = [],
  broken,
  by,
}: Story = {}): TimedBody[] {
  const state = (
    atMs: number,
    name: "injecting" | "active" | "healing" | "healed",
    more: object = {},
  ): TimedBody[] =>
    without.includes(name as "active") ? [] : [{ atMs, type: "fault", id, state: name, ...more }];
  const look: Confirmation = { effective: true, saw: "green has the requests", ...confirmation };
  return [
    ...state(40_000, "injecting"),
    ...state(48_000, "active"),
    ...(without.includes("look")
      ? []
      : [{ atMs: 48_200, type: "fault-confirmed", id, confirmation: look } as const]),
    ...(broken === undefined
      ? []
      : [{ atMs: broken.atMs, type: "fault", id, state: "broken", error: broken.error } as const]),
    ...state(undoingMs, "healing"),
    ...state(undoneMs, "healed", by === undefined ? {} : { by }),
  ];
}

function planWith(step: DrillStep, changes: Partial<Plan> = {}): Plan {
  return testPlan({ drills: [step], stack, ...changes });
}

function found(step: DrillStep, script: Script, changes: Partial<Plan> = {}): Finding {
  const plan = planWith(step, changes);
  const evidence = buildEvidence(plan, script);
  const [finding] = drills.check(plan, evidence, gatherFacts(plan, evidence));
  if (finding === undefined) throw new Error("a drill has a finding");
  return finding;
}

const resumed = (gapFromMs: number, gapToMs: number): TimedBody => ({
  atMs: gapToMs,
  type: "resumed",
  attempt: 1,
  by: "reaper",
  gapFromMs,
  gapToMs,
  bootChanged: false,
  uncertaintyMs: 0,
  bootId: "b",
  monotonicZeroMs: 0,
});
/** The machine stood still at 50 s, for a second and a half. */
const starved: Script["sample"] = (name, atMs, value) =>
  name === "harness.event-loop-delay-max" && Math.abs(atMs - 50_000) <= 1_000 ? 700 : value;

describe("a drill", () => {
  test("passes when it was done, seen and undone and no request failed, with its times", () => {
    const finding = found(drillStep(), { events: life() });
    expect(finding).toMatchObject({
      id: "drill/d01-blue-green",
      status: "pass",
      about: "stack",
      fault: "d01-blue-green",
    });
    expect(finding.title).toBe(
      "d01-blue-green: done in 8.00 s, seen in force: green has the requests; undone in 6.00 s; no request of 560 failed.",
    );
    expect(finding.measures).toEqual([
      { name: "done in", value: 8_000, unit: "ms" },
      { name: "undone in", value: 6_000, unit: "ms", limit: 300_000 },
      { name: "failed requests", value: 0, unit: "count", limit: 0 },
      { name: "requests meanwhile", value: 560, unit: "count" },
    ]);
    expect(finding.evidence.events).toHaveLength(5);
  });

  test.each<[string, Script, string]>([
    [
      "that its command could not do",
      {
        events: life({
          without: ["active", "look"],
          broken: { atMs: 44_000, error: "switch failed (exit code 1)" },
        }),
      },
      "could not be carried out: switch failed (exit code 1).",
    ],
    [
      "that was only claimed",
      {
        events: life({
          confirmation: { effective: false, saw: "blue still has the requests", disproved: true },
        }),
      },
      "was said to be done, but blue still has the requests.",
    ],
    [
      "that could not be undone",
      { events: life({ without: ["healed"], broken: { atMs: 70_000, error: "the undo failed" } }) },
      "IS NOT UNDONE: the undo failed.",
    ],
    [
      "whose undoing took too long",
      { events: life({ undoingMs: 48_500, undoneMs: 78_500 }) },
      "took 30.0 s to undo (limit 20.0 s).",
    ],
    [
      "that cost one request, even of a route that is not essential",
      { events: life(), troubles: [{ fromMs: 64_000, toMs: 64_050, essential: false }] },
      "1 request of 560 requests failed meanwhile; none may.",
    ],
    [
      "that let a request in flight at its start fail",
      { events: life(), troubles: [{ fromMs: 39_000, toMs: 39_050 }] },
      "1 request of 560 requests failed meanwhile",
    ],
  ])("fails %s", (_, script, text) => {
    const finding = found(drillStep({ demands: { noFailedRequest: true, undoneWithinMs: 20_000 } }), script);
    expect(finding).toMatchObject({ status: "fail", about: "stack" });
    expect(finding.title).toContain(text);
  });

  test.each<[string, Script, string]>([
    [
      "that was skipped",
      {
        events: [
          { atMs: 40_000, type: "fault-skipped", id: "d01-blue-green", reason: "its time had passed" },
        ],
      },
      "was planned and not carried out (skipped: its time had passed).",
    ],
    ["that the evidence does not reach", { endMs: 30_000 }, "was not reached."],
    ["that the evidence ends in", { events: life(), endMs: 45_000 }, "the evidence ends before it was done"],
    [
      "that the run's end cut off",
      {
        events: [
          ...life({ without: ["active", "look"], broken: { atMs: 44_000, error: "interrupted" } }),
          { atMs: 43_000, type: "stopping", reason: "SIGINT" },
        ],
      },
      "the run was being ended",
    ],
    [
      "of which nothing was seen",
      { events: life({ confirmation: { effective: false, saw: "the look failed: no answer" } }) },
      "nothing was seen of it: the look failed",
    ],
    ["without a look", { events: life({ without: ["look"] }) }, "nothing was seen of it"],
    [
      "that was never seen undone",
      { events: life({ without: ["healing", "healed"] }) },
      "was never seen to be undone.",
    ],
    ["that the reaper undid", { events: life({ by: "reaper" }) }, "undone by the reaper"],
    [
      "that a gap of the harness cut",
      { events: [...life(), resumed(50_000, 58_000)] },
      "the harness died meanwhile",
    ],
    [
      "whose requests are not known",
      { events: life(), troubles: [{ fromMs: 50_000, toMs: 50_500, vanished: true }] },
      "of 10 planned starts nothing is known",
    ],
    [
      "whose requests the generator dropped",
      { events: life(), troubles: [{ fromMs: 50_000, toMs: 50_500, dropped: true }] },
      "of 10 planned starts nothing is known",
    ],
  ])("is inconclusive %s", (_, script, text) => {
    const finding = found(drillStep(), script);
    expect(finding).toMatchObject({ status: "inconclusive", about: "harness" });
    expect(finding.title).toContain(text);
  });

  test("is not failed for what happened on a starved machine, and passes in spite of one", () => {
    const failing = { events: life(), troubles: [{ fromMs: 50_000, toMs: 50_050 }] };
    expect(found(drillStep(), failing).status).toBe("fail");
    const excused = found(drillStep(), { ...failing, sample: starved });
    expect(excused.status).toBe("inconclusive");
    expect(excused.title).toContain("evidence is doubtful");
    expect(found(drillStep(), { events: life(), sample: starved }).status).toBe("pass");
    // What had failed before the machine stood still had failed.
    const early = life({ without: ["active", "look"], broken: { atMs: 44_000, error: "it failed" } });
    expect(found(drillStep(), { events: early, sample: starved }).status).toBe("fail");
  });

  test("that may cost requests says how many, and is not failed for them", () => {
    const finding = found(drillStep({ demands: {} }), {
      events: life(),
      troubles: [{ fromMs: 50_000, toMs: 50_500 }],
    });
    expect(finding.status).toBe("pass");
    expect(finding.title).toContain("10 requests of 560 failed");
  });
});

describe("a configuration update", () => {
  const seen = { confirmation: { effective: true, saw: "version 2", plannedValuesHash: "v2" } };
  const reading = (atMs: number, version: number, valuesHash: string): TimedBody =>
    configReading(atMs, { served: { version, valuesHash, checksumMatches: true } });
  const story = life({ id: update.id, ...seen });
  const whole = [reading(45_000, 2, "v2"), reading(65_500, 3, "v1")];
  const judged = (readings: readonly TimedBody[], events = story): Finding[] => {
    const plan = planWith(update, { objectives: { configCorruptions: 0 } });
    return [...judge(plan, buildEvidence(plan, { events: [...events, ...readings] })).findings];
  };
  const statuses = (findings: readonly Finding[]): string[] =>
    findings
      .filter(({ checker }) => checker === "drill" || checker === "config-integrity")
      .map(({ id, status }) => `${id} ${status}`);

  test("passes with the planned values served until the roll-back, which is no corruption", () => {
    expect(statuses(judged(whole))).toEqual([
      "config-integrity/settings pass",
      "drill/d01-config-update pass",
    ]);
  });

  test.each<[string, readonly TimedBody[]]>([
    [
      "anything else is served meanwhile",
      [
        reading(45_000, 2, "v2"),
        reading(50_000, 3, "v9"),
        reading(51_000, 4, "v2"),
        reading(65_500, 5, "v1"),
      ],
    ],
    ["the values of before never come back", [reading(45_000, 2, "v2")]],
    ["other values come back", [reading(45_000, 2, "v2"), reading(65_500, 3, "v9")]],
  ])("fails, and so does integrity, when %s", (_, readings) => {
    expect(statuses(judged(readings))).toEqual([
      "config-integrity/settings fail",
      "drill/d01-config-update fail",
    ]);
  });

  test("fails when a state is served that does not match its checksum", () => {
    const torn = configReading(50_000, { served: { version: 2, valuesHash: "v2", checksumMatches: false } });
    expect(statuses(judged([reading(45_000, 2, "v2"), torn, reading(65_500, 3, "v1")]))).toEqual([
      "config-integrity/settings fail",
      "drill/d01-config-update fail",
    ]);
  });

  test("that nobody looked at is inconclusive, and what was served then is not called a corruption", () => {
    const unseen = life({ id: update.id, without: ["look"] });
    expect(statuses(judged(whole, unseen))).toEqual([
      "config-integrity/settings pass",
      "drill/d01-config-update inconclusive",
    ]);
  });

  test("is a corruption where no drill asked for it", () => {
    const plan = testPlan({ objectives: { configCorruptions: 0 } });
    const { findings } = judge(plan, buildEvidence(plan, { events: whole }));
    expect(statuses(findings)).toEqual(["config-integrity/settings fail"]);
  });
});

describe("other checkers", () => {
  const blue = gatewayIdentity;
  const line = { type: "watchdog", wallTime: "2026-01-01T00:01:00.000Z" } as const;
  /** The first slot is stopped by the switch, and a new process of it comes with the way back. */
  const swapped: TimedBody[] = [
    { atMs: 47_500, type: "process", service: "gateway", change: "gone", identity: blue },
    { ...line, atMs: 61_000, line: { event: "slot", slot: "blue", pid: 300, detail: "started" } },
    {
      atMs: 61_700,
      type: "process",
      service: "gateway",
      change: "appeared",
      identity: { ...blue, pid: 300 },
      startedAtMs: 61_000,
    },
  ];
  const watchdogs = (step: DrillStep, events: readonly TimedBody[]): string[] => {
    const plan = planWith(step);
    const { findings } = judge(plan, buildEvidence(plan, { events: [...life({ id: step.id }), ...events] }));
    return findings
      .filter(({ checker }) => checker === "watchdog")
      .map(({ id, status }) => `${id.replace(/\d+$/, "n")} ${status}`);
  };

  test("the watchdog: processes that a drill replaces are neither deaths nor untold restarts", () => {
    expect(watchdogs(drillStep(), swapped)).toEqual(["watchdog/calm pass", "watchdog/log pass"]);
    expect(watchdogs(update, swapped)).toContain("watchdog/gone-n fail");
    const untold = swapped.filter(({ type }) => type !== "watchdog");
    expect(watchdogs(drillStep(), untold)).toContain("watchdog/untold-n fail");
  });

  test("the watchdog: a drill is no reason to act", () => {
    const acted: TimedBody = {
      ...line,
      atMs: 50_000,
      line: { event: "action", target: "gateway", level: "soft" },
    };
    expect(watchdogs(drillStep(), [...swapped, acted])).toContain("watchdog/calm-n fail");
  });

  test("recovery: the watch for a fault before it ends where the drill begins", () => {
    const plan = planWith(drillStep(), {
      faults: [killStep({ startMs: 20_000, healMs: 20_000, settleUntilMs: 40_000 })],
      objectives: { recoveryMs: 60_000 },
    });
    const events = [...killEvents({ atMs: 20_000, actedMs: 20_300, backMs: 20_500 }), ...life()];
    const troubles = [{ fromMs: 20_000, toMs: 60_000 }];
    const { faults } = gatherFacts(plan, buildEvidence(plan, { events, troubles }));
    expect(faults[0]).toMatchObject({
      recovery: "censored",
      note: expect.stringContaining("the next fault began"),
    });
  });

  test("a second slot that runs at times only owes no samples, whatever it runs", () => {
    const standby = {
      kind: "program",
      name: "spare",
      command: ["x"],
      readyPath: "/",
      startedBy: "watchdog",
      metricsPath: "/m",
    } as const;
    const objectives = { completeMonitoring: true, memoryDrift: 0.1 };
    const of = (service: object): string[] => {
      const plan = planWith(drillStep(), {
        objectives,
        stack: { ...stack, services: [...stack.services, service as typeof standby] },
      });
      const sample: Script["sample"] = (name, _atMs, value) =>
        name.startsWith("process.spare") ? undefined : value;
      const { findings } = judge(plan, buildEvidence(plan, { events: [...life(), ...swapped], sample }));
      return findings
        .filter(({ title, status }) => status !== "pass" && title.includes("spare"))
        .map(({ id }) => id);
    };
    expect(of({ ...standby, standby: true })).toEqual([]);
    expect(of(standby)).toContain("evidence/samples");
  });

  test("a verdict has the records of the plan's drills, and none without", () => {
    const plan = planWith(drillStep());
    expect(judge(plan, buildEvidence(plan, { events: life() })).drills).toMatchObject([
      { id: "d01-blue-green", drill: "blue-green", confirmed: "yes", failedRequests: 0, requests: 560 },
    ]);
    expect(Object.keys(judge(plain, buildEvidence(plain)))).not.toContain("drills");
  });
});
