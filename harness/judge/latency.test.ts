import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { LatencySketch } from "../support/latency-sketch.ts";
import { gatherFacts } from "./facts.ts";
import { latency, quantileWithFailures } from "./latency.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { heldStep, segment, testPlan } from "./testing/plan-builder.ts";
import { faultEvents } from "./testing/stories.ts";

function check(script: Script, changes: Partial<Plan> = {}) {
  const plan = testPlan({ objectives: { p95Ms: 100 }, ...changes });
  const evidence = buildEvidence(plan, script);
  return latency.check(plan, evidence, gatherFacts(plan, evidence))[0];
}
const slow = (fromMs: number, toMs: number, every = 1) => ({
  fromMs,
  toMs,
  every,
  outcome: "ok" as const,
  latencyMs: 150,
});

describe("latency", () => {
  it("passes a fast stack and fails a slow one", () => {
    expect(check({})?.status).toBe("pass");
    expect(check({ troubles: [slow(20_000, 40_000)] })?.status).toBe("fail");
    expect(check({ troubles: [slow(20_000, 24_000)] })?.status).toBe("pass");
  });

  it("leaves out warm-up and fault windows", () => {
    expect(check({ troubles: [slow(0, 5_000)] }, { durationMs: 40_000 })?.status).toBe("pass");
    const faults = [heldStep()];
    const events = faultEvents("f02-latency", { atMs: 40_000, healedMs: 50_000 });
    expect(check({ troubles: [slow(40_000, 50_000)], events }, { faults })?.status).toBe("pass");
  });

  it("does not leave out a load spike: it is no harm", () => {
    const segments = [
      segment(0, 0, 60_000),
      segment(1, 60_000, 90_000, 50, "spike"),
      segment(2, 90_000, 120_000),
    ];
    const found = check(
      { troubles: [slow(60_000, 90_000)] },
      { load: { script: "s", timeoutMs: 2_000, segments } },
    );
    expect(found?.status).toBe("fail");
    expect(found?.measures.map(({ name }) => name)).toContain("p95 spike");
  });

  it("does not blame the stack for seconds in which the generator was late; more than 5 % of them leave it open", () => {
    const late = (seconds: number, latencyMs: number) => ({
      fromMs: 20_000,
      toMs: 20_000 + seconds * 1_000,
      latenessMs: 6,
      latencyMs,
    });
    const slowTail = { fromMs: 60_000, toMs: 62_000, outcome: "ok" as const, latencyMs: 150 };
    const few = check({ troubles: [late(5, 150), slowTail] });
    expect(few?.status).toBe("pass");
    expect(few?.title).toContain("without the seconds in which the generator was late");
    expect(check({ troubles: [late(7, 150)] })?.status).toBe("inconclusive");
  });

  it("passes a stack that was fast even in the seconds in which the generator was late", () => {
    const found = check({
      troubles: [{ fromMs: 20_000, toMs: 80_000, latenessMs: 6, latencyMs: 20, outcome: "ok" }],
    });
    expect(found?.status).toBe("pass");
    expect(
      found?.measures.find(({ name }) => name === "seconds with a late generator")?.value,
    ).toBeGreaterThan(0.4);
  });

  it("ranks failures behind every answer: a stack that fails fast is not fast", () => {
    expect(check({ troubles: [{ fromMs: 0, toMs: 120_000, every: 10, latencyMs: 1 }] })?.status).toBe("fail");
    const sketch = new LatencySketch();
    for (let ms = 1; ms <= 95; ms++) sketch.record(ms);
    expect(quantileWithFailures(sketch, 5, 0.95)).toBeCloseTo(95, 0);
    expect(quantileWithFailures(sketch, 6, 0.95)).toBeNull();
  });

  it("is inconclusive without requests in calm", () => {
    expect(check({ loadStarted: false })?.status).toBe("inconclusive");
    expect(check({}, { warmUpMs: 119_000 })?.status).toBe("inconclusive");
  });
});
