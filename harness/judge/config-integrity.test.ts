import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { configIntegrity } from "./config-integrity.ts";
import { gatherFacts } from "./facts.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { configStep, testPlan } from "./testing/plan-builder.ts";
import { configReading, faultEvents, type TimedBody } from "./testing/stories.ts";

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

  describe("a valid but wrong state that a held fault wrote", () => {
    const id = "f04-config-drift";
    /** In from 40 s to 50 s, settled at 60 s. */
    const held = [configStep({ id, fault: "config-drift", kind: "held", healMs: 50_000 })];
    const drift = (changes: { effective?: boolean; healedMs?: number | null } = {}): TimedBody[] =>
      faultEvents(id, { atMs: 40_000, healedMs: 50_000, ...changes }).map((event) =>
        event.type === "fault-confirmed"
          ? { ...event, confirmation: { ...event.confirmation, plannedValuesHash: "wrong" } }
          : event,
      );
    const story = (events: TimedBody[], script: Script = {}, life: TimedBody[] = drift()) =>
      check({ ...script, events: [...life, ...events] }, { faults: held });
    const wrong = (atMs: number) => configReading(atMs, { fileHash: "bad", ...served(1, "wrong") });

    it("passes when it was never put in force, and when it was and went with the fault", () => {
      const never = story([configReading(40_300, { fileHash: "bad" }), configReading(40_800)]);
      expect(never.found.map((each) => [each.id, each.status])).toEqual([
        ["config-integrity/settings", "pass"],
        [`config-integrity/${id}`, "pass"],
      ]);
      expect(never.of(id)?.title).toContain("never put in force");
      const gone = story([wrong(40_300), configReading(50_300)]);
      expect(gone.of("settings")?.status).toBe("pass");
      expect(gone.of(id)).toMatchObject({
        status: "pass",
        measures: [{ name: "in force", value: 9_500 }],
      });
    });

    it("fails when it is still served after the settle, also when no later reading says so", () => {
      const late = story([wrong(40_300), wrong(50_200), configReading(70_000)]);
      expect(late.of("settings")?.title).toMatch(
        /1 corruption .*still served what f04-config-drift had written/,
      );
      expect(late.of(id)).toMatchObject({ status: "fail", about: "stack" });
      const forever = story([wrong(40_300)]);
      expect(forever.of("settings")).toMatchObject({ status: "fail" });
      expect(forever.of(id)?.status).toBe("fail");
    });

    it("passes at the last moment of the settle, and fails half a second later", () => {
      expect(story([wrong(40_300), configReading(60_400)]).of("settings")?.status).toBe("pass");
      expect(story([wrong(40_300), configReading(60_600)]).of("settings")?.status).toBe("fail");
    });

    it("fails for any other values, before and after it too, and for a state that does not match its checksum", () => {
      for (const reading of [
        configReading(45_000, served(1, "other")),
        configReading(30_000, served(1, "wrong")),
        configReading(80_000, served(1, "wrong")),
        configReading(45_000, served(1, "wrong", false)),
      ]) {
        const found = story([reading, configReading(reading.atMs + 2_000)]);
        expect(found.of("settings")?.status).toBe("fail");
      }
    });

    it("fails for a version that went back, and for a file that was torn while the fault was in", () => {
      const back = story([configReading(45_000, served(0, "wrong")), configReading(50_300)]);
      expect(back.of("settings")?.title).toContain("went back");
      const torn = story([configReading(45_000, { fileValid: false }), configReading(46_000)]);
      expect(torn.of("settings")?.title).toContain("no fault had spoilt it");
    });

    it("is inconclusive where it was not confirmed, and where nobody answered afterwards", () => {
      expect(story([], {}, drift({ effective: false })).of(id)?.status).toBe("inconclusive");
      const silent = (name: string, atMs: number, value: number) =>
        name === "config.settings.read" && atMs > 45_000 ? 0 : value;
      const unread = { served: null, unread: "refused" };
      const found = story([wrong(40_300), configReading(45_500, unread)], { sample: silent });
      expect(found.of(id)?.status).toBe("inconclusive");
      expect(found.of("settings")?.status).toBe("pass");
    });

    it("never blames the stack for what Kiln did not heal", () => {
      const found = story([wrong(40_300)], {}, drift({ healedMs: null }));
      expect(found.of("settings")?.status).toBe("pass");
      expect(found.of(id)).toMatchObject({ status: "inconclusive", about: "harness" });
    });
  });

  it("gives no finding where the scenario sets no objective", () => {
    expect(check({}, { objectives: {} }).found).toEqual([]);
  });
});
