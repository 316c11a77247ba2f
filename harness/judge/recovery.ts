// Was the stack itself again in time after each fault? Passes on the upper end of the interval, fails on the lower.
import type { Evidence } from "../journal/evidence.ts";
import type { Checker } from "./checker.ts";
import { finding, measure, seconds } from "./finding.ts";
import type { FaultRecord, Finding, Status } from "./verdict.ts";

/** Kiln counts its rescue deadline from the planned start; injecting may begin so much later. */
const scheduleLagMs = 1_000;

export const recovery: Checker = {
  name: "recovery",
  check(plan, evidence, facts) {
    const limitMs = plan.objectives.recoveryMs;
    if (limitMs === undefined) return [];
    return facts.faults
      .filter(({ recovery }) => recovery !== "not-run")
      .map((record) => judgeRecovery(record, limitMs, evidence));
  },
};

function judgeRecovery(record: FaultRecord, limitMs: number, evidence: Evidence): Finding {
  const { id, recoveryMs } = record;
  const { status, text } = decide(record, limitMs, evidence);
  const began = record.injected === null ? record.plannedMs : record.injected.atMs - record.injected.errorMs;
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

function decide(record: FaultRecord, limitMs: number, evidence: Evidence): { status: Status; text: string } {
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
  if (rescued !== undefined && recoveryMs?.high === null && record.injected !== null) {
    const givenMs = rescued.atMs - (record.injected.atMs - record.injected.errorMs);
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
  if (record.recovery === "undecided" && record.target.startsWith("config:")) {
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
