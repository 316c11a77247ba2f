// The run's own normal latency, by planned rate, and whether ten seconds lie inside its band.
import type { Evidence } from "../journal/evidence.ts";
import { LatencySketch } from "../support/latency-sketch.ts";
import { isRight, latenessLimitMs, type LoadIndex, type SecondFacts } from "./load-index.ts";

/** Length of a latency window, seconds (DESIGN "Faults"). */
export const latencyWindowSeconds = 10;
/** Fewer calm seconds than this at a rate give no baseline: its p95 would be a guess. */
const baselineSeconds = 30;
/** The band: half as much again, and never less than 10 ms above, because below that a shared machine's own noise decides. */
const bandFactor = 0.5;
const bandFloorMs = 10;
/** Of a window's seconds so many must have a quiet generator. */
const usableSeconds = 5;

export interface Baseline {
  /** True: in the band. False: outside. Null: cannot be told (no baseline at that rate, too few usable seconds). */
  windowIsGood(fromSecond: number): boolean | null;
  /** Whether there is a baseline for this rate. */
  has(rps: number): boolean;
}

export function quietGenerator({ latenessP99Ms }: SecondFacts): boolean {
  return latenessP99Ms !== null && latenessP99Ms <= latenessLimitMs;
}

/** Upper edge of the band around a calm p95, milliseconds. */
function bandEdgeMs(p95Ms: number): number {
  return p95Ms + Math.max(bandFloorMs, bandFactor * p95Ms);
}

/** From seconds that the plan (not the outcome) calls calm, so that what is compared does not choose what it is compared with. */
export function baselineFrom(evidence: Evidence, load: LoadIndex, calm: ReadonlySet<number>): Baseline {
  const byRate = new Map<number, { sketch: LatencySketch; seconds: Set<number> }>();
  for (const cell of evidence.cells()) {
    const facts = load.seconds[cell.second];
    if (
      !isRight(cell) ||
      facts === undefined ||
      facts.state !== "good" ||
      !calm.has(cell.second) ||
      !quietGenerator(facts)
    )
      continue;
    const rate = byRate.get(facts.rps) ?? { sketch: new LatencySketch(), seconds: new Set() };
    rate.sketch.merge(cell.latency);
    rate.seconds.add(cell.second);
    byRate.set(facts.rps, rate);
  }
  const edges = new Map<number, number>();
  for (const [rps, { sketch, seconds }] of byRate) {
    if (seconds.size >= baselineSeconds) edges.set(rps, bandEdgeMs(sketch.quantile(0.95)));
  }
  return {
    has: (rps) => edges.has(rps),
    windowIsGood(fromSecond) {
      const usable = load.seconds.slice(fromSecond, fromSecond + latencyWindowSeconds).filter(quietGenerator);
      if (usable.length < usableSeconds) return null;
      const edge = Math.max(...usable.map(({ rps }) => edges.get(rps) ?? Number.NaN));
      if (Number.isNaN(edge)) return null;
      const chosen = new Set(usable.map(({ second }) => second));
      const sketch = new LatencySketch();
      for (const cell of evidence.cells(fromSecond * 1_000, (fromSecond + latencyWindowSeconds) * 1_000)) {
        if (isRight(cell) && chosen.has(cell.second)) sketch.merge(cell.latency);
      }
      return sketch.count === 0 ? null : sketch.quantile(0.95) <= edge;
    },
  };
}
