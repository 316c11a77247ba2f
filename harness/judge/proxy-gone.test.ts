// Toxiproxy frozen or dead in a run: what users saw then is nobody's outage, and what was decided without it stands.
import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { gatherFacts } from "./facts.ts";
import { judge } from "./judge.ts";
import { proxyStretches } from "./proxy-gone.ts";
import { indexLoad } from "./load-index.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import type { Trouble } from "./testing/load-builder.ts";
import { heldStep, killStep, segment, testPlan } from "./testing/plan-builder.ts";
import { faultEvents, gatewayIdentity, killEvents, type TimedBody } from "./testing/stories.ts";

const long = 600_000;
const objectives = { availability: 0.999, calmAvailability: 0.999, p95Ms: 100, recoveryMs: 20_000 };
const longPlan = (changes: Partial<Plan> = {}): Plan =>
  testPlan({
    durationMs: long,
    load: { script: "s.ts", timeoutMs: 2_000, segments: [segment(0, 0, long)] },
    objectives,
    ...changes,
  });

/** Last well at `fromMs`, found out two seconds later, working again at `backMs` (null: never). */
function gone(fromMs: number, backMs: number | null): TimedBody[] {
  const base = { type: "control-plane" as const, what: "Toxiproxy", fromMs };
  const found: TimedBody = { ...base, atMs: fromMs + 2_000, state: "gone" };
  return backMs === null ? [found] : [found, { ...base, atMs: backMs, state: "replaced" }];
}
const down = (fromMs: number, toMs: number): Trouble => ({ fromMs, toMs });
const action = (atMs: number, level: "hard" | "soft" = "hard"): TimedBody => ({
  atMs,
  type: "watchdog",
  wallTime: "2026-01-01T00:00:00.000Z",
  line: { event: "action", target: "gateway", level, attempt: 1, backoffMs: 0 },
});
const born = (atMs: number, pid: number): TimedBody => ({
  atMs,
  type: "process",
  service: "gateway",
  change: "appeared",
  identity: { ...gatewayIdentity, pid },
  startedAtMs: atMs,
});

function look(script: Script, plan = longPlan()) {
  const verdict = judge(plan, buildEvidence(plan, script));
  const of = (id: string) => verdict.findings.find((finding) => finding.id === id);
  const not = (status: string) =>
    verdict.findings.filter((finding) => finding.status === status).map(({ id }) => id);
  return { verdict, of, failed: not("fail"), doubtful: not("inconclusive") };
}

function stretchesOf(script: Script, plan = longPlan()) {
  const evidence = buildEvidence(plan, script);
  return proxyStretches(plan, evidence, indexLoad(plan, evidence));
}

describe("the stretch", () => {
  it("reaches one time-out back, and to five seconds after the replacement", () => {
    const script = { events: gone(100_000, 103_000), troubles: [down(99_000, 103_200)] };
    expect(stretchesOf(script)).toMatchObject([
      { fromMs: 98_000, toMs: 108_000, goneMs: 100_000, backMs: 103_000 },
    ]);
  });

  it("goes on while users are not well yet, but for half a minute at most", () => {
    const until = (ms: number) =>
      stretchesOf({ events: gone(100_000, 103_000), troubles: [down(99_000, ms)] })[0]?.toMs;
    expect(until(111_500)).toBe(112_000);
    expect(until(200_000)).toBe(133_000);
  });

  it("has no end where nothing was replaced, and is one where two run together", () => {
    expect(stretchesOf({ events: gone(500_000, null) })[0]).toMatchObject({
      backMs: null,
      toMs: long + 1_000,
    });
    const twice = stretchesOf({ events: [...gone(100_000, 103_000), ...gone(106_000, 109_000)] });
    expect(twice).toMatchObject([{ fromMs: 98_000, toMs: 114_000, goneMs: 100_000, backMs: 109_000 }]);
    // One that could not be replaced at first is told of again and again.
    const again = [...gone(100_000, null), ...gone(100_000, null), ...gone(100_000, 120_000)];
    expect(stretchesOf({ events: again })).toHaveLength(1);
  });

  it("comes from what the journal says of the state alone", () => {
    const events: TimedBody[] = [
      { atMs: 50_000, type: "control-plane", what: "the reaper healed meanwhile" },
    ];
    expect(stretchesOf({ events })).toEqual([]);
  });
});

