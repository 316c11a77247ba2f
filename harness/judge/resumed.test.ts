// A run whose harness died and was resumed: for so long evidence is missing. It is no outage, and no pass of what was not seen either.
import { describe, expect, it } from "vitest";
import type { Plan } from "../plan/plan.ts";
import { LatencySketch } from "../support/latency-sketch.ts";
import { judge } from "./judge.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { heldStep, killStep, segment, testPlan } from "./testing/plan-builder.ts";
import {
  configReading,
  faultEvents,
  gatewayIdentity,
  killEvents,
  type TimedBody,
} from "./testing/stories.ts";

const objectives = {
  availability: 0.999,
  calmAvailability: 0.999,
  p95Ms: 50,
  recoveryMs: 10_000,
  completeMonitoring: true,
};
/** Ten minutes: a hundredth of it is six seconds. */
const plan = (changes: Partial<Plan> = {}): Plan => testPlan({ durationMs: 600_000, objectives, ...changes });

function resumed(
  fromMs: number,
  toMs: number,
  changes: { attempt?: number; bootChanged?: boolean } = {},
): TimedBody {
  const { attempt = 1, bootChanged = false } = changes;
  const clock = { bootChanged, uncertaintyMs: bootChanged ? 2_000 : 0, bootId: "b", monotonicZeroMs: 0 };
  return {
    atMs: toMs - 500,
    type: "resumed",
    attempt,
    by: "reaper",
    gapFromMs: fromMs,
    gapToMs: toMs,
    ...clock,
  };
}

/** Nothing was recorded in the gap, and the books say so: its starts were missed, 20 a second. */
function story(fromMs: number, toMs: number, script: Script = {}, given = plan()) {
  const evidence = buildEvidence(given, {
    ...script,
    troubles: [{ fromMs, toMs, vanished: true }, ...(script.troubles ?? [])],
    events: [resumed(fromMs, toMs), ...(script.events ?? [])],
    accounts: { missed: ((toMs - fromMs) * 20) / 1_000, unaccounted: 0, exitCode: null, ...script.accounts },
    sample: (name, atMs, value) => {
      if (atMs >= fromMs && atMs < toMs) return undefined;
      return script.sample === undefined ? value : script.sample(name, atMs, value);
    },
  });
  const verdict = judge(given, evidence);
  const of = (id: string) => verdict.findings.find((one) => one.id === id);
  const not = (status: string) => verdict.findings.filter((one) => one.status === status).map(({ id }) => id);
  return { verdict, of, not };
}

