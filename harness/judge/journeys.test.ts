import { describe, expect, it } from "vitest";
import type { JourneyRecord } from "../journal/events.ts";
import type { Plan } from "../plan/plan.ts";
import { gatherFacts } from "./facts.ts";
import { journeys } from "./journeys.ts";
import { judge } from "./judge.ts";
import { buildEvidence, type Script } from "./testing/evidence-builder.ts";
import { heldStep, killStep, testPlan } from "./testing/plan-builder.ts";
import { faultEvents, type TimedBody } from "./testing/stories.ts";

const asked = { script: "journeys/web.ts", service: "web", everyMs: 10_000, succeed: 0.9 };

/** A page before the gateway, the gateway before PostgreSQL; and something beside that no visit needs. */
function planWith(changes: Partial<Plan> = {}): Plan {
  const { stack } = testPlan();
  const program = { kind: "program", command: ["node"], readyPath: "/" } as const;
  return testPlan({
    journeys: asked,
    stack: {
      ...stack,
      services: [...stack.services, { ...program, name: "web" }, { ...program, name: "aside" }],
      links: [
        ...stack.links,
        { name: "web", from: "web", to: "gateway" },
        { name: "postgres", from: "gateway", to: "postgres" },
        { name: "aside", from: "aside", to: "postgres" },
      ],
    },
    ...changes,
  });
}

/** One visit on the plan's grid: number 1 at the end of the warm-up. */
function visit(number: number, changes: Partial<JourneyRecord> = {}): TimedBody {
  const steps = [
    { name: "load the page", tookMs: 100 * number },
    { name: "create", tookMs: 50 },
  ];
  const right = { outcome: "ok", tookMs: 500, pageMs: 100 * number, steps } as const;
  return {
    atMs: 5_000 + (number - 1) * 10_000,
    type: "journey",
    service: "web",
    number,
    ...right,
    ...changes,
  };
}

const failed = { outcome: "failed", failedAt: "create", error: "no answer" } as const;
const all = (count: number, changes: (number: number) => Partial<JourneyRecord> = () => ({})): TimedBody[] =>
  Array.from({ length: count }, (_, index) => visit(index + 1, changes(index + 1)));

function check(events: TimedBody[], plan: Plan = planWith(), script: Script = {}) {
  const evidence = buildEvidence(plan, { ...script, events: [...(script.events ?? []), ...events] });
  const facts = gatherFacts(plan, evidence);
  return { finding: journeys.check(plan, evidence, facts)[0], summary: facts.journeys };
}

describe("browser journeys", () => {
  it("gives no finding where the plan asks for none", () => {
    const plan = testPlan();
    const evidence = buildEvidence(plan, {});
    expect(journeys.check(plan, evidence, gatherFacts(plan, evidence))).toEqual([]);
    expect(judge(plan, evidence)).not.toHaveProperty("journeys");
  });

  it("passes when enough of them succeed, and tells how long pages took", () => {
    const { finding, summary } = check(all(11, (number) => (number === 4 ? failed : {})));
    expect(finding?.status).toBe("pass");
    expect(finding?.title).toContain("10 of 11 browser journeys to web in calm succeeded (objective 90 %)");
    expect(summary).toMatchObject({ owed: 11, calm: { made: 11, failed: 1 }, withoutBrowser: 0 });
    expect(summary?.page).toEqual({ p50Ms: 600, p95Ms: 1_100, maxMs: 1_100 });
    expect(summary?.steps.map(({ name }) => name)).toEqual(["load the page", "create"]);
  });

  it("fails when too few of them do, with the first reason", () => {
    const { finding } = check(all(11, (number) => (number % 5 === 0 ? failed : {})));
    expect(finding?.status).toBe("fail");
    expect(finding?.about).toBe("stack");
    expect(finding?.detail).toBe('The first failed at "create": no answer');
    expect(finding?.evidence.events).toHaveLength(2);
  });

  it.each([
    ["the link that it goes through", heldStep()],
    ["a service behind it", killStep({ target: "service:postgres", fault: "kill" })],
    ["its gateway's configuration", killStep({ target: "config:settings" })],
  ])("counts failures under a fault on %s apart", (_, step) => {
    const plan = planWith({ faults: [step] });
    const events = faultEvents(step.id, {
      atMs: step.startMs,
      healedMs: step.kind === "held" ? step.healMs : null,
    });
    // Number 4 is at 35 s and well; 5 and 6 lie in the fault's span.
    const visits = all(11, (number) => (number === 5 || number === 6 ? failed : {}));
    const { finding, summary } = check(visits, plan, { events });
    expect(finding?.status).toBe("pass");
    expect(summary?.underFault.failed).toBe(2);
    expect(summary?.calm.failed).toBe(0);
    expect(summary?.failures.map(({ number, fault }) => [number, fault])).toEqual([
      [5, step.id],
      [6, step.id],
    ]);
  });

  it("holds failures against the page when the fault was on something that no visit needs", () => {
    const step = heldStep({ target: "link:aside" });
    const events = faultEvents(step.id, { atMs: step.startMs, healedMs: step.healMs });
    const visits = all(11, (number) => (number === 5 || number === 6 ? failed : {}));
    const { finding, summary } = check(visits, planWith({ faults: [step] }), { events });
    expect(finding?.status).toBe("fail");
    expect(summary?.underFault).toEqual({ made: 0, failed: 0 });
  });

  it("is inconclusive, and says why, without a browser", () => {
    const none = { number: 0, outcome: "no-browser", steps: [], pageMs: null, tookMs: 0 } as const;
    const { finding } = check([visit(1, { ...none, error: "there is no browser on this machine." })]);
    expect(finding?.status).toBe("inconclusive");
    expect(finding?.about).toBe("harness");
    expect(finding?.title).toBe(
      "Whether browsers get through to web cannot be told: no browser journey was made in calm: there is no browser on this machine.",
    );
    expect(check([]).finding?.status).toBe("inconclusive");
  });

  it("is inconclusive when most of them were not made, and not for the one that the end cut off", () => {
    expect(check(all(5)).finding?.status).toBe("inconclusive");
    expect(check(all(6)).finding?.status).toBe("pass");
    const { summary } = check(all(3), planWith(), { endMs: 34_000 });
    expect(summary?.owed).toBe(2);
  });

  it("leaves out what lies in missing evidence", () => {
    const gap: TimedBody = {
      atMs: 50_000,
      type: "resumed",
      attempt: 1,
      by: "reaper",
      gapFromMs: 44_000,
      gapToMs: 47_000,
      bootChanged: false,
      uncertaintyMs: 0,
      bootId: "b",
      monotonicZeroMs: 0,
    };
    const { summary } = check(
      all(11, (number) => (number === 5 ? failed : {})),
      planWith(),
      { events: [gap] },
    );
    expect(summary).toMatchObject({ leftOut: 1, calm: { made: 10, failed: 0 } });
  });

  it("excuses a failure on a machine that stood still, and lets a success there stand", () => {
    // Timers of the harness woke late from 44 to 48 s.
    const sample = (name: string, atMs: number, value: number): number =>
      name === "harness.event-loop-delay-max" && atMs > 44_000 && atMs <= 48_000 ? 900 : value;
    const { summary } = check(
      all(11, (number) => (number === 5 ? failed : {})),
      planWith(),
      { sample },
    );
    expect(summary).toMatchObject({ leftOut: 1, calm: { made: 10, failed: 0 } });
    expect(check(all(11), planWith(), { sample }).summary).toMatchObject({ leftOut: 0, calm: { made: 11 } });
  });
});
