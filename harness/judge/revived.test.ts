// Faults whose harm only Kiln can lift although processes are replaced: kept up, revived by the stack's driver, or nothing demanded.
import { describe, expect, it } from "vitest";
import type { FaultStep, Plan } from "../plan/plan.ts";
import { gatherFacts } from "./facts.ts";
import { recovery } from "./recovery.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { heldStep, killStep, restartExpected, segment, testPlan } from "./testing/plan-builder.ts";
import { faultEvents, gatewayIdentity, killEvents, type TimedBody } from "./testing/stories.ts";
import { watchdog } from "./watchdog.ts";

const minutes = {
  durationMs: 240_000,
  load: { script: "s", timeoutMs: 2_000, segments: [segment(0, 0, 240_000)] },
};

function judge(step: FaultStep, script: Script) {
  const plan: Plan = testPlan({ objectives: { recoveryMs: 60_000 }, faults: [step], ...minutes });
  const evidence = buildEvidence(plan, script);
  const facts = gatherFacts(plan, evidence);
  return {
    found: recovery.check(plan, evidence, facts)[0],
    record: facts.faults[0]!,
    watchdog: watchdog.check(plan, evidence, facts).filter(({ status }) => status !== "pass"),
  };
}

const nobodyObliged = {
  ...restartExpected,
  recovery: { atLeast: "none", atMost: "hard" },
  service: null,
  actWithinMs: null,
} as const;
const down = (fromMs: number, toMs: number) => ({ fromMs, toMs });
const revived = (atMs: number, service: string, fault: string): TimedBody => ({
  atMs,
  type: "revived",
  service,
  fault,
});

describe("a held fault on what the driver revives", () => {
  const step = heldStep({
    id: "f01-keep-down",
    fault: "keep-down",
    target: "service:postgres",
    settleUntilMs: 70_000,
    expect: { ...nobodyObliged, revivedByDriver: true },
  });
  const life = faultEvents(step.id, { atMs: 40_000, healedMs: 50_000 });

  it("is timed from healed; the driver's own time counts in the upper bound only", () => {
    const { found, record } = judge(step, {
      troubles: [down(40_100, 51_500)],
      events: [...life, revived(51_300, "postgres", step.id)],
    });
    expect(found?.status).toBe("pass");
    expect(record.note).toContain("timed from healed");
    // Healing took 20 ms and the driver 1.3 s; the first success after it came at 51.5 s.
    expect(record.recoveryMs).toEqual({ low: 150, high: 1_520 });
  });

  it("is over with healing for users who did not notice", () => {
    const { found, record } = judge(step, { events: [...life, revived(51_300, "postgres", step.id)] });
    expect(found).toMatchObject({ status: "pass", title: expect.stringContaining("users saw no failure") });
    expect(record).toMatchObject({ recovery: "none", recoveryMs: null });
  });

  it("fails when users were still not served the whole limit after it", () => {
    const { found } = judge(step, {
      troubles: [down(40_100, 115_000)],
      events: [...life, revived(51_300, "postgres", step.id)],
    });
    expect(found?.status).toBe("fail");
  });
});

describe("a held fault that undoes what the watchdog does", () => {
  const step = heldStep({
    id: "f01-keep-down",
    fault: "keep-down",
    target: "service:gateway",
    healMs: 120_000,
    settleUntilMs: 150_000,
    expect: { ...restartExpected, keptUp: true },
  });
  const events = killEvents({ id: step.id, backMs: null }).map((event) =>
    event.type === "fault" && ["healing", "healed"].includes(event.state)
      ? { ...event, atMs: event.atMs + 77_000 }
      : event,
  );

  it("is timed from healed, however long it was held", () => {
    const { found, record } = judge(step, { troubles: [down(40_000, 125_000)], events });
    expect(found?.status).toBe("pass");
    expect(record.recoveryMs?.high).toBeGreaterThan(4_900);
    expect(record.recoveryMs?.high).toBeLessThan(5_200);
  });

  it("still obliges the watchdog to act, while it is held", () => {
    const idle = events.filter(({ type }) => type !== "watchdog");
    const { watchdog: findings } = judge(step, { troubles: [down(40_000, 125_000)], events: idle });
    expect(findings.map(({ title }) => title).join()).toContain("did not act on gateway");
  });

  it("fails when Kiln had to bring the service back once the stack had had its time", () => {
    const rescue: TimedBody = { atMs: 179_500, type: "rescued", service: "gateway", fault: step.id };
    const { found } = judge(step, { troubles: [down(40_000, 181_000)], events: [...events, rescue] });
    expect(found).toMatchObject({
      status: "fail",
      title: expect.stringContaining("Kiln rescued it after 59.5"),
    });
  });

  it("is not blamed on the stack when it was rescued too early", () => {
    const rescue: TimedBody = { atMs: 140_000, type: "rescued", service: "gateway", fault: step.id };
    const { found } = judge(step, { troubles: [down(40_000, 141_000)], events: [...events, rescue] });
    expect(found?.status).toBe("inconclusive");
  });
});