describe("a run in which it was gone for three seconds in calm", () => {
  const script: Script = { events: gone(300_000, 303_000), troubles: [down(299_000, 304_000)] };

  it("passes, leaves those seconds out, and says so", () => {
    const { verdict, of, failed } = look(script);
    expect(failed).toEqual([]);
    expect(verdict.status).toBe("pass");
    expect(of("evidence/control-plane")).toMatchObject({ status: "pass", about: "harness" });
    expect(of("evidence/control-plane")?.title).toBe(
      "Toxiproxy was gone for at most 3.00 s and was replaced: 10 seconds of load (1.66 %) are missing evidence, not outage.",
    );
    expect(of("availability/overall")?.title).toContain("without 10 seconds of missing evidence");
    expect(verdict.summary).toMatchObject({ availability: 1, failed: 0 });
  });

  it("would fail without that knowledge: the stack is not blamed, and not for nothing", () => {
    expect(look({ troubles: script.troubles ?? [] }).failed).toEqual([
      "availability/overall",
      "availability/calm",
    ]);
  });

  it("is not failed for a share that is only too small because those seconds are left out", () => {
    // 11,900 starts after warm-up, of which 540 are left out: of the 11,360 that were seen 10.8 may fail, of all of them 11.3.
    const of = (failing: number) =>
      look(
        {
          events: gone(300_000, 320_000),
          troubles: [down(299_000, 320_000), down(400_000, 400_000 + failing * 50)],
        },
        longPlan({ objectives: { availability: 0.99905 } }),
      ).of("availability/overall")?.status;
    expect([10, 11, 12].map(of)).toEqual(["pass", "inconclusive", "fail"]);
  });

  it("still fails for an outage of its own", () => {
    const outage = { ...script, troubles: [down(299_000, 304_000), down(400_000, 405_000)] };
    expect(look(outage).failed).toContain("availability/overall");
  });

  it("is not failed for slow answers then, but for slow answers otherwise", () => {
    const slow = (fromMs: number, toMs: number): Trouble => ({ fromMs, toMs, outcome: "ok", latencyMs: 900 });
    const short = longPlan({ objectives: { p95Ms: 100 } });
    const troubles = [slow(298_000, 330_000)];
    const events = gone(300_000, 325_000);
    expect(look({ events, troubles }, short).failed).toEqual([]);
    expect(look({ troubles }, short).failed).toEqual(["latency/p95"]);
  });

  it("is not failed for what its watchdog did then, but for what it did before or after", () => {
    const acted = (atMs: number) =>
      look({ ...script, events: [...gone(300_000, 303_000), action(atMs), born(atMs + 300, 102)] });
    expect(acted(302_500).failed).toEqual([]);
    expect(acted(200_000).failed).toHaveLength(1);
    expect(acted(400_000).failed).toHaveLength(1);
    const goneProcess = (service: string): TimedBody => ({
      atMs: 302_000,
      type: "process",
      service,
      change: "gone",
      identity: gatewayIdentity,
    });
    const ended = (service: string) =>
      look({ ...script, events: [...gone(300_000, 303_000), goneProcess(service)] }).failed;
    expect(ended("gateway")).toEqual([]);
    // Nothing that a proxy does ends the watchdog itself.
    expect(ended("watchdog")).toHaveLength(1);
  });
});

describe("a run in which it was gone for too long", () => {
  it("is inconclusive from more than 5 % of the load on", () => {
    const of = (backMs: number) =>
      look({ events: gone(300_000, backMs), troubles: [down(299_000, backMs)] }).of("evidence/control-plane");
    expect(of(322_000)?.status).toBe("pass");
    expect(of(326_000)?.status).toBe("inconclusive");
    expect(look({ events: gone(300_000, 326_000), troubles: [down(299_000, 326_000)] }).failed).toEqual([]);
  });

  it("is inconclusive when it was never replaced, however late that was", () => {
    const { of, failed } = look({ events: gone(599_000, null), troubles: [down(598_000, long)] });
    expect(of("evidence/control-plane")).toMatchObject({
      status: "inconclusive",
      title: expect.stringContaining("could not be replaced"),
    });
    expect(failed).toEqual([]);
  });
});

