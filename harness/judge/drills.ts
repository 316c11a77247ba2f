// Were the planned operations carried out, in force where users are, and taken back, without harm to anybody? What a drill is held to beyond
// that stands in its step. Missing and doubtful evidence excuses a failure and never helps a pass.
import type { Evidence } from "../journal/evidence.ts";
import type { DrillStep, Plan } from "../plan/plan.ts";
import type { Checker, Facts } from "./checker.ts";
import { rollBackSlackMs, updates } from "./config-planned.ts";
import { readingsOf, servesOf, type Serve } from "./config-serves.ts";
import { drillCutBy } from "./drill-records.ts";
import { countOf, finding, measure, seconds } from "./finding.ts";
import { excuses, missingText, missingWithin } from "./missing-evidence.ts";
import { worst, type DrillRecord, type Finding, type Measure, type Status } from "./verdict.ts";

/** A start that is due at a second's edge may be counted in the second beside it, once at each end. */
const edgeStarts = 2;

export const drills: Checker = {
  name: "drills",
  check(plan, evidence, facts) {
    return (plan.drills ?? []).map((step) => {
      const record = facts.drills.find(({ id }) => id === step.id);
      if (record === undefined) throw new TypeError(`there is a record of each planned drill: ${step.id}`);
      return judgeDrill({ plan, step, record, evidence, facts });
    });
  },
};

interface Case {
  readonly plan: Plan;
  readonly step: DrillStep;
  readonly record: DrillRecord;
  readonly evidence: Evidence;
  readonly facts: Facts;
}

interface Decision {
  readonly status: Status;
  readonly text: string;
  /** Of a failure: when it came to be one. */
  readonly byMs?: number;
}

const say = (status: Status, text: string, byMs?: number): Decision => ({
  status,
  text,
  ...(byMs === undefined ? {} : { byMs }),
});

function judgeDrill(one: Case): Finding {
  const { step, record, evidence } = one;
  const decisions = [cut, carriedOut, seen, undone, inTime, served, answered].flatMap((rule) => {
    const decision = rule(one);
    return decision === null ? [] : [spared(decision, one)];
  });
  const status = worst(["pass", ...decisions.map((decision) => decision.status)]);
  const text = decisions.find((decision) => decision.status === status)?.text ?? passText(record);
  const events = [...evidence.eventsOf("fault"), ...evidence.eventsOf("fault-confirmed")]
    .filter(({ id }) => id === step.id)
    .map(({ seq }) => seq);
  return finding({
    id: `drill/${step.id}`,
    fault: step.id,
    about: status === "inconclusive" ? "harness" : "stack",
    status,
    title: `${step.id}: ${text}`,
    measures: measuresOf(step, record),
    events,
    fromMs: record.beganMs ?? step.startMs,
    toMs: record.undone?.atMs ?? step.settleUntilMs,
  });
}

/** A failure stands if it was one before evidence went missing, or the machine stood still. */
function spared(decision: Decision, { record, facts }: Case): Decision {
  if (decision.status !== "fail" || record.beganMs === null) return decision;
  const excuse = missingWithin(excuses(facts), record.beganMs, decision.byMs ?? Infinity);
  if (excuse === undefined) return decision;
  return say("inconclusive", `${decision.text.replace(/\.$/, "")}; but ${missingText(excuse)}.`);
}

function carriedOut({ step, record, evidence }: Case): Decision | null {
  if (record.beganMs === null) {
    const reached = step.startMs < evidence.endMs;
    return say(
      "inconclusive",
      reached ? `was planned and not carried out (${record.saw}).` : "was not reached.",
    );
  }
  if (record.done !== null) return null;
  const failed = evidence.eventsOf("fault").find(({ id, state }) => id === step.id && state === "broken");
  if (failed === undefined) return say("inconclusive", "was begun; the evidence ends before it was done.");
  const stopping = evidence.eventsOf("stopping").find(({ atMs }) => atMs <= failed.atMs);
  if (stopping !== undefined) return say("inconclusive", "was cut off: the run was being ended.");
  return say("fail", `could not be carried out: ${failed.error ?? "no reason given"}.`, failed.atMs);
}

function cut({ record, facts }: Case): Decision | null {
  const gap = drillCutBy(record, facts.missing);
  if (gap !== undefined)
    return say("inconclusive", `cannot be told, because the harness died meanwhile: ${missingText(gap)}.`);
  if (record.undoneBy === null) return null;
  const who = record.undoneBy === "reaper" ? "the reaper" : "hand";
  return say("inconclusive", `cannot be told: it was undone by ${who}, and not when it was planned.`);
}

function seen({ step, record, evidence }: Case): Decision | null {
  if (record.confirmed === "yes") return null;
  const atMs = evidence.eventsOf("fault-confirmed").findLast(({ id }) => id === step.id)?.atMs;
  if (record.disproved) return say("fail", `was said to be done, but ${record.saw}.`, atMs);
  return say("inconclusive", `was said to be done, and nothing was seen of it: ${record.saw}.`);
}

