// The run's own numbers, judged or not: accounts, availability, latency. Definitions: docs/verdict.md.
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import { LatencySketch } from "../support/latency-sketch.ts";
import { dutyOf, faultRatesOf } from "./duty.ts";
import { isRight, planSecondOf, type LoadIndex, type SecondFacts } from "./load-index.ts";
import { unavailableMsIn } from "./outages.ts";
import type { FaultRecord, Summary } from "./verdict.ts";

/** Right and wrong answers to essential requests, and planned starts of which nothing is known. */
export interface RequestCount {
  readonly right: number;
  /** Failed essential requests and starts dropped while users waited on the target. */
  readonly wrong: number;
  /** Planned starts without any outcome: counted as wrong for the lower bound, as right for the upper. */
  readonly unknown: number;
}

export function countRequests(seconds: readonly SecondFacts[]): RequestCount {
  let right = 0;
  let wrong = 0;
  let unknown = 0;
  for (const facts of seconds) {
    right += facts.ok;
    wrong += facts.failed + facts.stackDropped;
    unknown += facts.planned - facts.completed - facts.stackDropped;
  }
  // Starts that are late by milliseconds may move a drop over a second's edge: only the sum counts.
  return { right, wrong, unknown: Math.max(0, unknown) };
}

/** Share of right answers, with what is unknown counted against and for it; null without any request. */
export function shareOf({
  right,
  wrong,
  unknown,
}: RequestCount): { readonly low: number; readonly high: number; readonly known: number } | null {
  if (right + wrong === 0) return null;
  const all = right + wrong + unknown;
  return { low: right / all, high: (right + unknown) / all, known: right / (right + wrong) };
}

export function availabilityByTime(seconds: readonly SecondFacts[]): number | null {
  const known = seconds.filter(({ state }) => state !== "unknown");
  if (known.length === 0) return null;
  const downMs = known.reduce((sum, facts) => sum + unavailableMsIn(facts), 0);
  return 1 - downMs / (known.length * 1_000);
}

/** Seconds that count for availability: all after warm-up, but for missing evidence. */
export function judgedSeconds(plan: Plan, load: LoadIndex): SecondFacts[] {
  return load.seconds.filter(({ second, missing }) => second * 1_000 >= plan.warmUpMs && missing !== true);
}

export function summarize(
  plan: Plan,
  evidence: Evidence,
  load: LoadIndex,
  calm: ReadonlySet<number>,
  faults: readonly FaultRecord[],
): Summary {
  const accounts = evidence.eventsOf("segment-ended");
  const total = (pick: (account: (typeof accounts)[number]) => number): number =>
    accounts.reduce((sum, each) => sum + pick(each), 0);
  const count = (pick: (facts: SecondFacts) => number): number =>
    load.seconds.reduce((sum, facts) => sum + pick(facts), 0);
  const judged = judgedSeconds(plan, load);
  const counted = new Set(judged.map(({ second }) => second));
  const latency = new LatencySketch();
  for (const cell of evidence.cells())
    if (isRight(cell) && counted.has(planSecondOf(plan, cell.second))) latency.merge(cell.latency);
  const lateness = new LatencySketch();
  for (const second of evidence.seconds()) lateness.merge(second.lateness);
  const q = (sketch: LatencySketch, share: number): number | null =>
    sketch.count === 0 ? null : sketch.quantile(share);
  return {
    loadMs: load.endMs,
    planned: count(({ planned }) => planned),
    completed: count(({ completed }) => completed),
    dropped: count(({ stackDropped, harnessDropped }) => stackDropped + harnessDropped),
    interrupted: total(({ interrupted }) => interrupted),
    failed: count(({ failed, missing }) => (missing === true ? 0 : failed)),
    shed: count(({ shed }) => shed),
    limited: count(({ limited }) => limited),
    availability: shareOf(countRequests(judged))?.known ?? null,
    availabilityByTime: availabilityByTime(judged),
    calmAvailability: shareOf(countRequests(judged.filter(({ second }) => calm.has(second))))?.known ?? null,
    meanMs: latency.count === 0 ? null : latency.meanMs,
    p50Ms: q(latency, 0.5),
    p95Ms: q(latency, 0.95),
    p99Ms: q(latency, 0.99),
    maxMs: latency.count === 0 ? null : latency.maxMs,
    latenessP99Ms: q(lateness, 0.99),
    duty: dutyOf(plan, faults, load.endMs),
    faultRates: faultRatesOf(plan, faults),
  };
}
