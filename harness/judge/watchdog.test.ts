import { describe, expect, it } from "vitest";
import type { WatchdogLine } from "../journal/events.ts";
import type { Plan } from "../plan/plan.ts";
import { gatherFacts } from "./facts.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { heldStep, killStep, segment, testPlan } from "./testing/plan-builder.ts";
import { faultEvents, gatewayIdentity, killEvents, type TimedBody } from "./testing/stories.ts";
import { watchdog } from "./watchdog.ts";

const outage = { fromMs: 40_000, toMs: 40_900 };
function check(script: Script, changes: Partial<Plan> = {}) {
  const plan = testPlan({ faults: [killStep()], ...changes });
  const evidence = buildEvidence(plan, script);
  const found = watchdog.check(plan, evidence, gatherFacts(plan, evidence));
  const ids = (status: string) =>
    found.filter((each) => each.status === status).map(({ id }) => id.replace(/\d+$/, "N"));
  return { found, failed: ids("fail"), doubtful: ids("inconclusive") };
}
const says = (atMs: number, line: Partial<WatchdogLine> & Pick<WatchdogLine, "event">): TimedBody => ({
  atMs,
  type: "watchdog",
  wallTime: "2026-01-01T00:00:00.000Z",
  line: { target: "gateway", ...line },
});
const hard = (atMs: number, attempt: number, backoffMs: number) =>
  says(atMs, { event: "action", level: "hard", attempt, backoffMs });
const born = (atMs: number, pid: number): TimedBody => ({
  atMs,
  type: "process",
  service: "gateway",
  change: "appeared",
  identity: { ...gatewayIdentity, pid },
  startedAtMs: atMs,
});
const titles = (result: ReturnType<typeof check>) =>
  result.found.filter(({ status }) => status === "fail").map(({ title }) => title);

it("does not fail a stack because the watchdog's log or the processes were never seen", () => {
  const statuses = (without: "watchdog" | "process"): string[] =>
    check(
      { events: killEvents().filter(({ type }) => type !== without), without: [without] },
      { faults: [killStep()] },
    )
      .found.filter(({ id }) => /untold|unseen/.test(id))
      .map(({ status }) => status);
  expect(statuses("watchdog")).toEqual([]);
  expect(statuses("process")).toEqual([]);
});

describe("watchdog reaction", () => {
  it("passes when it acted in time and at the right level", () => {
    const result = check({ troubles: [outage], events: killEvents() });
    expect(result.failed).toEqual([]);
    expect(result.doubtful).toEqual([]);
    expect(result.found[0]).toMatchObject({ id: "watchdog/f01-kill", status: "pass" });
  });

  it("fails when it did nothing, though Kiln brought the service back", () => {
    const rescue: TimedBody = { atMs: 58_000, type: "rescued", service: "gateway", fault: "f01-kill" };
    const result = check({
      troubles: [{ fromMs: 40_000, toMs: 59_000 }],
      events: [...killEvents({ actedMs: null, backMs: 58_200 }), rescue],
    });
    expect(result.failed).toEqual(["watchdog/f01-kill"]);
    expect(titles(result)[0]).toMatch(/did not act on gateway within 2\.00 s/);
  });

  it("fails when it acted too late, and is inconclusive when the limit lies inside the error", () => {
    const at = (actedMs: number) =>
      check({
        troubles: [{ ...outage, toMs: actedMs + 500 }],
        events: killEvents({ actedMs, backMs: actedMs + 200 }),
      });
    expect(at(42_500).failed).toEqual(["watchdog/f01-kill"]);
    expect(at(42_003).doubtful).toEqual(["watchdog/f01-kill"]);
    expect(at(41_900).failed).toEqual([]);
  });

  it("fails when it acted harder than right, or too softly", () => {
    expect(check({ troubles: [outage], events: killEvents({ level: "emergency" }) }).failed).toContain(
      "watchdog/f01-kill",
    );
    const soft = check({ troubles: [outage], events: killEvents({ level: "soft", backMs: null }) });
    expect(soft.failed).toContain("watchdog/f01-kill");
    const held = { faults: [heldStep()] };
    const story = faultEvents("f02-latency", { atMs: 40_000, healedMs: 50_000 });
    expect(check({ events: story }, held).failed).toEqual([]);
    expect(
      check({ events: [...story, says(45_000, { event: "action", level: "soft" })] }, held).failed,
    ).toEqual([]);
    expect(check({ events: [...story, hard(45_000, 1, 0), born(45_500, 101)] }, held).failed).toEqual([
      "watchdog/f02-latency",
    ]);
  });

  it("is inconclusive when the fault was not confirmed, or the evidence ends before it had to act", () => {
    expect(check({ events: killEvents({ effective: false }) }).doubtful).toContain("watchdog/f01-kill");
    const early = check({
      troubles: [outage],
      events: killEvents({ actedMs: null, backMs: null }),
      endMs: 41_000,
    });
    expect(early.doubtful).toContain("watchdog/f01-kill");
    expect(early.failed).toEqual([]);
  });
});

