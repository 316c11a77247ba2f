// The shared time axis of all charts and how series are brought down to it. A run of up to 1,200 s keeps each second. A longer one gets
// about 600 coarse buckets, and finer ones around faults and bad findings, so that zooming in on them shows something. All of those
// get the same width (as small as 4,000 points allow): were some finer than others, equal faults would look different. Wide buckets have two points, so that a series can show its lowest and highest value there: no one-second spike is lost.

const longestInSeconds = 1_200;
const coarseBuckets = 600;
const finePoints = 4_000;
const paddingSec = 30;

export interface Bucket {
  /** Whole seconds, [from, to). */
  readonly from: number;
  readonly to: number;
}

export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Buckets from `startMs` to `endMs` (plan time), without holes, at least one; `closer` lists the stretches to keep fine. */
export function makeBuckets(startMs: number, endMs: number, closer: readonly Stretch[] = []): Bucket[] {
  const from = Math.floor(startMs / 1_000);
  const to = Math.max(from + 1, Math.ceil(endMs / 1_000));
  if (to - from <= longestInSeconds) return slice(from, to, 1);
  const width = Math.ceil((to - from) / coarseBuckets);
  const fine = fineStretches(from, to, width, closer);
  const buckets: Bucket[] = [];
  let at = from;
  for (const stretch of fine) {
    buckets.push(...slice(at, stretch.from, width), ...slice(stretch.from, stretch.to, stretch.width));
    at = stretch.to;
  }
  return [...buckets, ...slice(at, to, width)];
}

interface Fine extends Bucket {
  readonly width: number;
}

function fineStretches(from: number, to: number, coarse: number, closer: readonly Stretch[]): Fine[] {
  const merged: { from: number; to: number }[] = [];
  for (const { fromMs, toMs } of closer.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const low = Math.max(from, Math.floor(fromMs / 1_000) - paddingSec);
    const high = Math.min(to, Math.ceil(toMs / 1_000) + paddingSec);
    const last = merged.at(-1);
    if (last !== undefined && low <= last.to) last.to = Math.max(last.to, high);
    else if (high > low) merged.push({ from: low, to: high });
  }
  const total = merged.reduce((sum, stretch) => sum + stretch.to - stretch.from, 0);
  // One second is one point; a wider bucket is two.
  const width = total <= finePoints ? 1 : Math.ceil((2 * total) / finePoints);
  return width * 2 > coarse ? [] : merged.map((stretch) => ({ ...stretch, width }));
}

function slice(from: number, to: number, width: number): Bucket[] {
  const buckets: Bucket[] = [];
  for (let at = from; at < to; at += width) buckets.push({ from: at, to: Math.min(to, at + width) });
  return buckets;
}

/** Plan time in seconds of each point: one for a bucket of one second, two for a wider one. */
export function pointsOf(buckets: readonly Bucket[]): number[] {
  return buckets.flatMap(({ from, to }) => (to - from === 1 ? [from] : [from, (from + to) / 2]));
}

/** Finds the bucket of a second; seconds must not fall far behind the last one asked for (it walks forward and restarts when it must). */
export function bucketFinder(buckets: readonly Bucket[]): (second: number) => number {
  let index = 0;
  return (second) => {
    if (second < (buckets[index]?.from ?? Infinity)) index = 0;
    while (index < buckets.length && second >= (buckets[index] as Bucket).to) index++;
    return index < buckets.length && second >= (buckets[index] as Bucket).from ? index : -1;
  };
}

/** Collects values of one series and gives them back as points: in each wide bucket the extremes, in the order in which they came. */
export class Extremes {
  readonly #buckets: readonly Bucket[];
  readonly #find: (second: number) => number;
  readonly #low: (number | null)[];
  readonly #high: (number | null)[];
  readonly #lowFirst: boolean[];

  constructor(buckets: readonly Bucket[]) {
    this.#buckets = buckets;
    this.#find = bucketFinder(buckets);
    this.#low = buckets.map(() => null);
    this.#high = buckets.map(() => null);
    this.#lowFirst = buckets.map(() => true);
  }

  add(second: number, value: number): void {
    const index = this.#find(second);
    if (index < 0 || !Number.isFinite(value)) return;
    const low = this.#low[index] ?? null;
    const high = this.#high[index] ?? null;
    if (low === null || value < low) {
      this.#low[index] = value;
      this.#lowFirst[index] = low === null;
    }
    if (high === null || value > high) {
      this.#high[index] = value;
      if (high !== null) this.#lowFirst[index] = true;
    }
  }

  /** Points on the shared axis. A bucket of one second shows its highest value, an empty one null. */
  points(): (number | null)[] {
    return this.#buckets.flatMap(({ from, to }, index) => {
      const low = this.#low[index] ?? null;
      const high = this.#high[index] ?? null;
      if (to - from === 1) return [high];
      return this.#lowFirst[index] === true ? [low, high] : [high, low];
    });
  }
}

/** Fills a value forward over points that lie closer than `holdSec` after it: a sample each 5 s is a line, a gap stays a gap. */
export function holdForward(
  xSec: readonly number[],
  values: readonly (number | null)[],
  holdSec: number,
): (number | null)[] {
  let last: { readonly value: number; readonly at: number } | null = null;
  return values.map((value, index) => {
    const at = xSec[index] ?? 0;
    if (value !== null) last = { value, at };
    return value ?? (last !== null && at - last.at <= holdSec ? last.value : null);
  });
}
