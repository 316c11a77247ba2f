// From stamped arrivals to figures: how late each start came against the ideal grid, and how far the rate is off. Pure.
import type { LoadSegment } from "../harness/plan/plan.ts";

export interface Arrival {
  readonly segment: number;
  readonly iteration: number;
  /** CLOCK_MONOTONIC. */
  readonly atMs: number;
}

export interface Distribution {
  readonly minMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface ScheduleFigures {
  readonly planned: number;
  readonly arrived: number;
  /** The largest relative error of a segment's rate: slope of arrivals over the grid, against the planned period. */
  readonly rateError: number;
  /**
   * Against a grid anchored, for each segment, at the earliest consistent arrival (the least of arrival - i * period): it needs no plan,
   * so that k6 with and without Kiln are measured alike. All segments together.
   */
  readonly lateness: Distribution;
}

export type Grid = Pick<LoadSegment, "index" | "startMs" | "rps" | "starts">;

/** Reads what stamp-server.ts wrote. */
export function readStamps(bytes: Uint8Array): Arrival[] {
  const values = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const arrivals: Arrival[] = [];
  for (let at = 0; at + 2 < values.length; at += 3) {
    const [segment = Number.NaN, iteration = Number.NaN, atMs = Number.NaN] = values.subarray(at, at + 3);
    arrivals.push({ segment, iteration, atMs });
  }
  return arrivals;
}

/** Figures of one run over all its segments. Throws a RangeError when a segment has fewer than two arrivals. */
export function scheduleFigures(segments: readonly Grid[], arrivals: readonly Arrival[]): ScheduleFigures {
  const late: number[] = [];
  let rateError = 0;
  for (const segment of segments) {
    const offsets = offsetsOf(segment, arrivals);
    if (offsets.length < 2) throw new RangeError(`segment ${segment.index} has ${offsets.length} arrivals`);
    const anchorMs = offsets.reduce((least, { offsetMs }) => Math.min(least, offsetMs), Infinity);
    for (const { offsetMs } of offsets) late.push(offsetMs - anchorMs);
    rateError = Math.max(rateError, Math.abs(drift(offsets)) / (1_000 / segment.rps));
  }
  return {
    planned: segments.reduce((sum, { starts }) => sum + starts, 0),
    arrived: arrivals.length,
    rateError,
    lateness: distribution(late),
  };
}

/** Lateness against the plan itself: zero is a start on its slot, negative is early. `zeroMs` is plan time zero on CLOCK_MONOTONIC. */
export function absoluteLateness(
  segments: readonly Grid[],
  arrivals: readonly Arrival[],
  zeroMs: number,
): Distribution {
  return distribution(
    segments.flatMap((segment) =>
      offsetsOf(segment, arrivals).map(({ offsetMs }) => offsetMs - zeroMs - segment.startMs),
    ),
  );
}

/** How late each segment as a whole began: its anchor against its planned start, milliseconds, in order of the segments. */
export function releaseLateness(
  segments: readonly Grid[],
  arrivals: readonly Arrival[],
  zeroMs: number,
): number[] {
  return segments.map((segment) => {
    const offsets = offsetsOf(segment, arrivals).map(({ offsetMs }) => offsetMs);
    return Math.min(...offsets) - zeroMs - segment.startMs;
  });
}

interface Offset {
  readonly iteration: number;
  /** Arrival minus iteration * period. */
  readonly offsetMs: number;
}

/** k6 numbers the iterations that it runs: without dropped starts (planned = arrived) the number is the slot. */
function offsetsOf(segment: Grid, arrivals: readonly Arrival[]): Offset[] {
  const periodMs = 1_000 / segment.rps;
  return arrivals
    .filter((arrival) => arrival.segment === segment.index)
    .map(({ iteration, atMs }) => ({ iteration, offsetMs: atMs - iteration * periodMs }));
}

const driftBlocks = 10;

/**
 * Slope of the offsets, milliseconds per start: the median slope between the medians of ten blocks (Theil-Sen), which a few very late
 * starts do not move.
 */
function drift(offsets: readonly Offset[]): number {
  const ordered = offsets.toSorted((a, b) => a.iteration - b.iteration);
  const size = Math.max(1, Math.floor(ordered.length / driftBlocks));
  const blocks = Array.from({ length: Math.floor(ordered.length / size) }, (_, at) => {
    const block = ordered.slice(at * size, (at + 1) * size);
    return {
      iteration: median(block.map(({ iteration }) => iteration)),
      offsetMs: median(block.map(({ offsetMs }) => offsetMs)),
    };
  });
  const slopes = blocks.flatMap((from, at) =>
    blocks.slice(at + 1).map((to) => (to.offsetMs - from.offsetMs) / (to.iteration - from.iteration)),
  );
  return median(slopes);
}

export function distribution(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  // Nearest rank.
  const at = (q: number): number => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
  return { minMs: at(0), p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99), maxMs: at(1) };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  const upper = sorted[Math.floor(half)] ?? Number.NaN;
  return Number.isInteger(half) ? (upper + (sorted[half - 1] ?? Number.NaN)) / 2 : upper;
}