describe("watchdog in calm", () => {
  it("fails for an action where none was due, in calm and under a spike", () => {
    const calm = check({ events: [hard(80_000, 1, 0), born(80_500, 101)] }, { faults: [] });
    expect(calm.failed).toEqual(["watchdog/calm-N"]);
    expect(titles(calm)[0]).toMatch(/acted \(hard\) on gateway in calm at 80/);
    expect(
      check({ events: [says(80_000, { event: "action", level: "soft" })] }, { faults: [] }).failed,
    ).toEqual(["watchdog/calm-N"]);
    const segments = [
      segment(0, 0, 60_000),
      segment(1, 60_000, 90_000, 50, "spike"),
      segment(2, 90_000, 120_000),
    ];
    const spike = check(
      { events: [says(80_000, { event: "action", level: "soft" })] },
      { faults: [], load: { script: "s", timeoutMs: 2_000, segments } },
    );
    expect(titles(spike)[0]).toMatch(/under a load spike/);
  });

  it("allows warnings and detections in calm: only acting is judged", () => {
    expect(
      check(
        { events: [says(80_000, { event: "warning" }), says(81_000, { event: "detected" })] },
        { faults: [] },
      ).failed,
    ).toEqual([]);
  });

  it("fails when its own process ends", () => {
    const gone: TimedBody = {
      atMs: 80_000,
      type: "process",
      service: "watchdog",
      change: "gone",
      identity: gatewayIdentity,
    };
    expect(check({ events: [gone] }, { faults: [] }).failed).toEqual(["watchdog/gone-N"]);
  });

  it("does not judge what happens at teardown", () => {
    const events: TimedBody[] = [
      { atMs: 120_500, type: "phase", phase: "teardown", state: "begin" },
      { atMs: 120_700, type: "process", service: "watchdog", change: "gone", identity: gatewayIdentity },
    ];
    expect(check({ events }, { faults: [] }).failed).toEqual([]);
  });
});

describe("watchdog log", () => {
  it("fails for a restart that it does not tell of", () => {
    const result = check({ troubles: [outage], events: killEvents({ actedMs: null }) });
    expect(result.failed).toContain("watchdog/untold-N");
  });

  it("fails for a restart that nobody saw, unless it said itself that it failed", () => {
    expect(check({ troubles: [outage], events: killEvents({ backMs: null }) }).failed).toContain(
      "watchdog/unseen-N",
    );
    const failed = says(41_000, { event: "action-failed" });
    expect(
      check({ troubles: [outage], events: [...killEvents({ backMs: null }), failed] }).failed,
    ).not.toContain("watchdog/unseen-N");
  });

  it("fails for a backoff over its cap", () => {
    expect(
      check({ troubles: [outage], events: [...killEvents(), hard(50_000, 2, 21_000), born(50_200, 102)] })
        .failed,
    ).toEqual(["watchdog/backoff-cap-N"]);
  });

  it("fails for a backoff that shrinks, unless health was really sustained", () => {
    const series = [hard(44_000, 2, 2_000), born(44_200, 102), hard(47_000, 1, 500), born(47_200, 103)];
    const down = { fromMs: 40_000, toMs: 48_000 };
    expect(check({ troubles: [down], events: [...killEvents(), ...series] }).failed).toEqual([
      "watchdog/backoff-shrank-N",
    ]);
    // Each respawn counted as a recovery, as a counter that a successful start clears would do it.
    const claimed = says(46_000, { event: "recovered" });
    expect(check({ troubles: [down], events: [...killEvents(), ...series, claimed] }).failed).toEqual([
      "watchdog/backoff-shrank-N",
    ]);
    const later = [
      hard(44_000, 2, 2_000),
      born(44_200, 102),
      says(55_000, { event: "recovered" }),
      hard(57_000, 1, 500),
      born(57_200, 103),
    ];
    expect(
      check({ troubles: [{ fromMs: 40_000, toMs: 44_500 }], events: [...killEvents(), ...later] }).failed,
    ).toEqual([]);
  });

  it("fails for giving up twice", () => {
    const gaveUp = (atMs: number) => says(atMs, { event: "gave-up" });
    expect(check({ troubles: [outage], events: [...killEvents(), gaveUp(50_000)] }).failed).toEqual([]);
    expect(
      check({ troubles: [outage], events: [...killEvents(), gaveUp(50_000), gaveUp(52_000)] }).failed,
    ).toEqual(["watchdog/gave-up-again-N"]);
    const onAnother = says(52_000, { event: "gave-up", target: "redis" });
    expect(
      check({ troubles: [outage], events: [...killEvents(), gaveUp(50_000), onAnother] }).failed,
    ).toEqual([]);
  });

  it("is inconclusive when nothing was seen of the watchdog", () => {
    const result = check({ without: ["watchdog", "process"] }, { faults: [] });
    expect(result.found).toMatchObject([{ id: "watchdog/seen", status: "inconclusive" }]);
    expect(check({ without: ["watchdog"] }, { faults: [] }).doubtful).toEqual(["watchdog/log"]);
  });

  it("gives no finding for a stack without a watchdog", () => {
    const { watchdog: _watchdog, ...stack } = testPlan().stack;
    expect(check({}, { stack, faults: [] }).found).toEqual([]);
  });
});
