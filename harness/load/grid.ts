// The grid of planned starts: start n of a segment belongs at startMs + n * 1000 / rps, plan time. Pure.
import type { LoadSegment } from "../plan/plan.ts";

/** Plan time of a segment's n-th start, from 0. */
export function slotMs(segment: LoadSegment, n: number): number {
  return segment.startMs + (n * 1_000) / segment.rps;
}

/** Starts of a segment that are planned before `atMs`. */
export function plannedBefore(segment: LoadSegment, atMs: number): number {
  // The epsilon keeps a start that lies on `atMs` out in spite of rounding.
  const slots = Math.ceil(((atMs - segment.startMs) * segment.rps) / 1_000 - 1e-6);
  return Math.min(segment.starts, Math.max(0, slots));
}

/** Starts planned in [fromMs, toMs) over all segments. */
export function plannedBetween(segments: readonly LoadSegment[], fromMs: number, toMs: number): number {
  let planned = 0;
  for (const segment of segments) {
    if (segment.endMs <= fromMs || segment.startMs >= toMs) continue;
    planned += plannedBefore(segment, toMs) - plannedBefore(segment, fromMs);
  }
  return planned;
}

/** The segment in force at a plan time; the first before the load, the last after it. */
export function segmentAt(segments: readonly LoadSegment[], atMs: number): LoadSegment {
  const first = segments[0];
  if (first === undefined) throw new RangeError("a plan without load segments");
  return segments.findLast((segment) => segment.startMs <= atMs) ?? first;
}

// A start may come this much before its slot: the release of a segment is aimed to well under a millisecond, and the join of wall
// and monotonic time is good to about half a millisecond.
const earlyToleranceMs = 2;

/**
 * Slot of the start with iteration number `i`. k6 numbers the iterations that it runs, and a dropped start takes no number (tried with
 * v2.2.0), so the slot is i plus the drops before it. k6 handles slot after slot and puts both on one channel: every drop before this
 * start was seen when its row arrives, and a few later ones may have been seen, too. Hence the latest slot not after the actual start,
 * among i ... i + drops. Without drops this is exact whatever the lateness.
 */
export function slotOf(segment: LoadSegment, i: number, atMs: number, dropsSeen: number): number {
  const latest = Math.floor(((atMs + earlyToleranceMs - segment.startMs) * segment.rps) / 1_000);
  return Math.max(i, Math.min(i + dropsSeen, latest));
}
