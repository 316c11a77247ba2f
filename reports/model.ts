// Builds the report's model from plan, verdict and evidence. Pure: it opens no file and reads no clock but `now`. A run that never
// started its load, or that ended early, gives a model all the same.
import type { Evidence } from "../harness/journal/evidence.ts";
import type { Verdict } from "../harness/judge/verdict.ts";
import type { Plan } from "../harness/plan/plan.ts";
import { formatOffset } from "../harness/support/duration.ts";
import { plainTextDeep } from "../harness/support/plain-text.ts";
import { buildCharts } from "./model-charts.ts";
import { buildDrillRows, drillBands } from "./model-drills.ts";
import { buildHow, buildNeverTested, buildTargets, buildTrends } from "./model-facts.ts";
import { buildBands, buildFaultRows, buildMarks } from "./model-faults.ts";
import type { ReportModel } from "./model-types.ts";
import { makeBuckets, pointsOf, type Bucket, type Stretch } from "./time-axis.ts";
import { byWorst, headlines } from "./words.ts";

export interface ReportInput {
  readonly plan: Plan;
  readonly verdict: Verdict;
  readonly evidence: Evidence;
  /** When the report is made; only shown. */
  readonly now?: Date;
}

/** Everything that a report shows, every text of it harmless to a terminal. Never throws for lack of evidence. */
export function buildReportModel(input: ReportInput): ReportModel {
  return plainTextDeep(assemble(input));
}

function assemble({ plan, verdict, evidence, now = new Date() }: ReportInput): ReportModel {
  const findings = verdict.findings.toSorted(byWorst);
  const faults = buildFaultRows(plan, verdict, evidence);
  const drills = buildDrillRows(plan, verdict);
  const bands = [...buildBands(plan, faults, evidence), ...drillBands(drills, evidence)].toSorted(
    (a, b) => a.fromMs - b.fromMs,
  );
  const marks = buildMarks(evidence);
  const startMs = 0;
  const endMs = Math.max(plan.durationMs, 1_000);
  const buckets = makeBuckets(startMs, endMs, stretchesToKeep(findings, faults));
  return {
    v: 1,
    generatedAt: now.toISOString(),
    runId: verdict.runId,
    scenario: plan.scenario,
    description: plan.description,
    seed: plan.seed,
    planHash: plan.hash,
    durationMs: plan.durationMs,
    status: verdict.status,
    headline: headlines[verdict.status],
    because: verdict.because,
    partial: partialText(verdict, evidence, plan),
    endMs: verdict.endMs,
    summary: verdict.summary,
    recoveryLimitMs: plan.objectives.recoveryMs ?? null,
    availabilityObjective: plan.objectives.availability ?? null,
    findings,
    faults,
    drills,
    axis: { startMs, endMs, xSec: pointsOf(buckets), widestMs: widest(buckets) },
    charts: buildCharts({ evidence, buckets, summary: verdict.summary, bands, marks }),
    bands,
    marks,
    trends: buildTrends(plan, evidence),
    targets: buildTargets(verdict),
    journeys: verdict.journeys ?? null,
    neverTested: buildNeverTested(plan, verdict, faults),
    accounts: evidence
      .eventsOf("segment-ended")
      .map(({ seq: _seq, atMs: _atMs, type: _type, ...accounts }) => accounts),
    how: buildHow(plan, verdict, evidence),
  };
}

function widest(buckets: readonly Bucket[]): number {
  return buckets.reduce((wide, { from, to }) => Math.max(wide, to - from), 1) * 1_000;
}

const longestCitedMs = 600_000;

/** What a reader will zoom to: faults, and what bad findings cite (unless that is most of the run). */
function stretchesToKeep(
  findings: readonly Verdict["findings"][number][],
  faults: ReportModel["faults"],
): Stretch[] {
  const cited = findings
    .flatMap(({ status, evidence: { fromMs, toMs } }) =>
      status === "pass" || fromMs === undefined ? [] : [{ fromMs, toMs: toMs ?? fromMs }],
    )
    .filter(({ fromMs, toMs }) => toMs - fromMs <= longestCitedMs);
  const harmed = faults.flatMap(({ record }) =>
    record.injected === null
      ? []
      : [
          {
            fromMs: record.injected.atMs,
            toMs: record.recovered?.atMs ?? record.healed?.atMs ?? record.injected.atMs,
          },
        ],
  );
  return [...cited, ...harmed];
}

function partialText(verdict: Verdict, evidence: Evidence, plan: Plan): string | null {
  if (!evidence.loadStarted)
    return "The load never started: there is no evidence about the stack under load.";
  if (!verdict.partial) return null;
  const end = formatOffset(Math.min(verdict.endMs, plan.durationMs));
  return `The evidence ends at ${end} of ${formatOffset(plan.durationMs)}. What was planned after that is not judged.`;
}
