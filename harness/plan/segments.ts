// The load as a row of segments without gaps. Each holds a whole number of starts: where a boundary does not allow that at the segment's
// rate, the boundary moves by less than a second.
import type { Recurring, Scenario } from "../scenario/scenario.ts";
import type { Interval } from "../support/intervals.ts";
import type { LoadSegment } from "./plan.ts";

/** A remainder shorter than this joins the segment before it: starting k6 for it would cost more than it measures. */
const shortestSegmentMs = 5_000;

/** Every occurrence that lies wholly before `endMs`. */
export function occurrences(recurring: Recurring | null, endMs: number): Interval[] {
  const found: Interval[] = [];
  if (recurring === null) return found;
  for (let startMs = recurring.firstAtMs; startMs + recurring.forMs <= endMs; startMs += recurring.everyMs) {
    found.push({ startMs, endMs: startMs + recurring.forMs });
  }
  return found;
}

/** Segments cut at the edges of spikes and every `rotateEveryMs`. The last one ends the plan, less than a second before `durationMs` or at it. */
export function loadSegments(
  { load, durationMs }: Pick<Scenario, "load" | "durationMs">,
  spikes: readonly Interval[] = occurrences(load.spike, durationMs),
): LoadSegment[] {
  const segments: LoadSegment[] = [];
  for (const stretch of stretches(load, durationMs, spikes)) {
    for (const nominalEndMs of cuts(stretch, load.rotateEveryMs)) {
      const startMs = segments.at(-1)?.endMs ?? 0;
      const stepMs = wholeStartStepMs(stretch.rps);
      const steps = (nominalEndMs - startMs) / stepMs;
      const wholeSteps = nominalEndMs === durationMs ? Math.floor(steps) : Math.round(steps);
      if (wholeSteps < 1) continue;
      segments.push(segment(segments.length, stretch, startMs, startMs + wholeSteps * stepMs, load));
    }
  }
  return segments;
}

interface Stretch extends Interval {
  readonly kind: "steady" | "spike";
  readonly rps: number;
}

function stretches(load: Scenario["load"], durationMs: number, spikes: readonly Interval[]): Stretch[] {
  const found: Stretch[] = [];
  let fromMs = 0;
  const steadyUntil = (endMs: number): void => {
    if (endMs > fromMs) found.push({ kind: "steady", rps: load.steadyRps, startMs: fromMs, endMs });
    fromMs = endMs;
  };
  for (const spike of spikes) {
    steadyUntil(spike.startMs);
    found.push({ kind: "spike", rps: load.spike?.rps ?? load.steadyRps, ...spike });
    fromMs = spike.endMs;
  }
  steadyUntil(durationMs);
  return found;
}

/** Nominal ends of the segments of one stretch. */
function cuts(stretch: Interval, everyMs: number): number[] {
  const ends: number[] = [];
  for (let endMs = stretch.startMs + everyMs; endMs <= stretch.endMs - shortestSegmentMs; endMs += everyMs)
    ends.push(endMs);
  return [...ends, stretch.endMs];
}

/** The shortest whole number of milliseconds that holds a whole number of starts: 200 at 65/s, 40 at 175/s, never more than 1,000. */
function wholeStartStepMs(rps: number): number {
  return 1_000 / greatestCommonDivisor(1_000, rps);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function segment(
  index: number,
  { kind, rps }: Stretch,
  startMs: number,
  endMs: number,
  load: Scenario["load"],
): LoadSegment {
  // ceil(1.25 * rps * time-out in seconds), in whole numbers: 1.25 / 1000 = 1 / 800.
  const usersNeeded = Math.ceil((rps * load.timeoutMs) / 800);
  const users = Math.min(usersNeeded, load.maxUsers ?? usersNeeded);
  return { index, kind, startMs, endMs, rps, starts: ((endMs - startMs) * rps) / 1_000, usersNeeded, users };
}
