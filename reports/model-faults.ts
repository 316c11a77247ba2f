// Faults on the way into the report: each planned step joined with what became of it, and everything that shades the time axis.
import type { Evidence } from "../harness/journal/evidence.ts";
import type { FaultRecord, Finding, Verdict } from "../harness/judge/verdict.ts";
import { indexLoad } from "../harness/judge/load-index.ts";
import { missingStretches } from "../harness/judge/missing-evidence.ts";
import { starvedStretches } from "../harness/judge/starved.ts";
import type { FaultStep, Plan } from "../harness/plan/plan.ts";
import type { Json } from "../harness/support/json.ts";
import { formatDuration } from "../harness/support/duration.ts";
import type { Band, FaultRow, Mark, WatchdogEntry } from "./model-types.ts";
import { byWorst } from "./words.ts";

const watchdogLines = 40;

/** A fault of the plan that the judge said nothing about: it was never reached. */
function unreached(step: FaultStep): FaultRecord {
  return {
    id: step.id,
    fault: step.fault,
    target: step.target,
    kind: step.kind,
    plannedMs: step.startMs,
    injected: null,
    effective: null,
    detected: null,
    acted: null,
    healed: null,
    recovered: null,
    firstFailure: null,
    recoveryMs: null,
    recovery: "not-run",
    note: "",
    episodes: 0,
    confirmed: "not-run",
    saw: "",
    magnitude: null,
    level: "none",
    failedRequests: 0,
    unavailableMs: 0,
    rescued: false,
  };
}

function optionText(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export function buildFaultRows(plan: Plan, verdict: Verdict, evidence: Evidence): FaultRow[] {
  const records = new Map(verdict.faults.map((record) => [record.id, record]));
  const log = evidence
    .eventsOf("watchdog")
    .map(({ seq, atMs, line }): WatchdogEntry => ({ ...line, seq, atMs }));
  const reasons = new Map(evidence.eventsOf("fault-skipped").map((event) => [event.id, event.reason]));
  return plan.faults.map((step) => {
    const record = records.get(step.id) ?? unreached(step);
    const missing =
      step.skipped === undefined
        ? null
        : (step.skipped.reason ?? `the stack lacks: ${step.skipped.missing.join(", ")}`);
    const notReached = record.confirmed === "not-run" ? "the run ended before it" : null;
    const fromMs = (record.injected?.atMs ?? step.startMs) - 1_000;
    const untilMs = Math.max(step.settleUntilMs, record.recovered?.atMs ?? 0);
    const lines = log.filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs);
    return {
      record,
      asked: Object.entries(step.options)
        .filter(([, value]) => !step.target.endsWith(`:${optionText(value)}`))
        .map(([key, value]) => `${key} ${optionText(value)}`)
        .concat(
          step.pattern === undefined
            ? []
            : `${step.pattern.name} ${step.pattern.index} of ${step.pattern.of}`,
        )
        .join(", "),
      skipped: missing ?? reasons.get(step.id) ?? notReached,
      healPlannedMs: step.healMs,
      findings: verdict.findings.filter((finding: Finding) => finding.fault === step.id).toSorted(byWorst),
      watchdog: lines.slice(0, watchdogLines),
      watchdogLeftOut: Math.max(0, lines.length - watchdogLines),
    };
  });
}

/** "f03" of "f03-memory-leak": short enough for a band. */
function shortId(id: string): string {
  return id.split("-", 1)[0] ?? id;
}

export function buildBands(plan: Plan, faults: readonly FaultRow[], evidence: Evidence): Band[] {
  const bands: Band[] = [];
  if (plan.warmUpMs > 0)
    bands.push({
      kind: "warm-up",
      fromMs: 0,
      toMs: plan.warmUpMs,
      short: "warm-up",
      label: `warm-up, ${formatDuration(plan.warmUpMs)}, not judged`,
    });
  plan.windows.forEach(({ startMs, endMs }, index) =>
    bands.push({
      kind: "window",
      fromMs: startMs,
      toMs: endMs,
      short: "",
      label: `chaos window ${index + 1}`,
    }),
  );
  for (const segment of plan.load.segments) {
    if (segment.kind !== "spike") continue;
    bands.push({
      kind: "spike",
      fromMs: segment.startMs,
      toMs: segment.endMs,
      short: "spike",
      label: `load spike, ${segment.rps} requests/s`,
    });
  }
  for (const { record, healPlannedMs } of faults) {
    if (record.injected === null) continue;
    // A momentary fault is over at once; what Kiln tidies up later is not the end of its harm.
    const healedMs = record.kind === "held" ? (record.healed?.atMs ?? null) : record.injected.atMs;
    const endMs =
      record.recovered?.atMs ??
      record.healed?.atMs ??
      Math.min(Math.max(healPlannedMs, record.injected.atMs), evidence.endMs);
    bands.push({
      kind: "fault",
      fromMs: record.injected.atMs,
      toMs: Math.max(endMs, record.injected.atMs),
      short: shortId(record.id),
      label: record.confirmed === "no" ? `${record.id} (not confirmed)` : record.id,
      healedMs,
    });
  }
  bands.push(...gapBands(plan, evidence));
  if (evidence.endMs < plan.durationMs)
    bands.push({
      kind: "unseen",
      fromMs: Math.max(0, evidence.endMs),
      toMs: plan.durationMs,
      short: "no evidence",
      label: "no evidence",
    });
  return bands;
}

/** Where evidence is missing or doubtful. */
function gapBands(plan: Plan, evidence: Evidence): Band[] {
  const bands: Band[] = [];
  for (const { fromMs, toMs, what } of missingStretches(evidence))
    bands.push({ kind: "gap", fromMs: Math.max(0, fromMs), toMs, short: "gap", label: `gap: ${what}` });
  for (const gap of evidence.eventsOf("gap"))
    bands.push({
      kind: "gap",
      fromMs: gap.atMs - gap.lengthMs,
      toMs: gap.atMs,
      short: "gap",
      label: `gap: ${gap.what}`,
    });
  for (const { state, fromMs, atMs } of evidence.eventsOf("control-plane"))
    if (state === "replaced" && fromMs !== undefined)
      bands.push({ kind: "gap", fromMs, toMs: atMs, short: "no proxy", label: "gap: Toxiproxy was gone" });
  for (const { fromMs, toMs, what } of starvedStretches(plan, evidence, indexLoad(plan, evidence)))
    bands.push({
      kind: "gap",
      fromMs: Math.max(0, fromMs),
      toMs,
      short: "starved",
      label: `starved: ${what}`,
    });
  return bands;
}

/** Replacements of processes: a service that appears again is a restart, its first appearance is none. */
export function buildMarks(evidence: Evidence): Mark[] {
  const seen = new Set<string>();
  const marks: Mark[] = [];
  for (const event of evidence.eventsOf("process")) {
    if (event.change !== "appeared") continue;
    if (seen.has(event.service) && event.atMs >= 0)
      marks.push({ atMs: event.startedAtMs ?? event.atMs, label: `${event.service} restarted` });
    seen.add(event.service);
  }
  return marks;
}
