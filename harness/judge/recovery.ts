// Was the stack itself again in time after each fault? Passes on the upper end of the interval, fails on the lower.
import type { Evidence } from "../journal/evidence.ts";
import type { Checker, Facts } from "./checker.ts";
import { finding, measure, seconds } from "./finding.ts";
import { cutBy, excuses, missingText, missingWithin, type MissingStretch } from "./missing-evidence.ts";
import type { FaultRecord, Finding, Status } from "./verdict.ts";

/** Kiln counts its rescue deadline from the planned start; injecting may begin so much later. */
const scheduleLagMs = 1_000;

export const recovery: Checker = {
  name: "recovery",
  check(plan, evidence, facts) {
    const limitMs = plan.objectives.recoveryMs;
    if (limitMs === undefined) return [];
    return facts.faults
      .filter(({ recovery }) => recovery !== "not-run" && recovery !== "grouped")
      .map((record) => judgeRecovery(record, limitMs, evidence, facts));
  },
};

function judgeRecovery(record: FaultRecord, limitMs: number, evidence: Evidence, facts: Facts): Finding {
  const { id, recoveryMs } = record;
  const { status, text } = sparing(decide(record, limitMs, evidence), record, limitMs, facts);
  const began = beganMs(record);
  const events = evidence
    .eventsOf("fault")
    .filter((event) => event.id === id)
    .map(({ seq }) => seq);
  const high = recoveryMs?.high ?? null;
  return finding({
    id: `recovery/${id}`,
    fault: id,
    status,
    about: record.confirmed === "yes" ? "stack" : "harness",
    title: `${id}: ${text}`,
    detail: record.note,
    measures:
      recoveryMs === null
        ? []
        : [
            measure("at least", recoveryMs.low, "ms", limitMs),
            ...(high === null ? [] : [measure("at most", high, "ms", limitMs)]),
          ],
    events,
    fromMs: began,
    ...(record.recovered === null ? {} : { toMs: record.recovered.atMs }),
  });
}

function beganMs({ injected, plannedMs }: FaultRecord): number {
  return injected === null ? plannedMs : injected.atMs - injected.errorMs;
}

/**
 * Time of missing evidence is not the stack's, nor is that in which the machine starved it. A failure stands if it was one before that; "there was nothing to recover from"
 * needs eyes all the time. A recovery that was timed holds that time in its interval already.
 */
function sparing(decision: Decision, record: FaultRecord, limitMs: number, facts: Facts): Decision {
  const cut = cutBy(record, facts.missing);
  if (cut !== undefined && decision.status !== "fail")
    return {
      status: "inconclusive",
      text: `recovery cannot be told, because the harness died meanwhile: ${missingText(cut)}.`,
    };
  const missing = missingFor(decision.status, record, limitMs, facts);
  if (missing === undefined) return decision;
  const text =
    decision.status === "pass"
      ? "whether there was anything to recover from cannot be told"
      : decision.text.replace(/\.$/, "");
  return { status: "inconclusive", text: `${text}: ${missingText(missing)}.` };
}

function missingFor(
  status: Status,
  record: FaultRecord,
  limitMs: number,
  facts: Facts,
): MissingStretch | undefined {
  const { spans, missing } = facts;
  const span = spans.find(({ fault }) => fault === record.id);
  const fromMs = beganMs(record);
  if (status === "inconclusive" || span === undefined) return undefined;
  const healedMs = record.kind === "held" ? (record.healed?.atMs ?? fromMs) : fromMs;
  if (status === "pass")
    return record.recoveryMs === null
      ? missingWithin(missing, healedMs, record.recovered?.atMs ?? span.toMs)
      : undefined;
  // The latest from which its recovery can have been timed: from there the limit decided.
  const startMs = Math.max(healedMs, record.firstFailure?.atMs ?? fromMs);
  const untilMs = Math.min(startMs + limitMs, record.recovered?.atMs ?? Infinity);
  return missingWithin(excuses(facts), fromMs, untilMs);
}

interface Decision {
  readonly status: Status;
  readonly text: string;
}

function decide(record: FaultRecord, limitMs: number, evidence: Evidence): Decision {
  const limit = `limit ${seconds(limitMs)}`;
  const { recoveryMs } = record;
  const rescued = evidence.eventsOf("rescued").find(({ fault }) => fault === record.id);
  if (recoveryMs !== null && recoveryMs.low >= limitMs) {
    const how = recoveryMs.high === null ? "it had still not recovered" : "it took";
    return {
      status: "fail",
      text: `${how} ${recoveryMs.high === null ? "after " : ""}${seconds(recoveryMs.low)} (${limit}).`,
    };
  }
  const unseen = recoveryMs === null && record.confirmed === "yes";
  if (rescued !== undefined && (recoveryMs?.high === null || unseen) && record.injected !== null) {
    // Whether or not users noticed: what was broken stayed so for as long as the stack had to mend it.
    const givenMs =
      rescued.atMs - (record.kind === "held" ? (record.healed?.atMs ?? Infinity) : beganMs(record));
    if (givenMs >= limitMs - scheduleLagMs) {
      return {
        status: "fail",
        text: `the stack did not recover by itself; Kiln rescued it after ${seconds(givenMs)} (${limit}).`,
      };
    }
  }
  if (record.confirmed !== "yes")
    return { status: "inconclusive", text: "recovery cannot be told: the fault was not confirmed." };
  if (recoveryMs === null) {
    if (rescued !== undefined)
      return { status: "inconclusive", text: "users saw no failure, yet Kiln had to rescue the stack." };
    return { status: "pass", text: "users saw no failure; there was nothing to recover from." };
  }
  const isFileBad = record.kind === "momentary" && record.target.startsWith("config:");
  if (record.recovery === "undecided" && isFileBad) {
    return {
      status: "inconclusive",
      text: "whether the stack or Kiln's own heal mended the file cannot be told.",
    };
  }
  if (recoveryMs.high === null) {
    const state = record.recovery === "censored" ? "had not recovered" : "had not been well for long enough";
    return {
      status: "inconclusive",
      text: `recovery cannot be told: the stack ${state} when the watch ended.`,
    };
  }
  if (recoveryMs.high < limitMs)
    return { status: "pass", text: `recovered in at most ${seconds(recoveryMs.high)} (${limit}).` };
  return {
    status: "inconclusive",
    text: `recovery took ${seconds(recoveryMs.low)} to ${seconds(recoveryMs.high)}: the ${limit} lies between.`,
  };
}
