import { describe, expect, it } from "vitest";
import { checkers } from "./index.ts";
import { judge, judgeWith } from "./judge.ts";
import { buildEvidence } from "./testing/evidence-builder.ts";
import { configStep, killStep, testPlan } from "./testing/plan-builder.ts";
import { faultEvents, killEvents } from "./testing/stories.ts";

const objectives = {
  availability: 0.99,
  calmAvailability: 0.999,
  p95Ms: 100,
  recoveryMs: 60_000,
  configCorruptions: 0,
  completeMonitoring: true,
};
const outage = { fromMs: 40_000, toMs: 40_900 };

describe("judge", () => {
  it("passes a whole, healthy run with a fault that was survived", () => {
    const plan = testPlan({ objectives, faults: [killStep()] });
    const verdict = judge(plan, buildEvidence(plan, { troubles: [outage], events: killEvents() }));
    expect(verdict.findings.filter(({ status }) => status !== "pass")).toEqual([]);
    expect(verdict.status).toBe("pass");
    expect(verdict.because).toMatch(/^Every objective was met: 99\.\d+ % of essential requests/);
    expect(verdict.partial).toBe(false);
  });

  it("fails over inconclusive and says why", () => {
    const plan = testPlan({ objectives, faults: [killStep()] });
    const verdict = judge(
      plan,
      buildEvidence(plan, {
        troubles: [{ fromMs: 40_000, toMs: 50_000 }],
        events: killEvents(),
        unreadableLines: 2,
      }),
    );
    expect(verdict.status).toBe("fail");
    expect(verdict.because).toMatch(/^Availability missed its objective/);
    expect(verdict.because).toMatch(/could not be told/);
  });

  it("is inconclusive, never a pass, without load", () => {
    const plan = testPlan({ objectives });
    for (const evidence of [
      buildEvidence(plan, { loadStarted: false }),
      buildEvidence(plan, { troubles: [{ fromMs: 0, toMs: 1e9, vanished: true }] }),
    ]) {
      const verdict = judge(plan, evidence);
      expect(verdict.status).toBe("inconclusive");
      expect(verdict.because).toMatch(/No load flowed/);
    }
  });

  it("is inconclusive without any objective, though the evidence is whole", () => {
    const { watchdog: _watchdog, ...stack } = testPlan().stack;
    const plan = testPlan({ stack });
    const verdict = judge(plan, buildEvidence(plan));
    expect(verdict.status).toBe("inconclusive");
    expect(verdict.because).toMatch(/no objective/);
  });

  it("is inconclusive with a watchdog that did nothing wrong and complete monitoring, but no objective for the stack", () => {
    for (const asked of [{}, { completeMonitoring: true }, { recoveryMs: 60_000 }]) {
      const plan = testPlan({ objectives: asked });
      const verdict = judge(plan, buildEvidence(plan));
      expect(verdict.findings.filter(({ status }) => status !== "pass")).toEqual([]);
      expect(verdict.findings.map(({ checker }) => checker)).toContain("watchdog");
      expect(verdict.status).toBe("inconclusive");
      expect(verdict.because).toMatch(/no objective/);
    }
    const plan = testPlan({ objectives: { calmAvailability: 0.9 } });
    expect(judge(plan, buildEvidence(plan)).status).toBe("pass");
  });

  it("turns a checker that throws into an inconclusive finding that names it", () => {
    const plan = testPlan({ objectives });
    const broken = {
      name: "moody",
      check: () => {
        throw new Error("not today");
      },
    };
    const verdict = judgeWith([...checkers, broken], plan, buildEvidence(plan));
    expect(verdict.status).toBe("inconclusive");
    expect(verdict.because).toMatch(/"moody" broke.*not today/);
  });

  it("survives evidence that cannot be read at all", () => {
    const plan = testPlan({ objectives });
    const evidence = {
      ...buildEvidence(plan),
      cells: () => {
        throw new Error("database disk image is malformed");
      },
    };
    const verdict = judge(plan, evidence);
    expect(verdict.status).toBe("inconclusive");
    expect(verdict.because).toMatch(/malformed/);
  });

  it("never fails a healthy run whose samples were lost, and says what was lost", () => {
    const plan = testPlan({
      objectives,
      faults: [killStep(), configStep({ startMs: 80_000, healMs: 80_000, settleUntilMs: 95_000 })],
    });
    const events = [
      ...killEvents({ atMs: 40_000 }),
      ...faultEvents("f03-config", { atMs: 80_000, healedMs: 84_000 }),
    ];
    const evidence = {
      ...buildEvidence(plan, { events }),
      damage: ["samples.sqlite cannot be read: database disk image is malformed"],
      cells: () => [],
      seconds: () => [],
      series: () => [],
      samples: () => [],
    };
    const verdict = judge(plan, evidence);
    expect(verdict.findings.filter(({ status }) => status === "fail")).toEqual([]);
    expect(verdict.status).toBe("inconclusive");
    expect(verdict.findings.find(({ id }) => id === "evidence/journal")?.title).toContain(
      "samples.sqlite cannot be read",
    );
  });

  it("gives a partial, inconclusive verdict on a run that goes on, and none that passes on an interrupted one", () => {
    const plan = testPlan({ objectives });
    const going = judge(plan, buildEvidence(plan, { endMs: 60_500 }));
    expect(going).toMatchObject({ partial: true, status: "inconclusive" });
    expect(going.summary.loadMs).toBe(57_000);
    expect(going.findings.find(({ id }) => id === "availability/overall")?.status).toBe("pass");
    expect(judge(plan, buildEvidence(plan, { endMs: 60_500, ended: "interrupted" }))).toMatchObject({
      partial: true,
      status: "inconclusive",
    });
  });

  it("does not judge a plan by another plan's evidence", () => {
    const evidence = buildEvidence(testPlan({ objectives }));
    expect(judge(testPlan({ objectives, hash: "other" }), evidence).status).toBe("inconclusive");
  });

  it("gives every finding an id of its own", () => {
    const plan = testPlan({ objectives, faults: [killStep()] });
    const ids = judge(plan, buildEvidence(plan, { troubles: [outage], events: killEvents() })).findings.map(
      ({ id }) => id,
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});
