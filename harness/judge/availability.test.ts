import { describe, expect, it } from "vitest";
import { availability } from "./availability.ts";
import { gatherFacts } from "./facts.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { killStep, segment, testPlan } from "./testing/plan-builder.ts";
import { killEvents } from "./testing/stories.ts";
import type { Plan } from "../plan/plan.ts";

function check(script: Script, changes: Partial<Plan> = {}) {
  const plan = testPlan({ objectives: { availability: 0.99, calmAvailability: 0.999 }, ...changes });
  const evidence = buildEvidence(plan, script);
  const [overall, calm] = availability.check(plan, evidence, gatherFacts(plan, evidence));
  return { overall, calm };
}
const valueOf = (found: ReturnType<typeof check>["overall"], name: string) =>
  found?.measures.find((each) => each.name === name)?.value;

describe("availability", () => {
  it("passes where enough essential requests succeed, and counts exactly", () => {
    // 115 s after warm-up at 20/s: 2,300 requests, of which 20 fail.
    const { overall } = check({ troubles: [{ fromMs: 50_000, toMs: 51_000 }] });
    expect(overall?.status).toBe("pass");
    expect(valueOf(overall, "right answers")).toBe(2_280);
    expect(valueOf(overall, "failed requests")).toBe(20);
    expect(valueOf(overall, "by time")).toBeCloseTo(1 - 1 / 115, 6);
  });

  it("fails one request below the objective, and passes on it", () => {
    const objectives = { availability: 1 - 20 / 2_300 };
    expect(check({ troubles: [{ fromMs: 50_000, toMs: 51_000 }] }, { objectives }).overall?.status).toBe(
      "pass",
    );
    expect(check({ troubles: [{ fromMs: 50_000, toMs: 51_050 }] }, { objectives }).overall?.status).toBe(
      "fail",
    );
  });

  it("leaves out warm-up", () => {
    expect(check({ troubles: [{ fromMs: 0, toMs: 5_000 }] }).overall?.status).toBe("pass");
  });

  it("counts starts dropped while users waited on the target as failed", () => {
    // A hung target: every request takes 2 s until its time-out, then the users run out.
    const hung = [
      { fromMs: 50_000, toMs: 54_000, latencyMs: 2_000 },
      { fromMs: 54_000, toMs: 60_000, dropped: true, every: 4 },
      { fromMs: 54_000, toMs: 60_000, latencyMs: 2_600 },
    ];
    const { overall } = check({ troubles: hung });
    expect(overall?.status).toBe("fail");
    expect(valueOf(overall, "failed requests")).toBe(200);
    expect(valueOf(overall, "starts without outcome")).toBe(0);
  });

  it("does not blame the stack for starts dropped with users free: they could tip it, so it is inconclusive", () => {
    const { overall } = check({ troubles: [{ fromMs: 50_000, toMs: 52_000, dropped: true }] });
    expect(overall?.status).toBe("inconclusive");
    expect(valueOf(overall, "failed requests")).toBe(0);
    expect(valueOf(overall, "starts without outcome")).toBe(40);
  });

  it("does not blame the stack for drops when k6 had too few users", () => {
    const few = { ...segment(0, 0, 120_000), users: 5 };
    const { overall } = check(
      {
        troubles: [
          { fromMs: 50_000, toMs: 54_000, latencyMs: 2_000, outcome: "ok" },
          { fromMs: 54_000, toMs: 60_000, dropped: true },
        ],
      },
      { load: { script: "s", timeoutMs: 2_000, segments: [few] } },
    );
    expect(valueOf(overall, "failed requests")).toBe(0);
    expect(overall?.status).toBe("inconclusive");
  });

  it("takes a shed or 503 answer on an essential route for a failure, and keeps shed and limited apart elsewhere", () => {
    expect(check({ troubles: [{ fromMs: 50_000, toMs: 52_000, outcome: "shed" }] }).overall?.status).toBe(
      "fail",
    );
    expect(check({ troubles: [{ fromMs: 50_000, toMs: 52_000, outcome: "failed" }] }).overall?.status).toBe(
      "fail",
    );
    const { overall } = check({
      troubles: [
        { fromMs: 50_000, toMs: 51_000, outcome: "limited" },
        { fromMs: 60_000, toMs: 61_000, outcome: "shed", essential: false },
        { fromMs: 62_000, toMs: 63_000, essential: false },
        { fromMs: 65_000, toMs: 66_000, outcome: "degraded" },
      ],
    });
    expect(overall?.status).toBe("pass");
    expect(valueOf(overall, "failed requests")).toBe(0);
    expect(valueOf(overall, "right answers")).toBe(2_300 - 60);
  });

  it("keeps failures under a fault out of calm, and failures in calm in it", () => {
    const faults = [killStep()];
    const within = check({ troubles: [{ fromMs: 39_900, toMs: 41_000 }], events: killEvents() }, { faults });
    expect(within.calm?.status).toBe("pass");
    expect(valueOf(within.calm, "failed requests")).toBe(0);
    const outside = check({ troubles: [{ fromMs: 80_000, toMs: 80_500 }], events: killEvents() }, { faults });
    expect(outside.calm?.status).toBe("fail");
  });

  it("is inconclusive without any answer", () => {
    expect(check({ loadStarted: false }).overall?.status).toBe("inconclusive");
    expect(check({ troubles: [{ fromMs: 0, toMs: 1e9, vanished: true }] }).overall?.status).toBe(
      "inconclusive",
    );
  });

  it("gives no finding where the scenario sets no objective", () => {
    expect(check({}, { objectives: {} })).toEqual({ overall: undefined, calm: undefined });
  });
});