describe("a fault that was under way", () => {
  const held = heldStep({ startMs: 300_000, healMs: 310_000, settleUntilMs: 345_000 });
  const heldRun = (events: readonly TimedBody[], troubles: readonly Trouble[]) =>
    look({ events, troubles }, longPlan({ faults: [held] }));
  const story = faultEvents("f02-latency", { atMs: 300_000, healedMs: 312_400 });

  it("is not failed for being healed late, and its recovery is an interval that holds the time without eyes", () => {
    // Frozen just before heal, replaced 2.4 s later.
    const { verdict, of, failed, doubtful } = heldRun(
      [...story, ...gone(309_500, 312_300)],
      [down(309_000, 313_000)],
    );
    expect([...failed, ...doubtful]).toEqual([]);
    expect(verdict.faults[0]).toMatchObject({ recovery: "timed", failedRequests: 0 });
    expect(verdict.faults[0]?.recoveryMs?.high).toBeGreaterThan(5_000);
    expect(of("evidence/control-plane")?.detail).toContain("Under way meanwhile: f02-latency");
  });

  it("cannot be told to have recovered, or not to need it, when nobody could see that", () => {
    const kill = killStep({
      startMs: 300_000,
      healMs: 300_000,
      settleUntilMs: 340_000,
      expect: heldStep().expect,
    });
    const events = [...killEvents({ atMs: 300_000, actedMs: null, backMs: null }), ...gone(300_500, 303_000)];
    const { of } = look({ events, troubles: [down(300_500, 304_000)] }, longPlan({ faults: [kill] }));
    expect(of("recovery/f01-kill")).toMatchObject({
      status: "inconclusive",
      title: expect.stringContaining("evidence is missing from 298.5 s to 308.0 s: Toxiproxy was gone"),
    });
  });

  it("is inconclusive instead of failed when it was gone before the limit was over, and fails when it was decided before", () => {
    const kill = killStep({ startMs: 300_000, healMs: 300_000, settleUntilMs: 360_000 });
    const run = (fromMs: number) =>
      look(
        {
          events: [
            ...killEvents({ atMs: 300_000, actedMs: 300_300, backMs: 300_500 }),
            ...gone(fromMs, fromMs + 3_000),
          ],
          troubles: [down(300_000, 330_000)],
        },
        longPlan({ faults: [kill], objectives: { recoveryMs: 20_000 } }),
      ).of("recovery/f01-kill")?.status;
    expect(run(310_000)).toBe("inconclusive");
    expect(run(324_000)).toBe("fail");
    expect(run(500_000)).toBe("fail");
  });

  it("passes when it had recovered in time all the same", () => {
    const kill = killStep({ startMs: 300_000, healMs: 300_000, settleUntilMs: 340_000 });
    const events = [
      ...killEvents({ atMs: 300_000, actedMs: 300_300, backMs: 300_500 }),
      ...gone(301_500, 304_000),
    ];
    const { of } = look({ events, troubles: [down(300_000, 304_500)] }, longPlan({ faults: [kill] }));
    expect(of("recovery/f01-kill")?.status).toBe("pass");
    expect(of("watchdog/f01-kill")?.status).toBe("pass");
  });

  it("leaves open what its watchdog failed to do meanwhile, not what it failed to do before", () => {
    const kill = killStep({ startMs: 300_000, healMs: 300_000, settleUntilMs: 340_000 });
    const missed = (fromMs: number) =>
      look(
        {
          events: [
            ...killEvents({ atMs: 300_000, actedMs: null, backMs: null }),
            ...gone(fromMs, fromMs + 3_000),
          ],
          troubles: [down(300_000, 330_000)],
        },
        longPlan({ faults: [kill] }),
      ).of("watchdog/f01-kill")?.status;
    expect(missed(301_000)).toBe("inconclusive");
    expect(missed(320_000)).toBe("fail");
    const tooHard = (fromMs: number) =>
      heldRun([...story, action(305_000), born(305_300, 102), ...gone(fromMs, fromMs + 3_000)], []).of(
        "watchdog/f02-latency",
      )?.status;
    expect(tooHard(303_000)).toBe("inconclusive");
    expect(tooHard(330_000)).toBe("fail");
  });
});

it("marks the seconds that it touches as neither good nor bad", () => {
  const plan = longPlan();
  const evidence = buildEvidence(plan, {
    events: gone(300_000, 303_000),
    troubles: [down(299_000, 304_000)],
  });
  const { load } = gatherFacts(plan, evidence);
  const marked = load.seconds.filter(({ missing }) => missing === true).map(({ second }) => second);
  expect(marked).toEqual([298, 299, 300, 301, 302, 303, 304, 305, 306, 307]);
  expect(load.seconds.slice(298, 308).every(({ state }) => state === "unknown")).toBe(true);
});
