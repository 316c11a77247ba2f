// From planned and actual instants of injecting to figures: how late, and does it drift. Pure.

export interface InjectCall {
  /** Plan time, milliseconds. */
  readonly plannedMs: number;
  /** When `inject` was called, plan time, milliseconds. */
  readonly calledMs: number;
}

export interface InjectionFigures {
  readonly count: number;
  /** Below zero: something was early, which never happens. */
  readonly minMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Change of lateness, milliseconds an hour: Theil-Sen, the median of all pairwise slopes, which single late calls do not move. */
  readonly driftMsPerHour: number;
}

/** Nearest-rank quantile. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Throws a RangeError for fewer than two calls. */
export function injectionFigures(calls: readonly InjectCall[]): InjectionFigures {
  if (calls.length < 2) throw new RangeError(`${calls.length} injections say nothing`);
  const late = calls.map(({ plannedMs, calledMs }) => calledMs - plannedMs);
  const sorted = late.toSorted((a, b) => a - b);
  const slopes: number[] = [];
  for (const [n, one] of calls.entries())
    for (const [m, other] of calls.slice(n + 1).entries())
      slopes.push(((late[n + 1 + m] ?? 0) - (late[n] ?? 0)) / (other.plannedMs - one.plannedMs));
  slopes.sort((a, b) => a - b);
  return {
    count: calls.length,
    minMs: sorted[0] ?? Number.NaN,
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? Number.NaN,
    driftMsPerHour: quantile(slopes, 0.5) * 3_600_000,
  };
}
