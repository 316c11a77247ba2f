// Plan and evidence in, verdict out. Pure: no clock, no file, no network, so old evidence can be judged again by a better judge.
import type { EventOf, JournalEvent, JournalType } from "../journal/events.ts";
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import { messageOf } from "../support/errors.ts";
import { becauseOf } from "./because.ts";
import type { Checker, Facts } from "./checker.ts";
import { isPartial } from "./evidence.ts";
import { gatherFacts } from "./facts.ts";
import { finding } from "./finding.ts";
import { checkers as table } from "./index.ts";
import { worst, type Finding, type Status, type Summary, type Verdict } from "./verdict.ts";

export function judge(plan: Plan, evidence: Evidence): Verdict {
  return judgeWith(table, plan, evidence);
}

/** The same with another table: for tests, and for a checker of one's own. Never throws for what a checker or the evidence does. */
export function judgeWith(checkers: readonly Checker[], plan: Plan, given: Evidence): Verdict {
  const evidence = withEventsAtHand(given);
  const { facts, findings } = run(checkers, plan, evidence);
  const status = statusOf(findings);
  return {
    v: 1,
    status,
    because: becauseOf(status, findings, facts.faults, facts.summary),
    partial: isPartial(evidence),
    endMs: evidence.endMs,
    runId: evidence.header.runId,
    scenario: plan.scenario,
    seed: plan.seed,
    planHash: plan.hash,
    summary: facts.summary,
    findings,
    faults: facts.faults,
    ...(facts.drills.length === 0 ? {} : { drills: facts.drills }),
    ...(facts.journeys === undefined ? {} : { journeys: facts.journeys }),
  };
}

function run(
  checkers: readonly Checker[],
  plan: Plan,
  evidence: Evidence,
): { facts: Facts; findings: Finding[] } {
  let facts: Facts;
  try {
    facts = gatherFacts(plan, evidence);
  } catch (error) {
    return { facts: noFacts, findings: [broke("facts", error)] };
  }
  const findings = checkers.flatMap((checker): readonly Finding[] => {
    try {
      return checker.check(plan, evidence, facts);
    } catch (error) {
      return [broke(checker.name, error)];
    }
  });
  return { facts, findings: withPlanCheck(plan, evidence, findings) };
}

function broke(name: string, error: unknown): Finding {
  return finding({
    id: `${name}/broke`,
    about: "harness",
    status: "inconclusive",
    title: `The checker "${name}" broke, so what it judges is unknown: ${messageOf(error)}.`,
  });
}

/** Evidence of another plan proves nothing about this one. */
function withPlanCheck(plan: Plan, evidence: Evidence, findings: Finding[]): Finding[] {
  if (evidence.header.planHash === plan.hash) return findings;
  const title = `The evidence was recorded under another plan (${evidence.header.planHash.slice(0, 12)} instead of ${plan.hash.slice(0, 12)}).`;
  return [finding({ id: "evidence/plan", about: "harness", status: "inconclusive", title }), ...findings];
}

/** What is judged whether or not the scenario sets an objective for it. */
const unasked: readonly string[] = ["evidence", "watchdog"];

/**
 * Without any finding about an objective for the stack the verdict is inconclusive: good evidence proves nothing, complete monitoring is Kiln's own
 * doing, and a watchdog that did nothing wrong may have had nothing to do.
 */
function statusOf(findings: readonly Finding[]): Status {
  const all = findings.map(({ status }) => status);
  const judged = findings.some(({ checker, about }) => about === "stack" && !unasked.includes(checker));
  return worst(judged ? all : [...all, "inconclusive"]);
}

/** Checkers ask for events by type again and again; a journal of 48 hours is read once. */
function withEventsAtHand(evidence: Evidence): Evidence {
  const byType = new Map<JournalType, JournalEvent[]>();
  for (const event of evidence.events()) {
    const known = byType.get(event.type);
    if (known === undefined) byType.set(event.type, [event]);
    else known.push(event);
  }
  // The watchdog's lines are journalled when they are read, at the time that they name: the file's order is not that of time.
  for (const events of byType.values()) events.sort((a, b) => a.atMs - b.atMs);
  return {
    header: evidence.header,
    loadStarted: evidence.loadStarted,
    endMs: evidence.endMs,
    ended: evidence.ended,
    unreadableLines: evidence.unreadableLines,
    damage: evidence.damage ?? [],
    events: () => evidence.events(),
    eventsOf: <T extends JournalType>(type: T) => (byType.get(type) ?? []) as EventOf<T>[],
    cells: (fromMs, toMs) => evidence.cells(fromMs, toMs),
    seconds: (fromMs, toMs) => evidence.seconds(fromMs, toMs),
    series: () => evidence.series(),
    samples: (name, fromMs, toMs) => evidence.samples(name, fromMs, toMs),
  };
}

const noSummary: Summary = {
  loadMs: 0,
  planned: 0,
  completed: 0,
  dropped: 0,
  interrupted: 0,
  failed: 0,
  shed: 0,
  limited: 0,
  availability: null,
  availabilityByTime: null,
  calmAvailability: null,
  meanMs: null,
  p50Ms: null,
  p95Ms: null,
  p99Ms: null,
  maxMs: null,
  latenessP99Ms: null,
  duty: null,
  faultRates: [],
};
const noFacts: Facts = {
  faults: [],
  drills: [],
  summary: noSummary,
  load: { seconds: [], endMs: 0 },
  spans: [],
  missing: [],
  starved: [],
};
