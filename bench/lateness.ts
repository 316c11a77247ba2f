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
  /** The largest relative error of a segment's rate: least-squares slope of arrivals over the grid, against the planned period. */
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

/** Least-squares slope of the offsets, milliseconds per start. */
function drift(offsets: readonly Offset[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanIteration = mean(offsets.map(({ iteration }) => iteration));
  // Uptimes are large numbers: taken from the first one, so that nothing is lost in the sums.
  const baseMs = offsets[0]?.offsetMs ?? 0;
  const meanMs = mean(offsets.map(({ offsetMs }) => offsetMs - baseMs));
  let above = 0;
  let below = 0;
  for (const { iteration, offsetMs } of offsets) {
    above += (iteration - meanIteration) * (offsetMs - baseMs - meanMs);
    below += (iteration - meanIteration) ** 2;
  }
  return below === 0 ? 0 : above / below;
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