describe("a run that was resumed", () => {
  it("passes with a short gap that hit no fault, and names it", () => {
    const { verdict, of } = story(300_000, 305_000);
    expect([verdict.status, verdict.because]).toEqual(["pass", expect.any(String)]);
    expect(of("evidence/resumed")?.title).toBe(
      "The harness died once and was resumed: 5.00 s of the run (0.83 %) are missing evidence, not outage; no fault was under way.",
    );
    expect(of("evidence/accounts")?.title).toContain("but for 100 that fell into gaps of the harness");
    expect(of("evidence/samples")?.status).toBe("pass");
    expect(of("monitoring/coverage")?.status).toBe("pass");
  });

  it("counts nothing in the gap, neither right nor failed nor unknown, and says for how long", () => {
    const { of, verdict } = story(300_000, 305_000);
    const measures = new Map(of("availability/overall")?.measures.map(({ name, value }) => [name, value]));
    expect(Object.fromEntries(measures)).toMatchObject({
      "by requests": 1,
      "failed requests": 0,
      "starts without outcome": 0,
      "seconds left out": 5,
    });
    expect(of("availability/overall")?.title).toContain("without 5 seconds of missing evidence");
    expect(verdict.summary.availabilityByTime).toBe(1);
  });

  it("does not hold failures of its last, half-recorded seconds against the stack", () => {
    const torn = { fromMs: 300_000, toMs: 302_000 };
    const evidence = buildEvidence(plan(), {
      troubles: [torn, { fromMs: 302_000, toMs: 305_000, vanished: true }],
      events: [resumed(300_000, 305_000)],
      accounts: { missed: 60, unaccounted: 0, exitCode: null },
    });
    const verdict = judge(plan(), evidence);
    expect([verdict.status, verdict.summary.failed]).toEqual(["pass", 0]);
  });

  it("is inconclusive from more than a hundredth of the run on, never failed", () => {
    const { verdict, of, not } = story(300_000, 307_000);
    expect(verdict.status).toBe("inconclusive");
    expect(not("inconclusive")).toEqual(["evidence/resumed"]);
    expect(of("evidence/resumed")?.measures).toContainEqual({
      name: "share of the run",
      value: 7 / 600,
      unit: "ratio",
      limit: 0.01,
    });
    const many = story(300_000, 305_000, { events: [resumed(400_000, 403_000, { attempt: 2 })] });
    expect(many.of("evidence/resumed")?.title).toMatch(/died twice .* 8\.00 s/);
    expect(many.of("evidence/resumed")?.status).toBe("inconclusive");
  });

  it("counts a gap once that two resumings declare", () => {
    const { of } = story(300_000, 305_000, { events: [resumed(300_000, 303_000)] });
    expect(of("evidence/resumed")?.measures).toContainEqual({
      name: "missing evidence",
      value: 5_000,
      unit: "ms",
    });
  });

  it("says how uncertain the gap is after a restart of the machine", () => {
    const given = plan();
    const gap = resumed(300_000, 305_000, { bootChanged: true });
    const verdict = judge(given, buildEvidence(given, { events: [gap] }));
    expect(verdict.findings.find(({ id }) => id === "evidence/resumed")?.detail).toMatch(
      /started anew.*2\.00 s/,
    );
  });

  it("does not excuse what lies outside the gap", () => {
    const lost = story(300_000, 305_000, {
      sample: (_name, atMs, value) => (atMs > 400_000 && atMs < 410_000 ? undefined : value),
    });
    expect(lost.of("evidence/samples")?.status).toBe("inconclusive");
    const failed = story(300_000, 305_000, { troubles: [{ fromMs: 400_000, toMs: 410_000 }] });
    expect(failed.verdict.status).toBe("fail");
    expect(failed.not("fail")).toContain("availability/overall");
  });

  it("has books that do not close where more was missed than they say", () => {
    const half = story(300_000, 305_000, { accounts: { missed: 60 } });
    expect(half.of("evidence/accounts")?.status).toBe("inconclusive");
  });

  it("counts a last request that started late, and misses one that is lost", () => {
    const given = plan();
    const evidence = buildEvidence(given, {
      troubles: [
        { fromMs: 300_000, toMs: 305_000, vanished: true },
        { fromMs: 599_950, toMs: 600_000, vanished: true },
      ],
      events: [resumed(300_000, 305_000)],
      accounts: { missed: 100, started: 11_900, completed: 11_900, unaccounted: 0, exitCode: null },
    });
    const [cell, row] = [[...evidence.cells()].at(-1), [...evidence.seconds()].at(-1)];
    if (cell === undefined || row === undefined) throw new Error("no load");
    const latency = new LatencySketch();
    latency.record(5);
    const late = { ...cell, second: 600, count: 1, latency };
    const accountsWith = (lateCells: readonly (typeof cell)[]) =>
      judge(given, {
        ...evidence,
        cells: () => [...evidence.cells(), ...lateCells],
        seconds: () => [...evidence.seconds(), { ...row, second: 600, planned: 0, started: 1 }],
      }).findings.find(({ id }) => id === "evidence/accounts");
    expect(accountsWith([late])?.status).toBe("pass");
    expect(accountsWith([])?.title).toContain("11900 completed in the books but 11899 in the samples");
  });

  it("has books that do not close where parts of a segment are missing, or were lost outside a gap", () => {
    expect(
      story(300_000, 305_000, { accounts: { missed: 90, unaccounted: 10 } }).of("evidence/accounts")?.title,
    ).toMatch(/10 unaccounted for/);
    const parts = testPlan({ load: { ...plan().load, segments: [segment(0, 0, 120_000)] } });
    const half = {
      index: 0,
      started: 0,
      completed: 0,
      dropped: 0,
      interrupted: 0,
      users: 50,
      usersNeeded: 50,
      cpuMs: 0,
      peakRssBytes: 0,
    };
    const evidence = buildEvidence(parts, {
      without: ["segment-ended"],
      events: [
        {
          atMs: 60_000,
          type: "segment-ended",
          ...half,
          planned: 1_200,
          started: 1_200,
          completed: 1_200,
          unaccounted: 0,
          missed: 0,
          exitCode: null,
        },
        {
          atMs: 120_000,
          type: "segment-ended",
          ...half,
          planned: 1_200,
          started: 1_200,
          completed: 1_200,
          unaccounted: 0,
          exitCode: 0,
        },
      ],
    });
    expect(judge(parts, evidence).findings.find(({ id }) => id === "evidence/accounts")?.status).toBe("pass");
    const one = buildEvidence(parts, {
      without: ["segment-ended"],
      events: [
        {
          atMs: 120_000,
          type: "segment-ended",
          ...half,
          planned: 1_200,
          completed: 1_200,
          unaccounted: 0,
          missed: 0,
          exitCode: null,
        },
      ],
    });
    expect(judge(parts, one).findings.find(({ id }) => id === "evidence/accounts")?.title).toMatch(
      /planned 1200 instead of 2400/,
    );
  });
});

