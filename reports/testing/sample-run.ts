// A made-up run for tests and for work on the looks of a report: plan, verdict and evidence that fit together, in three outcomes.
import type { Evidence } from "../../harness/journal/evidence.ts";
import type { FaultRecord, Status, Summary, Verdict } from "../../harness/judge/verdict.ts";
import type { FaultStep, Plan } from "../../harness/plan/plan.ts";
import { sampleFindings } from "./sample-findings.ts";
import { sampleEvidence } from "./sample-evidence.ts";
import { sampleFaults, samplePlan, type SampleFault, type SampleOptions } from "./sample-plan.ts";

export interface SampleRun {
  readonly plan: Plan;
  readonly verdict: Verdict;
  readonly evidence: Evidence;
}

/** The same options always give the same run. */
export function sampleRun(options: SampleOptions = {}): SampleRun {
  const plan = samplePlan(options);
  const outcome = options.outcome ?? "pass";
  const endMs = options.endMs ?? plan.durationMs + 4_000;
  const faults = plan.faults
    .filter((step) => step.startMs < endMs && options.load !== false)
    .map((step, index) => record(step, sampleFaults[index % sampleFaults.length] as SampleFault, outcome));
  const summary = summarise(plan, options, Math.min(plan.durationMs, endMs), outcome);
  const findings = sampleFindings(faults, summary, outcome, options);
  const status: Status = options.load === false || options.endMs !== undefined ? "inconclusive" : outcome;
  const verdict: Verdict = {
    v: 1,
    status,
    because: because(status, options),
    partial: options.endMs !== undefined,
    endMs,
    runId: "20261121-030000-smoke-42",
    scenario: plan.scenario,
    seed: plan.seed,
    planHash: plan.hash,
    summary,
    findings,
    faults,
  };
  return { plan, verdict, evidence: sampleEvidence(plan, faults, options) };
}

function because(status: Status, options: SampleOptions): string {
  if (options.load === false) return "The load never started, so nothing was shown about the stack.";
  if (options.endMs !== undefined)
    return "The evidence ends before the plan does; what it covers speaks against nothing.";
  if (status === "fail")
    return "After f07-kill the gateway needed between 19.4 s and 20.4 s to recover; the limit is 15 s. One more objective was missed.";
  if (status === "inconclusive")
    return "Fault f03-upstream-errors could not be confirmed, so what depends on it is not known; 23 starts were dropped with users free.";
  return "All 7 faults were confirmed and over within 5 s, no corrupt configuration was served, and 98.9 % of essential requests succeeded (objective 95 %).";
}

function record(step: FaultStep, spec: SampleFault, outcome: "pass" | "fail" | "inconclusive"): FaultRecord {
  const at = (afterMs: number | null, errorMs: number): { atMs: number; errorMs: number } | null =>
    afterMs === null ? null : { atMs: step.startMs + afterMs, errorMs };
  const unseen = outcome === "inconclusive" && spec.name === "upstream-errors";
  const slow = outcome === "fail" && spec.name === "kill";
  const recoverAfterMs = spec.holdMs + spec.recoverMs;
  const users = spec.failShare > 0;
  return {
    id: step.id,
    fault: spec.name,
    target: step.target,
    kind: step.kind,
    plannedMs: step.startMs,
    injected: at(4, 3),
    effective: unseen ? null : at(spec.effectiveMs, 100),
    detected: at(spec.detectedMs, 250),
    acted: at(spec.detectedMs === null || spec.level === "none" ? null : spec.detectedMs + 90, 5),
    healed: at(spec.kind === "held" ? spec.holdMs : null, 2),
    recovered: unseen ? null : at(slow ? 20_800 : recoverAfterMs, 1_000),
    firstFailure: users ? at(spec.effectiveMs + 20, 15) : null,
    recoveryMs: unseen
      ? null
      : slow
        ? { low: 19_400, high: 20_400 }
        : { low: spec.recoverMs - 400, high: spec.recoverMs },
    recovery: unseen ? "undecided" : users ? "timed" : "none",
    note: users ? "from the first failed request to the first of two good seconds" : "users saw no failure",
    episodes: users ? 1 : 0,
    confirmed: unseen ? "no" : "yes",
    saw: unseen ? "0 of 200 calls failed" : spec.saw,
    magnitude: unseen ? { asked: 0.2, measured: 0, unit: "ratio" } : spec.magnitude,
    level: spec.level,
    failedRequests: spec.name === "kill" ? 198 : Math.round(spec.failShare * 650),
    unavailableMs: spec.name === "kill" ? 3_100 : 0,
    rescued: slow,
  };
}

function summarise(plan: Plan, options: SampleOptions, loadMs: number, outcome: string): Summary {
  if (options.load === false)
    return {
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
  const planned = plan.load.segments.reduce((sum, { starts }) => sum + starts, 0);
  const dropped = outcome === "inconclusive" ? 23 : 0;
  const completed = Math.round((planned * loadMs) / plan.durationMs) - dropped;
  return {
    loadMs,
    planned,
    completed,
    dropped,
    interrupted: planned - completed - dropped,
    failed: 214,
    shed: 0,
    limited: 0,
    availability: 0.98912,
    availabilityByTime: 0.9828,
    calmAvailability: 1,
    meanMs: 11.3,
    p50Ms: 3.4,
    p95Ms: 58.2,
    p99Ms: 143,
    maxMs: 2_000.4,
    latenessP99Ms: 1.3,
    duty: { asked: 0.45, planned: 0.45, measured: 0.447 },
    faultRates: [{ asked: 0.2, measured: 0.205, faults: 1 }],
  };
}
