// The little statistics that confirmations need.

/** Middle value; of an even count the mean of the two in the middle. The list must not be empty. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError("median: no values");
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

/** Two-sided 99 % quantile of the normal distribution. */
const z99 = 2.576;

/** Standard error of a share measured on `count` independent trials: sqrt(p (1 - p) / n), the binomial distribution's. */
export function binomialStandardError(share: number, count: number): number {
  return Math.sqrt((share * (1 - share)) / count);
}

export interface ShareTest {
  /** Trials needed. */
  readonly count: number;
  /** A measured share within this of the asked one counts as the asked one. */
  readonly tolerance: number;
}

/**
 * How many trials tell a share from half of it, both at 99 %: the smallest n (at least 30) for which z SE(p) + z SE(p / 2) <= p / 2, that is
 * n = (2 z (sqrt(p (1 - p)) + sqrt(p / 2 (1 - p / 2))) / p)^2. The tolerance is z SE(p), and at least a tenth of p.
 */
export function shareTest(share: number): ShareTest {
  const spread = (p: number): number => Math.sqrt(p * (1 - p));
  const count = Math.max(30, Math.ceil(((2 * z99 * (spread(share) + spread(share / 2))) / share) ** 2));
  return { count, tolerance: Math.max(z99 * binomialStandardError(share, count), share / 10) };
}
