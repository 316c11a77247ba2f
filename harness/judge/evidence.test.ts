import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { evidenceChecker } from "./evidence.ts";
import { LatencySketch } from "../support/latency-sketch.ts";
import { gatherFacts } from "./facts.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { heldStep, killStep, segment, testPlan } from "./testing/plan-builder.ts";
import { faultEvents, gatewayIdentity, killEvents } from "./testing/stories.ts";

function check(script: Script, changes: Partial<Plan> = {}) {
  const plan = testPlan(changes);
  const evidence = buildEvidence(plan, script);
  const found = evidenceChecker.check(plan, evidence, gatherFacts(plan, evidence));
  // Missing evidence is the harness's trouble: whatever this checker says, it never fails the stack.
  expect(found.every(({ about, status }) => about === "harness" && status !== "fail")).toBe(true);
  return { doubtful: found.filter(({ status }) => status !== "pass").map(({ id }) => id), found };
}
const titleOf = (result: ReturnType<typeof check>, id: string) =>
  result.found.find((each) => each.id === id)?.title;

describe("evidence", () => {
  it("is without doubt in a whole run", () => {
    expect(check({}).doubtful).toEqual([]);
    expect(
      check({ troubles: [{ fromMs: 40_000, toMs: 40_900 }], events: killEvents() }, { faults: [killStep()] })
        .doubtful,
    ).toEqual([]);
  });

  it("is doubtful when the run did not complete", () => {
    expect(check({ endMs: 60_000 }).doubtful).toContain("evidence/complete");
    expect(check({ endMs: 60_000, ended: "stopped" }).doubtful).toContain("evidence/complete");
    expect(check({ ended: "stopped" }).doubtful).toContain("evidence/complete");
    expect(check({ endMs: 60_000, ended: "completed" }).doubtful).toContain("evidence/complete");
  });

  it("is doubtful when no load flowed, or when it stood still", () => {
    expect(check({ loadStarted: false }).doubtful).toContain("evidence/load");
    expect(check({ troubles: [{ fromMs: 50_000, toMs: 52_000, vanished: true }] }).doubtful).toContain(
      "evidence/load",
    );
  });

  it("is doubtful when accounts do not close, and says by how much", () => {
    const one = check({ troubles: [{ fromMs: 50_000, toMs: 50_050, vanished: true }] });
    expect(one.doubtful).toEqual(["evidence/accounts"]);
    expect(titleOf(one, "evidence/accounts")).toMatch(/segment 0: 1 unaccounted/);
    const cut = { fromMs: 50_000, toMs: 50_150, vanished: true };
    expect(check({ troubles: [cut], accounts: { interrupted: 3, unaccounted: 0 } }).doubtful).toEqual([
      "evidence/accounts",
    ]);
    // k6 completed them, the samples lost them.
    expect(check({ troubles: [cut], accounts: { completed: 2_400, unaccounted: 0 } }).doubtful).toEqual([
      "evidence/accounts",
    ]);
    expect(check({ accounts: { interrupted: 3 } }).doubtful).toContain("evidence/accounts");
    expect(check({ accounts: { exitCode: null } }).doubtful).toContain("evidence/accounts");
    expect(check({ accounts: { completed: 2_399, unaccounted: 1 } }).doubtful).toContain("evidence/accounts");
    expect(check({ without: ["segment-ended"] }).doubtful).toContain("evidence/accounts");
  });

  it("is doubtful when starts were dropped with users free, not when all users waited on the target", () => {
    const free = check({ troubles: [{ fromMs: 50_000, toMs: 51_000, dropped: true }] });
    expect(titleOf(free, "evidence/accounts")).toMatch(/20 starts dropped .* the harness's fault/);
    const hung = [
      { fromMs: 54_000, toMs: 60_000, dropped: true, every: 4 },
      { fromMs: 50_000, toMs: 60_000, latencyMs: 2_600 },
    ];
    expect(check({ troubles: hung }).doubtful).toEqual([]);
  });

  it("is doubtful when k6 had fewer users than the plan needs, by the harness's fault", () => {
    const few = { ...segment(0, 0, 120_000), users: 5 };
    const result = check({}, { load: { script: "s", timeoutMs: 2_000, segments: [few] } });
    expect(result.doubtful).toEqual(["evidence/users"]);
    expect(titleOf(result, "evidence/users")).toMatch(
      /harness's fault: k6 had 5 virtual users in segment 0, the plan needs 50/,
    );
    expect(check({ accounts: { users: 5 } }).doubtful).toContain("evidence/users");
  });

  it("is doubtful about a fault that was not confirmed, and names it with what was asked and seen", () => {
    const result = check({ events: killEvents({ effective: false }) }, { faults: [killStep()] });
    expect(result.doubtful).toEqual(["evidence/f01-kill"]);
    expect(titleOf(result, "evidence/f01-kill")).toMatch(
      /f01-kill .*asked for \{"service":"gateway"\}, saw: the old process still serves/,
    );
  });

  it("is doubtful about a planned fault that never ran, not about one that the scenario allows to be skipped", () => {
    expect(check({}, { faults: [killStep()] }).doubtful).toEqual(["evidence/f01-kill"]);
    const skipped = check({}, { faults: [killStep({ skipped: { missing: ["process"] } })] });
    expect(skipped.doubtful).toEqual([]);
    expect(titleOf(skipped, "evidence/skipped")).toMatch(/Lost coverage: 1 fault skipped/);
  });

  it("is doubtful about a fault that the run left out although the plan had it", () => {
    const reason = "its time had passed 9000 ms ago";
    const left = check(
      { events: [{ atMs: 40_000, type: "fault-skipped", id: "f01-kill", reason }] },
      { faults: [killStep()] },
    );
    expect(left.doubtful).toEqual(["evidence/f01-kill"]);
    expect(titleOf(left, "evidence/f01-kill")).toContain(reason);
  });

  it("is doubtful about a fault that lay far beside its plan", () => {
    const faults = [heldStep()];
    const story = (atMs: number, healedMs: number) =>
      check({ events: faultEvents("f02-latency", { atMs, healedMs }) }, { faults });
    expect(story(40_000, 50_000).doubtful).toEqual([]);
    expect(titleOf(story(40_000, 58_000), "evidence/f02-latency")).toMatch(/healed late, by 8000 ms/);
    expect(titleOf(story(46_000, 50_000), "evidence/f02-latency")).toMatch(/injected late/);
  });

  it("is doubtful about samples that do not agree with themselves", () => {
    const plan = testPlan();
    const whole = buildEvidence(plan);
    const judged = (changes: Partial<typeof whole>) => {
      const evidence = { ...whole, ...changes };
      const found = evidenceChecker.check(plan, evidence, gatherFacts(plan, evidence));
      return found.find(({ id }) => id === "evidence/accounts")?.title;
    };
    expect(
      judged({ seconds: () => [...whole.seconds()].filter(({ second }) => second < 20 || second > 49) }),
    ).toMatch(/30 seconds of load without a record/);
    const emptied = [...whole.cells()].map((cell) => ({ ...cell, latency: new LatencySketch() }));
    expect(judged({ cells: () => emptied })).toMatch(/requests without a latency/);
  });

  describe("of a last request that started late", () => {
    const plan = testPlan();
    // Three starts of the last second came in the second after it, of which the plan knows nothing.
    const early = buildEvidence(plan, {
      troubles: [{ fromMs: 119_850, toMs: 120_000, vanished: true }],
      accounts: { started: 2_400, completed: 2_400, unaccounted: 0 },
    });
    const judged = (count: number, outcome: "ok" | "failed" = "ok") => {
      const [cell, row] = [[...early.cells()].at(-1), [...early.seconds()].at(-1)];
      if (cell === undefined || row === undefined) throw new Error("no load");
      const [latency, lateness] = [new LatencySketch(), new LatencySketch()];
      for (let at = 0; at < count; at++) latency.record(40);
      for (let at = 0; at < 3; at++) lateness.record(153);
      const failureMs = outcome === "failed" ? 120_003 : null;
      const failure = { firstFailureMs: failureMs, lastFailureMs: failureMs };
      const evidence = {
        ...early,
        cells: () => [...early.cells(), { ...cell, second: 120, count, outcome, latency }],
        seconds: () => [
          ...early.seconds(),
          { ...row, second: 120, planned: 0, started: 3, lateness, ...failure },
        ],
      };
      const facts = gatherFacts(plan, evidence);
      const found = evidenceChecker.check(plan, evidence, facts);
      return { facts, accounts: found.find(({ id }) => id === "evidence/accounts") };
    };

    it("is without doubt, and the request counts as the last second's", () => {
      const { facts, accounts } = judged(3);
      expect(accounts).toMatchObject({ status: "pass" });
      expect(facts.load.seconds).toHaveLength(120);
      expect(facts.load.seconds.at(-1)).toMatchObject({ planned: 20, completed: 20, ok: 20, state: "good" });
      expect(facts.load.seconds.at(-1)?.latenessP99Ms).toBeGreaterThan(100);
      expect(facts.summary).toMatchObject({ planned: 2_400, completed: 2_400, maxMs: 40 });
    });

    it("is held against the stack where it failed", () => {
      const { facts } = judged(3, "failed");
      expect(facts.load.seconds.at(-1)).toMatchObject({ failed: 3, state: "bad", firstFailureMs: 120_003 });
    });

    it("is doubtful where one of them is lost", () => {
      const { accounts } = judged(2);
      expect(accounts?.title).toContain("2400 completed in the books but 2399 in the samples");
    });
  });

  it("is doubtful about a fault at less than half of its size", () => {
    const story = (measured: number) =>
      faultEvents("f02-latency", {
        atMs: 40_000,
        healedMs: 50_000,
        magnitude: { asked: 200, measured, unit: "ms" },
      });
    expect(check({ events: story(90) }, { faults: [heldStep()] }).doubtful).toEqual(["evidence/f02-latency"]);
    expect(check({ events: story(190) }, { faults: [heldStep()] }).doubtful).toEqual([]);
  });

  it("is loud about a fault that was left in", () => {
    const events = [
      ...faultEvents("f02-latency", { atMs: 40_000 }),
      {
        atMs: 50_000,
        type: "fault" as const,
        id: "f02-latency",
        state: "broken" as const,
        error: "no answer",
      },
    ];
    const result = check({ events }, { faults: [heldStep()] });
    expect(result.doubtful).toEqual(["evidence/f02-latency-left-in"]);
    expect(titleOf(result, "evidence/f02-latency-left-in")).toMatch(/IS LEFT IN.*no answer/);
    expect(
      check({ events: faultEvents("f02-latency", { atMs: 40_000 }) }, { faults: [heldStep()] }).doubtful,
    ).toEqual(["evidence/f02-latency-left-in"]);
  });

  it("is doubtful about samples with gaps, but not while there was no process to sample", () => {
    const silent = (name: string) => ({
      sample: (series: string, atMs: number, value: number) =>
        series === name && atMs > 50_000 && atMs < 55_000 ? undefined : value,
    });
    const gap = check(silent("process.gateway.rss"));
    expect(titleOf(gap, "evidence/samples")).toMatch(/gateway has 1 gap, the longest 5\.00 s/);
    expect(gap.doubtful).toEqual(["evidence/samples"]);
    const away = (change: "gone" | "appeared", atMs: number) => ({
      atMs,
      type: "process" as const,
      service: "gateway",
      change,
      identity: gatewayIdentity,
    });
    expect(
      check({ ...silent("process.gateway.rss"), events: [away("gone", 50_500), away("appeared", 54_500)] })
        .doubtful,
    ).toEqual([]);
    expect(
      check({ sample: (name, _atMs, value) => (name === "process.postgres.rss" ? undefined : value) })
        .doubtful,
    ).toEqual(["evidence/samples"]);
    expect(
      check({ events: [{ atMs: 50_000, type: "gap", what: "machine suspended", lengthMs: 9_000 }] }).doubtful,
    ).toEqual(["evidence/gaps"]);
  });

  it("is doubtful when the machine slept for more than a moment", () => {
    const slept = (atMs: number, suspendedMs: number) => ({
      atMs,
      type: "clock" as const,
      wallMs: atMs,
      stepMs: suspendedMs,
      suspendedMs,
    });
    expect(check({ events: [slept(50_000, 2_000)] }).doubtful).toEqual([]);
    const found = check({ events: [slept(50_000, 2_000), slept(60_000, 2_000)] });
    expect(found.doubtful).toEqual(["evidence/suspend"]);
    expect(titleOf(found, "evidence/suspend")).toMatch(/suspended for 4\.00 s/);
    // Before the load began there was nothing to disturb.
    expect(check({ events: [slept(-500, 60_000)] }).doubtful).toEqual([]);
  });

  it("is doubtful when the machine was unfit, when the preflight is missing, and when journal lines are lost", () => {
    const noisy = {
      atMs: -900,
      type: "preflight" as const,
      checks: [
        { name: "cpu", ok: false, measured: 0.9, limit: 0.5, unit: "ratio", text: "CPU is 90 % busy" },
      ],
    };
    expect(titleOf(check({ events: [noisy] }), "evidence/preflight")).toMatch(/CPU is 90 % busy/);
    expect(check({ without: ["preflight"] }).doubtful).toEqual(["evidence/preflight"]);
    expect(check({ unreadableLines: 1 }).doubtful).toEqual(["evidence/journal"]);
  });
});
