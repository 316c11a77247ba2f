import { describe, expect, it } from "vitest";
import type { FaultStep } from "../plan/plan.ts";
import { gatherFacts } from "./facts.ts";
import { recovery } from "./recovery.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { configStep, heldStep, killStep, testPlan } from "./testing/plan-builder.ts";
import { configReading, faultEvents, killEvents } from "./testing/stories.ts";
import type { FaultRecord, Finding } from "./verdict.ts";
import { watchdog } from "./watchdog.ts";

const group = "g01";

/** Latency from 40 s to 60 s, within which others happen. */
const outer = (changes: Partial<FaultStep> = {}): FaultStep =>
  heldStep({ id: "f01-outer", healMs: 60_000, settleUntilMs: 75_000, group, ...changes });
const outerEvents = faultEvents("f01-outer", { atMs: 40_000, healedMs: 60_000 });

function look(faults: readonly FaultStep[], script: Script) {
  const plan = testPlan({ objectives: { recoveryMs: 10_000 }, faults });
  const evidence = buildEvidence(plan, script);
  const facts = gatherFacts(plan, evidence);
  const record = (id: string): FaultRecord => {
    const found = facts.faults.find((each) => each.id === id);
    if (found === undefined) throw new Error(`no record of ${id}`);
    return found;
  };
  const about = (findings: readonly Finding[], id: string): Finding | undefined =>
    findings.find(({ fault }) => fault === id);
  return {
    record,
    recovery: (id: string) => about(recovery.check(plan, evidence, facts), id),
    watchdog: (id: string) => about(watchdog.check(plan, evidence, facts), id),
    findings: watchdog.check(plan, evidence, facts),
  };
}

describe("faults that overlap on purpose", () => {
  const inner = heldStep({ id: "f02-inner", startMs: 45_000, healMs: 50_000, settleUntilMs: 65_000, group });
  const innerEvents = faultEvents("f02-inner", { atMs: 45_000, healedMs: 50_000 });

  it("are judged for recovery once, at the one that ends last, and not by failures while the others were there", () => {
    const found = look([outer(), inner], {
      troubles: [{ fromMs: 41_000, toMs: 62_000 }],
      events: [...outerEvents, ...innerEvents],
    });
    expect(found.recovery("f02-inner")).toBeUndefined();
    expect(found.record("f02-inner")).toMatchObject({ recovery: "grouped", recoveryMs: null });
    expect(found.record("f02-inner").note).toContain("f01-outer");
    expect(found.recovery("f01-outer")?.status).toBe("pass");
    expect(found.record("f01-outer").recoveryMs).toEqual({ low: 1_950, high: 2_070 });
    expect(found.record("f01-outer").note).toContain("judged for its whole group, with f02-inner");
  });

  it("fail all the same when the stack is not well in time after the last of them", () => {
    const found = look([outer(), inner], {
      troubles: [{ fromMs: 41_000, toMs: 72_000 }],
      events: [...outerEvents, ...innerEvents],
    });
    expect(found.recovery("f01-outer")?.status).toBe("fail");
  });

  it("would be undecided without a group: the next fault began before the first was over", () => {
    const alone = ({ group: _group, ...step }: FaultStep): FaultStep => step;
    const found = look([alone(outer()), alone(inner)], {
      troubles: [{ fromMs: 41_000, toMs: 62_000 }],
      events: [...outerEvents, ...innerEvents],
    });
    expect(found.recovery("f01-outer")?.status).toBe("inconclusive");
  });

  it("do not count against a restart what another's harm, which only Kiln could lift, did before", () => {
    const kill = killStep({ id: "f02-kill", startMs: 59_000, healMs: 59_000, settleUntilMs: 78_000, group });
    const found = look([outer(), kill], {
      troubles: [{ fromMs: 40_500, toMs: 66_000 }],
      events: [
        ...outerEvents,
        ...killEvents({ id: "f02-kill", atMs: 59_000, actedMs: 59_300, backMs: 59_500 }),
      ],
    });
    // 59 s + 5 s that the kill may cost is the latest end; from 60 s on, when the latency was lifted, its recovery took 6 s.
    expect(found.recovery("f02-kill")?.status).toBe("pass");
    expect(found.record("f02-kill").recoveryMs?.high).toBeLessThan(6_200);
    expect(found.record("f02-kill").recoveryMs?.low).toBeGreaterThan(5_500);
  });

  it("that Kiln had to rescue are judged by themselves", () => {
    const kill = killStep({ id: "f02-kill", startMs: 42_000, healMs: 42_000, settleUntilMs: 57_000, group });
    const found = look([outer(), kill], {
      troubles: [{ fromMs: 42_000, toMs: 53_500 }],
      events: [
        ...outerEvents,
        ...killEvents({ id: "f02-kill", atMs: 42_000, actedMs: null, backMs: 52_500 }),
        { atMs: 52_000, type: "rescued", service: "gateway", fault: "f02-kill" },
      ],
    });
    expect(found.recovery("f02-kill")).toMatchObject({ status: "fail" });
  });

  it("leave a corrupted file to its own readings", () => {
    const config = configStep({
      id: "f02-config",
      startMs: 45_000,
      healMs: 45_000,
      settleUntilMs: 60_000,
      group,
    });
    const found = look([outer(), config], {
      troubles: [{ fromMs: 41_000, toMs: 62_000 }],
      events: [
        ...outerEvents,
        ...faultEvents("f02-config", { atMs: 45_000, healedMs: 50_000 }),
        configReading(45_300, { fileHash: "bad", fileValid: false }),
        configReading(46_300),
      ],
    });
    expect(found.record("f02-config")).toMatchObject({ recovery: "timed", recovered: { atMs: 46_300 } });
    expect(found.recovery("f02-config")?.status).toBe("pass");
  });

  it("let the watchdog go as far as the hardest of them allows, and no further", () => {
    const kill = killStep({ id: "f02-kill", startMs: 45_000, healMs: 45_000, settleUntilMs: 65_000, group });
    const script = (level: "hard" | "emergency"): Script => ({
      troubles: [{ fromMs: 45_000, toMs: 46_000 }],
      events: [
        ...outerEvents,
        ...killEvents({ id: "f02-kill", atMs: 45_000, actedMs: 45_300, backMs: 45_500, level }),
      ],
    });
    expect(look([outer(), kill], script("hard")).watchdog("f01-outer")?.status).toBe("pass");
    expect(look([outer(), kill], script("emergency")).watchdog("f01-outer")?.status).toBe("fail");
  });

  it("explain the end of a watchdog that one of them hits, whichever began first", () => {
    const hit = killStep({
      id: "f02-kill",
      target: "service:watchdog",
      startMs: 45_000,
      healMs: 45_000,
      settleUntilMs: 65_000,
      group,
    });
    const found = look([outer(), hit], {
      events: [
        ...outerEvents,
        ...faultEvents("f02-kill", { atMs: 45_000, healedMs: 50_000 }),
        {
          atMs: 45_300,
          type: "process",
          service: "watchdog",
          change: "gone",
          identity: { pid: 50, startTicks: 1, bootId: "b" },
        },
      ],
    });
    expect(found.findings.filter(({ id }) => id.startsWith("watchdog/gone"))).toEqual([]);
  });
});