describe("a held fault that the stack may answer and need not", () => {
  it("is timed from healed", () => {
    const step = heldStep({
      id: "f01-pause",
      target: "service:gateway",
      healMs: 110_000,
      expect: nobodyObliged,
    });
    const { found, record } = judge(
      { ...step, settleUntilMs: 130_000 },
      {
        troubles: [down(40_100, 111_000)],
        events: faultEvents(step.id, { atMs: 40_000, healedMs: 110_000 }),
      },
    );
    expect(found?.status).toBe("pass");
    expect(record.recoveryMs?.high).toBeLessThan(1_100);
  });
});

describe("a watchdog that is killed", () => {
  const step = killStep({
    target: "service:watchdog",
    options: { service: "watchdog" },
    expect: { ...nobodyObliged, recovery: { atLeast: "none", atMost: "soft" }, revivedByDriver: true },
  });
  const identity = { ...gatewayIdentity, pid: 50 };
  const events: TimedBody[] = [
    ...faultEvents(step.id, { atMs: 40_000, healedMs: 100_100 }),
    { atMs: 40_400, type: "process", service: "watchdog", change: "gone", identity },
    {
      atMs: 101_000,
      type: "process",
      service: "watchdog",
      change: "appeared",
      identity: { ...identity, pid: 51 },
      startedAtMs: 100_300,
    },
    revived(100_900, "watchdog", step.id),
    {
      atMs: 100_600,
      type: "watchdog",
      wallTime: "2026-01-01T00:02:00.600Z",
      line: { event: "adopted", target: "gateway" },
    },
  ];

  it("and that users did not notice passes recovery and the watchdog's own checks", () => {
    const { found, record, watchdog: findings } = judge(step, { events });
    expect(found).toMatchObject({ status: "pass", title: expect.stringContaining("users saw no failure") });
    expect(record).toMatchObject({ recovery: "none", rescued: false });
    expect(findings).toEqual([]);
  });

  it("is judged by what users saw, if they saw something", () => {
    const { record } = judge(step, { troubles: [down(45_000, 102_000)], events });
    expect(record.recovery).toBe("timed");
    expect(record.recoveryMs?.low).toBeGreaterThan(56_000);
  });

  it("must not act hard when it is back", () => {
    const action: TimedBody = {
      atMs: 101_000,
      type: "watchdog",
      wallTime: "2026-01-01T00:02:01.000Z",
      line: { event: "action", target: "gateway", condition: "unresponsive", level: "hard", attempt: 1 },
    };
    const { watchdog: findings } = judge(step, { events: [...events, action] });
    expect(findings.map(({ status }) => status)).toContain("fail");
  });
});

describe("what the driver started again", () => {
  const step = heldStep({
    id: "f01-keep-down",
    target: "service:gateway",
    expect: { ...restartExpected, revivedByDriver: true, keptUp: true },
  });
  const born = (atMs: number): TimedBody[] => [
    { atMs: 40_300, type: "process", service: "gateway", change: "gone", identity: gatewayIdentity },
    {
      atMs: atMs + 600,
      type: "process",
      service: "gateway",
      change: "appeared",
      identity: { ...gatewayIdentity, pid: 101 },
      startedAtMs: atMs,
    },
  ];
  const life = [
    ...faultEvents(step.id, { atMs: 40_000, healedMs: 50_000 }),
    revived(51_300, "gateway", step.id),
  ];

  it("is no act of the watchdog, and needs none in its log", () => {
    const { record, watchdog: findings } = judge(step, { events: [...life, ...born(50_200)] });
    expect(record.acted).toBeNull();
    expect(findings.map(({ id }) => id).filter((id) => id.includes("untold"))).toEqual([]);
  });

  it("is told from what somebody started before heal", () => {
    const { record, watchdog: findings } = judge(step, { events: [...life, ...born(45_000)] });
    expect(record.acted?.atMs).toBe(45_000);
    expect(findings.map(({ id }) => id).filter((id) => id.includes("untold"))).toHaveLength(1);
  });
});

describe("a rescue", () => {
  it("after the whole limit fails, although no user noticed what was broken", () => {
    const step = killStep({ target: "service:postgres", expect: nobodyObliged });
    const events: TimedBody[] = [
      ...faultEvents(step.id, { atMs: 40_000, healedMs: 101_000 }),
      { atMs: 100_000, type: "rescued", service: "postgres", fault: step.id },
    ];
    expect(judge(step, { events }).found).toMatchObject({
      status: "fail",
      title: expect.stringContaining("Kiln rescued it"),
    });
    const early = events.map((event) => (event.type === "rescued" ? { ...event, atMs: 70_000 } : event));
    expect(judge(step, { events: early }).found?.status).toBe("inconclusive");
  });
});
