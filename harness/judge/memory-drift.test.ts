import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { gatherFacts } from "./facts.ts";
import { memoryDrift } from "./memory-drift.ts";
import { theilSen } from "./statistics.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { segment, testPlan } from "./testing/plan-builder.ts";
import { gatewayIdentity } from "./testing/stories.ts";

const hourMs = 3_600_000;
const mebibyte = 2 ** 20;

function check(script: Script, hours = 4, changes: Partial<Plan> = {}) {
  const durationMs = hours * hourMs;
  // One request a second keeps the evidence small: only the samples matter here.
  const plan = testPlan({
    durationMs,
    load: { script: "s", timeoutMs: 2_000, segments: [segment(0, 0, durationMs, 1)] },
    objectives: { memoryDrift: 0.1 },
    ...changes,
  });
  const evidence = buildEvidence(plan, script);
  const found = memoryDrift.check(plan, evidence, gatherFacts(plan, evidence));
  return found.find(({ id }) => id === "memory-drift/process.gateway.rss");
}
/** A saw-tooth of the collector around 200 MiB, and a leak in bytes an hour. */
const heap = (leakPerHour: number) => ({
  sample: (name: string, atMs: number, value: number) =>
    name === "process.gateway.rss"
      ? 200 * mebibyte + ((atMs / 1_000) % 47) * 0.5 * mebibyte + (atMs / hourMs) * leakPerHour
      : value,
});

describe("memory drift", () => {
  it("passes flat memory, fails a leak, and ignores growth under the floor", () => {
    expect(check(heap(0))?.status).toBe("pass");
    expect(check(heap(10 * mebibyte))?.status).toBe("fail");
    expect(check(heap(2 * mebibyte))?.status).toBe("pass");
  });

  it("is inconclusive with less than an hour of undisturbed samples", () => {
    expect(check(heap(0), 0.95)?.status).toBe("inconclusive");
    expect(check({ sample: () => undefined })?.status).toBe("inconclusive");
  });

  it("takes slopes within a life of the process only: restarts neither hide a leak nor make one", () => {
    const away = (change: "gone" | "appeared", atMs: number, pid: number) => ({
      atMs,
      type: "process" as const,
      service: "gateway",
      change,
      identity: { ...gatewayIdentity, pid },
    });
    const events = [away("gone", 2 * hourMs, 100), away("appeared", 2 * hourMs + 1_000, 101)];
    const lives = (leakPerHour: number, step: number) => ({
      events,
      sample: (name: string, atMs: number, value: number) =>
        name === "process.gateway.rss"
          ? 200 * mebibyte + ((atMs % (2 * hourMs)) / hourMs) * leakPerHour + (atMs > 2 * hourMs ? step : 0)
          : value,
    });
    expect(check(lives(20 * mebibyte, 0))?.status).toBe("fail");
    expect(check(lives(0, 60 * mebibyte))?.status).toBe("pass");
  });

  it("gives no finding where the scenario sets no objective", () => {
    expect(check(heap(0), 1, { objectives: {} })).toBeUndefined();
  });
});

describe("theilSen", () => {
  const line = (slope: number, n: number) =>
    Array.from({ length: n }, (_, x) => ({ x, y: slope * x + (x % 2) }));
  it("finds a slope with an interval that holds it, undisturbed by an outlier", () => {
    const points = line(3, 20).map((point, index) => (index === 7 ? { ...point, y: 1e6 } : point));
    const found = theilSen([points]);
    expect(found?.slope).toBeCloseTo(3, 1);
    expect(found!.low).toBeLessThanOrEqual(3);
    expect(found!.high).toBeGreaterThanOrEqual(3);
    expect(found!.high - found!.low).toBeLessThan(0.5);
  });
  it("has nothing to say about single points", () => {
    expect(theilSen([[{ x: 0, y: 0 }], [{ x: 1, y: 5 }]])).toBeNull();
  });
});