describe("a fault that the gap cut", () => {
  const step = heldStep({ startMs: 300_000, healMs: 320_000, settleUntilMs: 340_000 });
  /** In force when the harness died at 305 s, healed by the reaper two seconds later, long before its time. */
  const cut = story(
    302_000,
    307_000,
    {
      events: faultEvents(step.id, { atMs: 300_000, healedMs: null }).concat([
        { atMs: 306_900, type: "fault", id: step.id, state: "healed", by: "reaper" },
      ]),
    },
    plan({ faults: [step] }),
  );

  it("is inconclusive for recovery, with the reason", () => {
    expect(cut.of(`recovery/${step.id}`)).toMatchObject({
      status: "inconclusive",
      title: expect.stringContaining(
        "the harness died meanwhile: evidence is missing from 302.0 s to 307.0 s",
      ) as string,
    });
    expect(cut.not("fail")).toEqual([]);
    expect(cut.of("evidence/resumed")?.status).toBe("inconclusive");
    expect(cut.of("evidence/resumed")?.title).toContain(`under way meanwhile: ${step.id}`);
    expect(cut.of(`evidence/${step.id}`)?.title).toMatch(/healed early.*the harness died meanwhile/);
  });

  it("is judged where it was over before", () => {
    const given = plan({ faults: [step] });
    const over = story(
      350_000,
      355_000,
      { events: faultEvents(step.id, { atMs: 300_000, healedMs: 320_000 }) },
      given,
    );
    expect(over.of(`recovery/${step.id}`)?.status).toBe("pass");
    expect(over.verdict.status).toBe("pass");
  });

  it("is not blamed on the watchdog, whose doings nobody saw", () => {
    const kill = killStep({ startMs: 300_000, healMs: 300_000, settleUntilMs: 320_000 });
    const story_ = killEvents({ id: kill.id, atMs: 300_000, actedMs: null, backMs: null });
    const unseen = story(299_000, 304_000, { events: story_ }, plan({ faults: [kill] }));
    expect(unseen.not("fail")).toEqual([]);
    expect(unseen.of(`watchdog/${kill.id}`)?.status).toBe("inconclusive");
  });

  it("and what died and was started again in the gap is nobody's fault", () => {
    const born = { pid: 101, startTicks: 9, bootId: "b" };
    const events: TimedBody[] = [
      {
        atMs: 303_500,
        type: "process",
        service: "watchdog",
        change: "gone",
        identity: { ...gatewayIdentity, pid: 50 },
      },
      { atMs: 303_500, type: "process", service: "gateway", change: "gone", identity: gatewayIdentity },
      {
        atMs: 304_000,
        type: "process",
        service: "gateway",
        change: "appeared",
        identity: born,
        startedAtMs: 303_000,
      },
      {
        atMs: 304_000,
        type: "process",
        service: "watchdog",
        change: "appeared",
        identity: { ...born, pid: 51 },
        startedAtMs: 302_000,
      },
      configReading(304_200),
    ];
    const { verdict, not } = story(300_000, 305_000, { events });
    expect(not("fail")).toEqual([]);
    expect(verdict.status).toBe("pass");
    // The same a minute later is a finding.
    const later = events.map((event) => ({ ...event, atMs: event.atMs + 60_000 }));
    expect(story(300_000, 305_000, { events: later }).not("fail")).not.toEqual([]);
  });
});
