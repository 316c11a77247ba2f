import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { gatherFacts } from "./facts.ts";
import { recovery } from "./recovery.ts";
import { goodWindowsFor } from "./recovery-time.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import {
  configStep,
  heldStep,
  killStep,
  restartExpected,
  segment,
  testPlan,
} from "./testing/plan-builder.ts";
import { configReading, faultEvents, killEvents } from "./testing/stories.ts";

function check(script: Script, changes: Partial<Plan> = {}) {
  const plan = testPlan({ objectives: { recoveryMs: 60_000 }, faults: [killStep()], ...changes });
  const evidence = buildEvidence(plan, script);
  const facts = gatherFacts(plan, evidence);
  return { found: recovery.check(plan, evidence, facts)[0], record: facts.faults[0]! };
}
const down = (fromMs: number, toMs: number) => ({ fromMs, toMs });

describe("recovery of a momentary fault", () => {
  it("is timed from the first failed request to the start of a run of good seconds, to about one request interval", () => {
    const { found, record } = check({ troubles: [down(40_000, 44_500)], events: killEvents() });
    expect(found?.status).toBe("pass");
    expect(record.recovery).toBe("timed");
    expect(record.firstFailure?.atMs).toBe(40_000);
    expect(record.recovered).toEqual({ atMs: 44_500, errorMs: 50 });
    expect(record.recoveryMs).toEqual({ low: 4_450, high: 4_500 });
    expect(Object.keys(record)).not.toContain("notes");
    expect(record.failedRequests).toBe(90);
    expect(record.unavailableMs).toBe(4_500);
  });

  it("never counts from before the fault, though requests in flight fail by it", () => {
    const { record } = check({ troubles: [down(39_950, 42_000)], events: killEvents() });
    expect(record.firstFailure?.atMs).toBe(40_000);
    expect(record.recovered?.atMs).toBe(42_050);
  });

  it.each([
    [59, "pass"],
    [60, "inconclusive"],
    [61, "fail"],
  ])("of %i s against a limit of 60 s: %s", (seconds, status) => {
    const changes = { durationMs: 200_000, faults: [killStep({ settleUntilMs: 60_000 })] };
    const { found } = check(
      { troubles: [down(40_000, 40_000 + seconds * 1_000)], events: killEvents() },
      changes,
    );
    expect(found?.status).toBe(status);
  });

  it("that never came is censored, and fails once it is beyond the limit", () => {
    const changes = {
      durationMs: 200_000,
      load: { script: "s", timeoutMs: 2_000, segments: [segment(0, 0, 200_000)] },
    };
    const { found, record } = check(
      { troubles: [down(40_000, 200_000)], events: killEvents({ actedMs: null, backMs: null }) },
      changes,
    );
    expect(found?.status).toBe("fail");
    expect(record).toMatchObject({
      recovery: "censored",
      recovered: null,
      recoveryMs: { low: 160_000, high: null },
    });
  });

  it("that Kiln had to bring about at its deadline fails; the stack's own share is censored", () => {
    const events = [
      ...killEvents({ actedMs: null, backMs: 100_100 }),
      { atMs: 99_995, type: "rescued" as const, service: "gateway", fault: "f01-kill" },
    ];
    const { found, record } = check({ troubles: [down(40_000, 101_000)], events }, { durationMs: 200_000 });
    expect(found?.status).toBe("fail");
    expect(found?.title).toMatch(/Kiln rescued it/);
    expect(record).toMatchObject({ rescued: true, recovered: null, acted: null });
  });

  it("whose rescue came long before the limit is inconclusive: the stack was not given its time", () => {
    const events = [
      ...killEvents({ actedMs: null, backMs: 60_100 }),
      { atMs: 60_000, type: "rescued" as const, service: "gateway", fault: "f01-kill" },
    ];
    expect(check({ troubles: [down(40_000, 61_000)], events }).found?.status).toBe("inconclusive");
  });

  it("takes the longest spell: a relapse within the settle is not forgotten", () => {
    const { record, found } = check({
      troubles: [down(40_000, 41_000), down(50_000, 54_000)],
      events: killEvents(),
    });
    expect(found?.status).toBe("pass");
    expect(record.episodes).toBe(2);
    // The first success of the second after lies within one interval of its beginning: the upper end allows for it.
    expect(record.recoveryMs?.high).toBe(4_100);
    expect(record.recovered?.atMs).toBe(54_050);
  });

  it("needs N good seconds in a row: shorter ones are part of the spell", () => {
    const { record } = check({
      troubles: [down(40_000, 41_000), down(44_000, 45_000)],
      events: killEvents(),
    });
    expect(record.episodes).toBe(1);
    expect(record.recovered?.atMs).toBe(45_050);
  });

  it("widens its interval over seconds without evidence", () => {
    const { record } = check({
      troubles: [down(40_000, 42_000), { fromMs: 42_000, toMs: 47_000, vanished: true }],
      events: killEvents(),
    });
    expect(record.recoveryMs?.low).toBeLessThanOrEqual(2_000);
    expect(record.recoveryMs?.high).toBeGreaterThanOrEqual(7_000);
  });

  it("does not take a second for good in which most of the load is missing", () => {
    const thin = [2, 3].map((every) => ({ fromMs: 41_000, toMs: 44_000, every, vanished: true }));
    const { record } = check({ troubles: [down(40_000, 41_000), ...thin], events: killEvents() });
    expect(record.recovered?.atMs).toBe(44_050);
  });

  it("without any failed request is timed from the critical condition when a reaction was demanded", () => {
    const { record, found } = check({ events: killEvents() });
    expect(found?.status).toBe("pass");
    expect(record.recovery).toBe("timed");
    expect(record.recoveryMs?.high).toBeGreaterThanOrEqual(250);
    expect(record.recoveryMs?.high).toBeLessThan(1_000);
  });
});

