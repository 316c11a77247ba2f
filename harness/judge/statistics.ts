// Robust slope of block means. Pure numbers, no evidence.

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Slope {
  readonly slope: number;
  readonly low: number;
  readonly high: number;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Two-sided 99 %. */
const z = 2.576;

/**
 * Theil-Sen slope (median of pairwise slopes) with Sen's interval (P. K. Sen, 1968): the ranks lie z * sqrt(Var S) / 2 away from the
 * middle, Var S of Kendall's S as for independent points. Slopes are taken only within a group (one life of a process), so a restart is
 * not a trend; their variances add up. Points should be means of blocks long enough to be nearly independent. Null with fewer than two pairs.
 */
export function theilSen(groups: readonly (readonly Point[])[]): Slope | null {
  const slopes: number[] = [];
  let variance = 0;
  for (const points of groups) {
    const n = points.length;
    variance += (n * (n - 1) * (2 * n + 5)) / 18;
    for (const [index, a] of points.entries()) {
      for (const b of points.slice(index + 1)) if (b.x !== a.x) slopes.push((b.y - a.y) / (b.x - a.x));
    }
  }
  if (slopes.length < 2) return null;
  slopes.sort((a, b) => a - b);
  const reach = z * Math.sqrt(variance);
  const at = (rank: number): number =>
    slopes[Math.min(slopes.length - 1, Math.max(0, Math.round(rank)))] ?? Number.NaN;
  return {
    slope: median(slopes),
    low: at((slopes.length - reach) / 2 - 1),
    high: at((slopes.length + reach) / 2),
  };
}