function undone({ step, record, evidence }: Case): Decision | null {
  if (record.undone !== null) return null;
  const failed = evidence.eventsOf("fault").findLast(({ id, state }) => id === step.id && state === "broken");
  if (failed === undefined || record.undoingMs === null)
    return say("inconclusive", "was never seen to be undone.");
  return say(
    "fail",
    `IS NOT UNDONE: ${failed.error ?? "no reason given"}. What came after it proves nothing; run "kiln heal".`,
    failed.atMs,
  );
}

function inTime({ step, record }: Case): Decision | null {
  const limitMs = step.demands.undoneWithinMs;
  const tookMs = undoneInMs(record);
  if (limitMs === undefined || tookMs === null || tookMs < limitMs) return null;
  return say("fail", `took ${seconds(tookMs)} to undo (limit ${seconds(limitMs)}).`, record.undone?.atMs);
}

/** Of an update: exactly the planned state until it is rolled back, and then the one of before. */
function served(one: Case): Decision | null {
  const { plan, step, record, evidence } = one;
  const file = plan.stack.operations?.["config-update"]?.file;
  if (file === undefined || !updates(plan, step.fault, file) || record.beganMs === null) return null;
  const serves = servesOf(evidence, file, readingsOf(evidence, file));
  const before = serves.findLast(({ atMs }) => atMs <= (record.beganMs ?? 0))?.served.valuesHash;
  const planned = evidence.eventsOf("fault-confirmed").find(({ id }) => id === step.id)
    ?.confirmation.plannedValuesHash;
  // What was never seen in force is another rule's to say.
  if (planned === undefined) return null;
  const untilMs = record.undone?.atMs ?? Infinity;
  const wrong = serves.find(
    ({ atMs, lastSeenMs, served: state }) =>
      lastSeenMs >= (record.beganMs ?? 0) &&
      atMs <= untilMs &&
      (!state.checksumMatches || ![before, planned].includes(state.valuesHash)),
  );
  if (wrong !== undefined)
    return say(
      "fail",
      `something else than the planned values was served at ${seconds(wrong.atMs)}.`,
      wrong.atMs,
    );
  return rolledBack(serves, before, record);
}

function rolledBack(
  serves: readonly Serve[],
  before: string | undefined,
  { undone: over }: DrillRecord,
): Decision | null {
  if (over === null) return null;
  const after = serves.filter(({ lastSeenMs }) => lastSeenMs > over.atMs);
  if (before !== undefined && after.some(({ served: state }) => state.valuesHash === before)) return null;
  // A look that was under way may still have had the old answer.
  if (before === undefined || !after.some(({ lastSeenMs }) => lastSeenMs > over.atMs + rollBackSlackMs))
    return say("inconclusive", "what was served before it, or after its roll-back, is not in the evidence.");
  return say("fail", "the values of before were not served again after the roll-back.", over.atMs);
}

function answered({ step, record, facts }: Case): Decision | null {
  if (step.demands.noFailedRequest !== true || record.beganMs === null) return null;
  const { failedRequests, requests, unknownRequests } = record;
  const untilMs = record.undone?.atMs ?? step.settleUntilMs;
  if (failedRequests > 0)
    return say(
      "fail",
      `${countOf(failedRequests, "request")} of ${countOf(requests, "request")} failed meanwhile; none may.`,
      untilMs,
    );
  const missing = missingWithin(facts.missing, record.beganMs, untilMs);
  if (missing !== undefined)
    return say("inconclusive", `whether a request failed cannot be told: ${missingText(missing)}.`);
  if (requests === 0)
    return say("inconclusive", "whether a request failed cannot be told: none was made meanwhile.");
  if (unknownRequests > edgeStarts)
    return say(
      "inconclusive",
      `whether a request failed cannot be told: of ${countOf(unknownRequests, "planned start")} nothing is known.`,
    );
  return null;
}

function passText(record: DrillRecord): string {
  const { requests, failedRequests, saw } = record;
  const users =
    failedRequests === 0
      ? `no request of ${requests.toLocaleString("en")} failed`
      : `${countOf(failedRequests, "request")} of ${requests.toLocaleString("en")} failed`;
  return `done in ${seconds(doneInMs(record) ?? 0)}, seen in force: ${saw}; undone in ${seconds(undoneInMs(record) ?? 0)}; ${users}.`;
}

function measuresOf({ demands }: DrillStep, record: DrillRecord): Measure[] {
  const [tookMs, backMs] = [doneInMs(record), undoneInMs(record)];
  return [
    ...(tookMs === null ? [] : [measure("done in", tookMs, "ms")]),
    ...(backMs === null ? [] : [measure("undone in", backMs, "ms", demands.undoneWithinMs)]),
    ...(record.beganMs === null
      ? []
      : [
          measure(
            "failed requests",
            record.failedRequests,
            "count",
            demands.noFailedRequest === true ? 0 : undefined,
          ),
          measure("requests meanwhile", record.requests, "count"),
        ]),
  ];
}

function doneInMs({ beganMs, done }: DrillRecord): number | null {
  return beganMs === null || done === null ? null : done.atMs - beganMs;
}

function undoneInMs({ undoingMs, undone: over }: DrillRecord): number | null {
  return undoingMs === null || over === null ? null : over.atMs - undoingMs;
}
