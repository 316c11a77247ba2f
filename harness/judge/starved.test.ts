// A machine that stands still: what fails meanwhile is not held against the stack, and what goes right all the same is.
import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { gatherFacts } from "./facts.ts";
import { judge } from "./judge.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import type { Trouble } from "./testing/load-builder.ts";
import { heldStep, killStep, segment, testPlan } from "./testing/plan-builder.ts";
import { faultEvents, gatewayIdentity, type TimedBody } from "./testing/stories.ts";

const long = 600_000;
const objectives = { availability: 0.999, p95Ms: 100, recoveryMs: 20_000 };
const longPlan = (changes: Partial<Plan> = {}): Plan =>
  testPlan({
    durationMs: long,
    load: { script: "s.ts", timeoutMs: 2_000, segments: [segment(0, 0, long)] },
    objectives,
    ...changes,
  });

/** Timers of the harness woke 900 ms late in those seconds, which were the stack's doing where `services` used so much of a core each. */
function still(fromMs: number, toMs: number, own: { harness?: number; services?: number } = {}) {
  return (name: string, atMs: number, value: number): number => {
    if (atMs <= fromMs || atMs > toMs) return value;
    if (name === "harness.event-loop-delay-max") return 900;
    if (name === "harness.cpu") return own.harness ?? value;
    return name.endsWith(".cpu") && name.startsWith("process.") ? (own.services ?? value) : value;
  };
}
const down = (fromMs: number, toMs: number): Trouble => ({ fromMs, toMs });
const action = (atMs: number): TimedBody => ({
  atMs,
  type: "watchdog",
  wallTime: "2026-01-01T00:00:00.000Z",
  line: {
    event: "action",
    target: "gateway",
    condition: "unresponsive",
    level: "hard",
    attempt: 1,
    backoffMs: 0,
  },
});

const born = (atMs: number): TimedBody => ({
  atMs,
  type: "process",
  service: "gateway",
  change: "appeared",
  identity: { ...gatewayIdentity, pid: 99 },
  startedAtMs: atMs,
});

function look(script: Script, plan = longPlan()) {
  const verdict = judge(plan, buildEvidence(plan, script));
  const of = (id: string) => verdict.findings.find((finding) => finding.id === id);
  const failed = verdict.findings.filter(({ status }) => status === "fail").map(({ id }) => id);
  return { verdict, of, failed };
}
const stretchesOf = (script: Script) => {
  const plan = longPlan();
  return gatherFacts(plan, buildEvidence(plan, script)).starved;
};

describe("the stretch", () => {
  it("reaches one time-out back and five seconds on, and one that goes on is one", () => {
    expect(stretchesOf({ sample: still(100_000, 110_000) })).toMatchObject([
      { fromMs: 98_000, toMs: 115_000, latestMs: 900 },
    ]);
    expect(
      stretchesOf({ sample: still(100_000, 110_000), troubles: [down(108_000, 120_500)] }),
    ).toMatchObject([{ toMs: 121_000 }]);
    expect(stretchesOf({})).toEqual([]);
    // One hiccup explains nothing.
    expect(stretchesOf({ sample: still(100_000, 101_000) })).toEqual([]);
  });

  it("is there where time was stolen, whoever was busy", () => {
    const sample = (name: string, atMs: number, value: number): number => {
      if (atMs <= 100_000 || atMs > 110_000) return value;
      return name === "system.steal" ? 0.4 : name.startsWith("process.") ? 0.9 : value;
    };
    const [stretch] = stretchesOf({ sample });
    expect(stretch).toMatchObject({ fromMs: 98_000, toMs: 115_000, stolen: 0.4 });
    expect(stretch?.what).toContain("up to 40 % of its time was stolen");
    expect(stretchesOf({ sample: (name, _atMs, value) => (name === "system.steal" ? 0.2 : value) })).toEqual(
      [],
    );
  });

  it("is there where other programs filled the machine, and none where it had room for them", () => {
    const crowded =
      (busy: number, foreign: number, lateMs = 40) =>
      (name: string, atMs: number, value: number) => {
        if (atMs <= 100_000 || atMs > 110_000) return value;
        if (name === "harness.event-loop-delay-max") return lateMs;
        return name === "system.cpu" ? busy : name === "system.foreign-cpu" ? foreign : value;
      };
    const [stretch] = stretchesOf({ sample: crowded(0.98, 0.5) });
    expect(stretch).toMatchObject({ fromMs: 98_000, toMs: 115_000, foreign: 0.5 });
    expect(stretch?.what).toContain("other programs used up to 50 % of it while it was full");
    expect(stretchesOf({ sample: crowded(0.8, 0.5) })).toEqual([]);
    // They gave way.
    expect(stretchesOf({ sample: crowded(0.98, 0.5, 24) })).toEqual([]);
    // A stack that fills the machine by itself has no excuse.
    expect(stretchesOf({ sample: crowded(1, 0.1) })).toEqual([]);
  });

  it("is none where the harness was busy itself, or the stack used up the machine", () => {
    expect(stretchesOf({ sample: still(100_000, 110_000, { harness: 0.8 }) })).toEqual([]);
    expect(stretchesOf({ sample: still(100_000, 110_000, { services: 0.9 }) })).toEqual([]);
  });
});

