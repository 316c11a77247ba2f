import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { configIntegrity } from "./config-integrity.ts";
import { gatherFacts } from "./facts.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { configStep, testPlan } from "./testing/plan-builder.ts";
import { configReading, faultEvents } from "./testing/stories.ts";

function check(script: Script, changes: Partial<Plan> = {}) {
  const plan = testPlan({ objectives: { configCorruptions: 0 }, ...changes });
  const evidence = buildEvidence(plan, script);
  const found = configIntegrity.check(plan, evidence, gatherFacts(plan, evidence));
  return { found, of: (id: string) => found.find((each) => each.id === `config-integrity/${id}`) };
}
const served = (version: number, valuesHash: string, checksumMatches = true) => ({
  served: { version, valuesHash, checksumMatches },
});
const faults = [configStep()];
const corruption = (healedMs = 58_000) => [
  ...faultEvents("f03-config", { atMs: 40_000, healedMs }),
  configReading(40_300, { fileHash: "bad", fileValid: false }),
];

describe("configuration integrity", () => {
  it("passes when nothing happened, and when a planned corruption was put right", () => {
    expect(check({}).of("settings")?.status).toBe("pass");
    const mended = check(
      { events: [...corruption(), configReading(41_000, { ...served(2, "v1"), fileHash: "f2" })] },
      { faults },
    );
    expect(mended.found.map(({ id, status }) => [id, status])).toEqual([
      ["config-integrity/settings", "pass"],
      ["config-integrity/f03-config", "pass"],
    ]);
  });

  it("fails for a served state that does not match its checksum, also under a planned corruption", () => {
    expect(check({ events: [configReading(50_000, served(1, "v2", false))] }).of("settings")?.status).toBe(
      "fail",
    );
    const under = check(
      {
        events: [
          ...corruption(),
          configReading(40_800, { fileValid: false, ...served(-1, "x", false) }),
          configReading(41_000),
        ],
      },
      { faults },
    );
    expect(under.of("settings")?.status).toBe("fail");
    expect(under.of("settings")?.title).toMatch(/1 corruption \(0 allowed\).*does not match its checksum/);
  });

  it("fails for plausible values that nobody planned", () => {
    expect(check({ events: [configReading(50_000, served(2, "other"))] }).of("settings")?.status).toBe(
      "fail",
    );
  });

  it("fails for a file that goes bad without a fault on it", () => {
    expect(check({ events: [configReading(50_000, { fileValid: false })] }).of("settings")?.status).toBe(
      "fail",
    );
    const after = check(
      { events: [...corruption(), configReading(41_000), configReading(80_000, { fileValid: false })] },
      { faults },
    );
    expect(after.of("settings")?.status).toBe("fail");
  });

  it("fails for a version that goes back", () => {
    const events = [configReading(50_000, served(2, "v1")), configReading(60_000, served(1, "v1"))];
    expect(check({ events }).of("settings")?.status).toBe("fail");
    expect(check({ events: events.slice(0, 1) }).of("settings")?.status).toBe("pass");
  });

  it("fails when the stack did not restore the file itself", () => {
    expect(
      check(
        { events: [...corruption(58_000), configReading(58_200, { sincePreviousMs: 100 })] },
        { faults },
      ).of("f03-config")?.status,
    ).toBe("fail");
  });

  it("is inconclusive without readings, without answers, and without a confirmed corruption", () => {
    expect(check({ without: ["config"] }).of("settings")?.status).toBe("inconclusive");
    expect(
      check({ without: ["config"], events: [configReading(10_000, { served: null, unread: "refused" })] }).of(
        "settings",
      )?.status,
    ).toBe("inconclusive");
    expect(
      check(
        { events: faultEvents("f03-config", { atMs: 40_000, effective: false, healedMs: 58_000 }) },
        { faults },
      ).of("f03-config")?.status,
    ).toBe("inconclusive");
  });

  it("is inconclusive when nobody asked the service while the file was corrupt", () => {
    const silent = (name: string, atMs: number, value: number) =>
      name === "config.settings.read" && atMs >= 40_000 && atMs <= 60_000 ? 0 : value;
    const events = [
      ...faultEvents("f03-config", { atMs: 40_000, healedMs: 58_000 }),
      configReading(40_300, { fileValid: false, served: null, unread: "refused" }),
      configReading(41_000, { served: null, unread: "refused" }),
    ];
    expect(check({ events, sample: silent }, { faults }).of("f03-config-unobserved")?.status).toBe(
      "inconclusive",
    );
  });

  it("gives no finding where the scenario sets no objective", () => {
    expect(check({}, { objectives: {} }).found).toEqual([]);
  });
});