describe("recovery that cannot be told", () => {
  it("is inconclusive when the fault was not confirmed", () => {
    const { found, record } = check({
      troubles: [down(40_000, 41_000)],
      events: killEvents({ effective: false }),
    });
    expect(found).toMatchObject({ status: "inconclusive", about: "harness" });
    expect(record.confirmed).toBe("no");
  });

  it("is inconclusive when the next fault began before the windows were full", () => {
    const faults = [
      killStep(),
      killStep({ id: "f02-kill", startMs: 50_000, healMs: 50_000, settleUntilMs: 70_000 }),
    ];
    const events = [
      ...killEvents(),
      ...killEvents({ id: "f02-kill", atMs: 50_000, actedMs: 50_300, backMs: 50_500 }),
    ];
    const { found, record } = check(
      { troubles: [down(40_000, 46_000), down(50_000, 51_000)], events },
      { faults },
    );
    expect(found?.status).toBe("inconclusive");
    expect(record.recovery).toBe("undecided");
    expect(record.note).toMatch(/the next fault began/);
  });

  it("is inconclusive when a load spike began before the windows were full", () => {
    const segments = [
      segment(0, 0, 50_000),
      segment(1, 50_000, 60_000, 50, "spike"),
      segment(2, 60_000, 120_000),
    ];
    const { found, record } = check(
      { troubles: [down(40_000, 47_000)], events: killEvents() },
      { load: { script: "s", timeoutMs: 2_000, segments } },
    );
    expect(found?.status).toBe("inconclusive");
    expect(record.note).toMatch(/a load spike began/);
  });

  it("is inconclusive when the evidence ends before it", () => {
    const { found } = check({ troubles: [down(40_000, 60_000)], events: killEvents(), endMs: 50_000 });
    expect(found?.status).toBe("inconclusive");
  });

  it("gives no finding for a fault that did not run", () => {
    const { found, record } = check({});
    expect(found).toBeUndefined();
    expect(record).toMatchObject({ recovery: "not-run", confirmed: "not-run" });
  });
});