describe("what fails on a machine that stands still", () => {
  const troubles = [down(102_000, 112_000)];
  const restart = [action(104_000), born(105_000)];

  it("fails on one that does not", () => {
    const { verdict, failed } = look({ troubles, events: restart });
    expect(verdict.status).toBe("fail");
    expect(failed).toEqual(expect.arrayContaining(["availability/overall"]));
    expect(failed.some((id) => id.startsWith("watchdog/calm-"))).toBe(true);
  });

  it("cannot be told, and the reason is given", () => {
    const { verdict, of, failed } = look({ troubles, events: restart, sample: still(100_000, 110_000) });
    expect(failed).toEqual([]);
    expect(verdict.status).toBe("inconclusive");
    expect(of("availability/overall")).toMatchObject({
      status: "inconclusive",
      title: expect.stringContaining("on a starved machine"),
    });
    const alarm = verdict.findings.find(({ id }) => id.startsWith("watchdog/calm-"));
    expect(alarm?.status).toBe("inconclusive");
    expect(alarm?.detail).toMatch(/from 98\.0 s to .* the machine stood still/);
    expect(of("evidence/machine")).toMatchObject({
      status: "pass",
      title: expect.stringContaining("is held against the stack"),
    });
  });

  it("fails all the same where enough failed on the machine at its best", () => {
    const { failed } = look({
      troubles: [...troubles, down(300_000, 340_000)],
      sample: still(100_000, 110_000),
    });
    expect(failed).toContain("availability/overall");
  });

  it("leaves a recovery that took too long undecided", () => {
    const times = { startMs: 100_000, healMs: 120_000, settleUntilMs: 180_000 };
    const plan = longPlan({ faults: [heldStep(times)] });
    const events = faultEvents("f02-latency", { atMs: 100_000, healedMs: 120_000 });
    const late = [down(101_000, 150_000)];
    expect(look({ troubles: late, events }, plan).of("recovery/f02-latency")?.status).toBe("fail");
    const spared = look({ troubles: late, events, sample: still(125_000, 135_000) }, plan);
    expect(spared.of("recovery/f02-latency")).toMatchObject({
      status: "inconclusive",
      title: expect.stringContaining("the machine stood still"),
    });
  });
});

describe("a watchdog that never acted", () => {
  const step = killStep({ startMs: 100_000, settleUntilMs: 145_000 });
  const plan = longPlan({ faults: [step] });
  const events = faultEvents(step.id, { atMs: 100_000 });

  it("fails where it had undisturbed time enough, and only there", () => {
    const status = (toMs: number) =>
      look({ events, sample: still(100_000, toMs) }, plan).of(`watchdog/${step.id}`)?.status;
    expect(status(104_000)).toBe("fail");
    expect(status(200_000)).toBe("inconclusive");
  });
});

describe("what goes right on a machine that stands still", () => {
  it("passes", () => {
    const { verdict, of } = look({ sample: still(100_000, 110_000) });
    expect(verdict.status).toBe("pass");
    expect(of("availability/overall")?.status).toBe("pass");
  });
});
