// Stretches of time: how much of it they cover together, and how many run at once. Ends are not included.

export interface Interval {
  readonly startMs: number;
  readonly endMs: number;
}

export function overlap(a: Interval, b: Interval): boolean {
  return a.startMs < b.endMs && b.startMs < a.endMs;
}

/** Time that lies in at least one of them. */
export function coveredMs(intervals: readonly Interval[]): number {
  let sum = 0;
  let reachedMs = -Infinity;
  for (const { startMs, endMs } of intervals.toSorted((a, b) => a.startMs - b.startMs)) {
    const fromMs = Math.max(startMs, reachedMs);
    if (endMs <= fromMs) continue;
    sum += endMs - fromMs;
    reachedMs = endMs;
  }
  return sum;
}

/** What of `intervals` lies inside the `frames`, which do not overlap each other. */
export function clipped(intervals: readonly Interval[], frames: readonly Interval[]): Interval[] {
  return frames.flatMap((frame) =>
    intervals.flatMap((interval) => {
      const startMs = Math.max(frame.startMs, interval.startMs);
      const endMs = Math.min(frame.endMs, interval.endMs);
      return startMs < endMs ? [{ startMs, endMs }] : [];
    }),
  );
}

/** The largest number of them that run at one time. */
export function mostAtOnce(intervals: readonly Interval[]): number {
  return Math.max(
    0,
    ...intervals.map(
      ({ startMs }) => intervals.filter((other) => other.startMs <= startMs && other.endMs > startMs).length,
    ),
  );
}
