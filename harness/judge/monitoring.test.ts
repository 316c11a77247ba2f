import { describe, expect, it } from "vitest";
import { gatherFacts } from "./facts.ts";
import { monitoring } from "./monitoring.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { testPlan } from "./testing/plan-builder.ts";
import { gatewayIdentity } from "./testing/stories.ts";

function check(script: Script, completeMonitoring: boolean | undefined = true) {
  const plan = testPlan({ objectives: completeMonitoring === undefined ? {} : { completeMonitoring } });
  const evidence = buildEvidence(plan, script);
  return monitoring.check(plan, evidence, gatherFacts(plan, evidence))[0];
}
/** Drops samples of a series from 20 s on, for so many seconds. */
const without = (name: string, seconds: number): Script => ({
  sample: (series, atMs, value) =>
    series === name && atMs >= 20_000 && atMs < 20_000 + seconds * 1_000 ? undefined : value,
});

describe("monitoring", () => {
  it("passes whole series, and those with less than 5 % missing", () => {
    expect(check({})?.status).toBe("pass");
    expect(check(without("process.gateway.rss", 6))?.status).toBe("pass");
  });

  it.each([
    "process.gateway.rss",
    "process.postgres.rss",
    "app.gateway.nodejs_heap_size_used_bytes",
    "config.settings.read",
    "system.cpu",
  ])("is inconclusive when %s lacks more", (name) => {
    const found = check(without(name, 11));
    expect(found?.status).toBe("inconclusive");
    expect(found?.title).toContain(name);
  });

  it("excuses a service only while it had no process", () => {
    const away = (change: "gone" | "appeared", atMs: number) => ({
      atMs,
      type: "process" as const,
      service: "gateway",
      change,
      identity: gatewayIdentity,
    });
    const events = [away("gone", 20_000), away("appeared", 31_000)];
    expect(check({ ...without("process.gateway.rss", 11), events })?.status).toBe("pass");
    expect(check({ ...without("system.cpu", 11), events })?.status).toBe("inconclusive");
  });

  it("is inconclusive when a whole series is missing", () => {
    expect(
      check({ sample: (name, _atMs, value) => (name.startsWith("app.") ? undefined : value) })?.status,
    ).toBe("inconclusive");
  });

  it("gives no finding unless the scenario asks", () => {
    const plan = testPlan();
    const evidence = buildEvidence(plan, without("system.cpu", 50));
    expect(monitoring.check(plan, evidence, gatherFacts(plan, evidence))).toEqual([]);
  });
});
