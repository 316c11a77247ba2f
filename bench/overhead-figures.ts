// What the stability layer costs, from turns with and without it: ratios and differences within each pair, and the median over pairs, which
// takes out a busy moment of the machine.
import { median } from "./lateness.ts";

export interface Turn {
  readonly requests: number;
  readonly wrong: number;
  /** CPU time of the gateway over the turn, user and system. */
  readonly cpuMs: number;
  readonly p95Ms: number;
  /** At the end of the turn. */
  readonly rssBytes: number;
}

export interface TurnPair {
  readonly with: Turn;
  readonly without: Turn;
}

export interface OverheadGoal {
  readonly name: string;
  readonly measured: number;
  readonly limit: number;
  readonly unit: string;
  readonly met: boolean;
}

/** REQUIREMENTS H12 and the goals of the reference system: CPU per request at most 1.10 times, p95 within 1 ms. */
const limits = { cpuRatio: 1.1, p95Ms: 1 };

export function cpuPerRequestMs({ cpuMs, requests }: Turn): number {
  return cpuMs / requests;
}

export function judgeOverhead(pairs: readonly TurnPair[]): OverheadGoal[] {
  const overPairs = (figure: (pair: TurnPair) => number): number => median(pairs.map(figure));
  const goal = (name: string, measured: number, limit: number, unit: string): OverheadGoal => ({
    name,
    measured,
    limit,
    unit,
    met: pairs.length > 0 && measured <= limit,
  });
  const cpuRatio = overPairs((pair) => cpuPerRequestMs(pair.with) / cpuPerRequestMs(pair.without));
  const p95Ms = overPairs((pair) => pair.with.p95Ms - pair.without.p95Ms);
  const wrong = pairs.reduce((sum, pair) => sum + pair.with.wrong + pair.without.wrong, 0);
  return [
    goal("CPU per request, with / without", cpuRatio, limits.cpuRatio, "times"),
    goal("p95, with - without", p95Ms, limits.p95Ms, "ms"),
    goal("requests that were not answered as they should be", wrong, 0, "requests"),
  ];
}

/** The least value that so many of a hundred do not exceed. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}
