// The goals of the benchmark, judged on the medians over all pairs, and how they are shown. Pure.
import { median, type ScheduleFigures, type Distribution } from "./lateness.ts";
import type { KilnFigures } from "./under-kiln.ts";

interface KilnOnly {
  /** Lateness of each start against the plan. */
  readonly absolute: Distribution;
  /** Lateness of each segment's release against the plan, milliseconds. */
  readonly releaseMs: readonly number[];
}

export interface Pair {
  readonly bare: ScheduleFigures & { readonly k6CpuMs: number };
  readonly kiln: ScheduleFigures & Omit<KilnFigures, "zeroMs"> & KilnOnly;
}

export interface Goal {
  readonly name: string;
  readonly measured: number;
  readonly limit: number;
  readonly unit: string;
  readonly pass: boolean;
}

/** Starts too many or too few that are no error: one may fall on the other side of an end. */
const startsAllowed = 1;
const rateErrorLimit = 1e-4;
const p95RatioLimit = 1.2;
const p99ExtraLimitMs = 1;
const cpuRatioLimit = 0.5;
/** Bound of the later goal for the same ratio. */
export const laterCpuRatio = 0.25;

const startsOff = ({ kiln }: Pair): number => Math.abs(kiln.arrived - kiln.planned);
const p95Ratio = ({ bare, kiln }: Pair): number => kiln.lateness.p95Ms / bare.lateness.p95Ms;
const p99ExtraMs = ({ bare, kiln }: Pair): number => kiln.lateness.p99Ms - bare.lateness.p99Ms;
export const cpuRatio = ({ kiln: { underLoad } }: Pair): number =>
  (underLoad.harnessMs + underLoad.reaperMs) / underLoad.k6Ms;

/** Ratios and differences are taken within each pair, so that a busy minute burdens both of its sides; then the median. */
export function judgePairs(pairs: readonly Pair[]): Goal[] {
  const over = (of: (pair: Pair) => number): number => median(pairs.map(of));
  const goal = (name: string, measured: number, limit: number, unit: string): Goal => ({
    name,
    measured,
    limit,
    unit,
    pass: measured <= limit,
  });
  return [
    goal("starts off the plan", over(startsOff), startsAllowed, "starts"),
    goal("rate error", over(({ kiln }) => kiln.rateError) * 100, rateErrorLimit * 100, "%"),
    goal("p95 lateness, Kiln / bare", over(p95Ratio), p95RatioLimit, "x"),
    goal("p99 lateness, Kiln - bare", over(p99ExtraMs), p99ExtraLimitMs, "ms"),
    goal("CPU, harness and reaper / k6", over(cpuRatio), cpuRatioLimit, "x"),
  ];
}

type Column = readonly [title: string, of: (pair: Pair) => number, digits: number];

const columns: readonly Column[] = [
  ["bare starts off", ({ bare }) => bare.arrived - bare.planned, 0],
  ["Kiln starts off", ({ kiln }) => kiln.arrived - kiln.planned, 0],
  ["bare rate err %", ({ bare }) => bare.rateError * 100, 4],
  ["Kiln rate err %", ({ kiln }) => kiln.rateError * 100, 4],
  ["bare p50 ms", ({ bare }) => bare.lateness.p50Ms, 2],
  ["Kiln p50 ms", ({ kiln }) => kiln.lateness.p50Ms, 2],
  ["bare p95 ms", ({ bare }) => bare.lateness.p95Ms, 2],
  ["Kiln p95 ms", ({ kiln }) => kiln.lateness.p95Ms, 2],
  ["p95 ratio", p95Ratio, 2],
  ["bare p99 ms", ({ bare }) => bare.lateness.p99Ms, 2],
  ["Kiln p99 ms", ({ kiln }) => kiln.lateness.p99Ms, 2],
  ["p99 extra ms", p99ExtraMs, 2],
  ["bare max ms", ({ bare }) => bare.lateness.maxMs, 1],
  ["Kiln max ms", ({ kiln }) => kiln.lateness.maxMs, 1],
  ["vs plan: steady began ms", ({ kiln }) => kiln.releaseMs[0] ?? Number.NaN, 2],
  ["vs plan: spike began ms", ({ kiln }) => kiln.releaseMs[1] ?? Number.NaN, 2],
  ["vs plan: p50 ms", ({ kiln }) => kiln.absolute.p50Ms, 2],
  ["vs plan: p99 ms", ({ kiln }) => kiln.absolute.p99Ms, 2],
  ["CPU harness s", ({ kiln }) => kiln.underLoad.harnessMs / 1_000, 2],
  ["CPU reaper s", ({ kiln }) => kiln.underLoad.reaperMs / 1_000, 2],
  ["CPU k6 s", ({ kiln }) => kiln.underLoad.k6Ms / 1_000, 2],
  ["CPU ratio", cpuRatio, 2],
  ["whole: harness s", ({ kiln }) => kiln.whole.harnessMs / 1_000, 2],
  ["whole: reaper s", ({ kiln }) => kiln.whole.reaperMs / 1_000, 2],
  ["whole: k6 s", ({ kiln }) => kiln.whole.k6Ms / 1_000, 2],
  ["whole: bare k6 s", ({ bare }) => bare.k6CpuMs / 1_000, 2],
];

/** One line a figure, one column a pair, the median last. Lateness is against the anchored grid but for the lines "vs plan". */
export function renderTable(pairs: readonly Pair[]): string {
  const head = ["", ...pairs.map((_, index) => `pair ${index + 1}`), "median"];
  const rows = columns.map(([title, of, digits]) => {
    const values = pairs.map(of);
    return [title, ...[...values, median(values)].map((value) => value.toFixed(digits))];
  });
  const all = [head, ...rows];
  const widths = head.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((text, at) => (at === 0 ? text.padEnd(widths[at] ?? 0) : text.padStart(widths[at] ?? 0)))
      .join("  ");
  return `${all.map(line).join("\n")}\n`;
}

export function renderGoals(goals: readonly Goal[]): string {
  return goals
    .map(({ name, measured, limit, unit, pass }) => {
      const digits = unit === "%" ? 4 : 2;
      return `${pass ? "PASS" : "FAIL"}  ${name}: ${measured.toFixed(digits)} ${unit} (limit ${limit} ${unit})\n`;
    })
    .join("");
}
