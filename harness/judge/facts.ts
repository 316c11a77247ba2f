// What every checker shares, worked out once: the load second by second, a record for each planned fault, the run's numbers.
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import { baselineFrom, type Baseline } from "./baseline.ts";
import type { Facts } from "./checker.ts";
import { recoveryInGroup, sameGroup } from "./groups.ts";
import { drillRecords, drillTime } from "./drill-records.ts";
import { configFilesOf, configReadings, reactionTo, timelineOf, type FaultTimeline } from "./instants.ts";
import { indexLoad, type LoadIndex } from "./load-index.ts";
import { summarizeJourneys } from "./journey-summary.ts";
import { missingStretches, withoutMissing } from "./missing-evidence.ts";
import { unavailableMsOf } from "./outages.ts";
import { proxyStretches } from "./proxy-gone.ts";
import { watchEnd } from "./recovery-time.ts";
import { calmSeconds, type Span } from "./spans.ts";
import { starvedStretches } from "./starved.ts";
import { summarize } from "./summary.ts";
import type { DrillRecord, FaultRecord, Instant } from "./verdict.ts";

export function gatherFacts(plan: Plan, evidence: Evidence): Facts {
  const recorded = indexLoad(plan, evidence);
  const missing = [...missingStretches(evidence), ...proxyStretches(plan, evidence, recorded)].toSorted(
    (a, b) => a.fromMs - b.fromMs,
  );
  const load = withoutMissing(recorded, missing);
  const timelines = plan.faults.map((step) => timelineOf(step, evidence));
  const ran = timelines.filter(({ beganMs }) => beganMs !== null);
  const drills = drillRecords(plan, evidence, load);
  // The baseline may not depend on how recoveries came out: its calm is what the plan calls calm, shifted by real healing. A drill harms
  // nobody, but what it costs the machine is not usual.
  const roughSpans = [...ran.map((timeline) => spanOf(timeline, null, 0)), ...drills.flatMap(drillSpan)];
  const baseline = baselineFrom(evidence, load, calmSeconds(plan, load, roughSpans));
  const built = timelines.map((timeline) =>
    buildRecord({
      plan,
      evidence,
      load,
      baseline,
      timeline,
      ran,
      nextFaultMs: nextAfter(timeline, ran, drills),
    }),
  );
  const spans = built.flatMap(({ span }) => (span === null ? [] : [span]));
  const faults = built.map(({ record }) => record);
  const starved = starvedStretches(plan, evidence, recorded);
  const journeys = summarizeJourneys(plan, evidence, { faults, spans, missing, starved });
  return {
    faults,
    drills,
    summary: summarize(plan, evidence, load, calmSeconds(plan, load, spans), faults),
    load,
    spans,
    missing,
    starved,
    ...(journeys === undefined ? {} : { journeys }),
  };
}

function drillSpan(record: DrillRecord): Span[] {
  const time = drillTime(record);
  return time === null ? [] : [{ fault: record.id, ...time }];
}

/** The next fault that is not one of its group, or the next drill. */
function nextAfter(
  { beganMs, step }: FaultTimeline,
  ran: readonly FaultTimeline[],
  drills: readonly DrillRecord[],
): number {
  const operations = drills.flatMap((drill) =>
    beganMs !== null && drill.beganMs !== null && drill.beganMs > beganMs ? [drill.beganMs] : [],
  );
  const later = ran.flatMap((other) =>
    other.beganMs !== null && beganMs !== null && other.beganMs > beganMs && !sameGroup(other.step, step)
      ? [other.beganMs]
      : [],
  );
  return Math.min(Infinity, ...later, ...operations);
}

function spanOf(timeline: FaultTimeline, recovered: Instant | null, atLeastMs: number): Span {
  const { step } = timeline;
  const beganMs = timeline.beganMs ?? step.startMs;
  // A run that lags behind its plan keeps the settle that was planned after the end of harm.
  const settleMs = step.settleUntilMs - step.healMs;
  const endOfHarmMs = timeline.healed?.atMs ?? (step.kind === "held" ? step.healMs : beganMs);
  const momentaryMs = step.kind === "momentary" ? beganMs + settleMs : endOfHarmMs + settleMs;
  return {
    fault: step.id,
    fromMs: beganMs,
    toMs: Math.max(step.settleUntilMs, momentaryMs, recovered?.atMs ?? 0, atLeastMs),
  };
}

interface RecordInput {
  readonly plan: Plan;
  readonly evidence: Evidence;
  readonly load: LoadIndex;
  readonly baseline: Baseline;
  readonly timeline: FaultTimeline;
  readonly ran: readonly FaultTimeline[];
  readonly nextFaultMs: number;
}

function buildRecord(input: RecordInput): { record: FaultRecord; span: Span | null } {
  const { plan, evidence, load, timeline } = input;
  const { step } = timeline;
  const end = watchEnd(input);
  // Reactions are looked for until the next fault, even after a rescue or under a spike: a late reaction is still this fault's.
  const reactionEndMs = Math.min(input.nextFaultMs, Math.max(end.atMs, spanOf(timeline, null, 0).toMs));
  const reaction = reactionTo(plan, evidence, timeline, reactionEndMs);
  const files = configFilesOf(plan, step.target);
  // A held fault leaves the file valid: there is no reading that could tell when it came right again.
  const config =
    files.length === 0 || step.kind === "held" ? null : configReadings(evidence, timeline, files);
  const recovery = recoveryInGroup({ ...input, acted: reaction.acted, config }, input.ran);
  const ill = recovery.recovery === "censored" || recovery.recovery === "undecided";
  const span = timeline.beganMs === null ? null : spanOf(timeline, recovery.recovered, ill ? end.atMs : 0);
  const harmed =
    span === null ? [] : secondsOf(load, span, plan.load.timeoutMs, Math.min(end.atMs, span.toMs));
  const record: FaultRecord = {
    id: step.id,
    fault: step.fault,
    target: step.target,
    kind: step.kind,
    plannedMs: step.startMs,
    injected: timeline.injected,
    effective: earlier(timeline.effective, recovery.firstFailure),
    ...reaction,
    healed: timeline.healed,
    ...recovery,
    confirmed: timeline.confirmed,
    saw: timeline.saw,
    magnitude: timeline.magnitude,
    failedRequests: harmed
      .filter((each) => each.missing !== true)
      .reduce((sum, { failed, stackDropped }) => sum + failed + stackDropped, 0),
    unavailableMs: Math.round(unavailableMsOf(harmed)),
    rescued: timeline.rescuedMs !== null,
  };
  return { record, span };
}

/** A failed request shows that it bites, but only of a fault that was confirmed: without confirmation the failure may be anything's. */
function earlier(confirmed: Instant | null, failure: Instant | null): Instant | null {
  return confirmed !== null && failure !== null && failure.atMs < confirmed.atMs ? failure : confirmed;
}

function secondsOf(load: LoadIndex, span: Span, timeoutMs: number, toMs: number): LoadIndex["seconds"] {
  return load.seconds.slice(
    Math.max(0, Math.floor((span.fromMs - timeoutMs) / 1_000)),
    Math.max(0, Math.ceil(toMs / 1_000)),
  );
}