describe("recovery of a held fault", () => {
  const events = faultEvents("f02-latency", { atMs: 40_000, healedMs: 50_000 });
  const faults = [heldStep()];

  it("that users did not notice needs none", () => {
    const { found, record } = check({ events }, { faults });
    expect(found?.status).toBe("pass");
    expect(record).toMatchObject({ recovery: "none", recoveryMs: null });
  });

  it("runs from healed where only Kiln could lift the harm", () => {
    const { found, record } = check({ troubles: [down(40_100, 52_000)], events }, { faults });
    expect(found?.status).toBe("pass");
    expect(record.recoveryMs).toEqual({ low: 1_950, high: 2_070 });
    expect(
      check({ troubles: [down(40_100, 50_010)], events }, { faults }).record.recoveryMs?.high,
    ).toBeLessThan(100);
  });

  it("includes latency back in the run's own band where the settle holds a window", () => {
    const slow = { fromMs: 40_000, toMs: 65_000, outcome: "ok" as const, latencyMs: 60 };
    const { record } = check({ troubles: [slow], events }, { faults });
    expect(record.recovery).toBe("timed");
    expect(record.recoveryMs?.high).toBeGreaterThan(14_000);
    expect(record.recoveryMs?.high).toBeLessThan(17_000);
    const within = { ...slow, latencyMs: 14 };
    expect(check({ troubles: [within], events }, { faults }).record.recovery).toBe("none");
  });

  it("leaves latency out, and says so, where the settle is too short for a window", () => {
    const short = [heldStep({ settleUntilMs: 60_000 })];
    const { record } = check(
      { troubles: [{ fromMs: 40_000, toMs: 65_000, outcome: "ok", latencyMs: 60 }], events },
      { faults: short },
    );
    expect(record.recovery).toBe("none");
    expect(record.note).toMatch(/settle is too short/);
  });

  it("runs from the first failed request where the stack had to help itself", () => {
    const leak = [
      heldStep({
        id: "f02-latency",
        target: "service:gateway",
        expect: { ...restartExpected, actWithinMs: 30_000 },
      }),
    ];
    const { record } = check({ troubles: [down(45_000, 47_000)], events }, { faults: leak });
    expect(record.recoveryMs).toEqual({ low: 1_950, high: 2_100 });
  });
});

describe("recovery of a corrupted file", () => {
  const faults = [configStep()];
  const bad = (atMs: number) => configReading(atMs, { fileHash: "bad", fileValid: false });

  it("runs from injected to the first valid reading", () => {
    const events = [
      ...faultEvents("f03-config", { atMs: 40_000, healedMs: 45_000 }),
      bad(40_300),
      bad(40_800),
      configReading(41_300),
    ];
    const { record, found } = check({ events }, { faults });
    expect(found?.status).toBe("pass");
    expect(record.recovered).toEqual({ atMs: 41_300, errorMs: 500 });
    expect(record.recoveryMs).toEqual({ low: 780, high: 1_300 });
  });

  it("mended between two looks is known from the looks that found nothing", () => {
    const { record } = check(
      { events: faultEvents("f03-config", { atMs: 40_100, healedMs: 45_000 }) },
      { faults },
    );
    expect(record).toMatchObject({ recovery: "timed", recovered: { atMs: 41_000 } });
  });

  it("mended between two looks is not put off by a reading long after, journalled because something else changed", () => {
    const events = [...faultEvents("f03-config", { atMs: 40_100, healedMs: 45_000 }), configReading(70_000)];
    expect(check({ events }, { faults }).record).toMatchObject({
      recovery: "timed",
      recovered: { atMs: 41_000 },
    });
  });

  it("is not the stack's where Kiln's heal mended it", () => {
    const events = [
      ...faultEvents("f03-config", { atMs: 40_000, healedMs: 45_000 }),
      bad(40_300),
      configReading(45_300, { sincePreviousMs: 100 }),
    ];
    expect(check({ events }, { faults }).record).toMatchObject({ recovery: "censored", recovered: null });
  });

  it("cannot be told where the stack or Kiln's heal may have mended it", () => {
    const events = faultEvents("f03-config", { atMs: 40_100, healedMs: 40_200 });
    const { record, found } = check({ events }, { faults });
    expect(record.recovery).toBe("undecided");
    expect(found?.status).toBe("inconclusive");
  });
});

describe("N, the good windows in a row", () => {
  it("is 5, and fewer where the settle is short, but never under 3", () => {
    expect([3_000, 9_000, 12_000, 15_000, 90_000].map(goodWindowsFor)).toEqual([3, 3, 4, 5, 5]);
  });
});
