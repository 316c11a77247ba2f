// The run on one time axis: five charts from the journal's seconds, cells and samples, each with a sentence that says what it shows.
import type { Evidence, Outcome } from "../harness/journal/evidence.ts";
import { LatencySketch } from "../harness/support/latency-sketch.ts";
import { formatOffset } from "../harness/support/duration.ts";
import type { Summary } from "../harness/judge/verdict.ts";
import type { Band, Chart, ChartSeries, Mark } from "./model-types.ts";
import { bucketFinder, Extremes, holdForward, pointsOf, type Bucket } from "./time-axis.ts";
import { formatBytes, formatCount, formatMs, formatShare, formatValue, plural } from "./words.ts";

interface ChartInput {
  readonly evidence: Evidence;
  readonly buckets: readonly Bucket[];
  readonly summary: Summary;
  readonly bands: readonly Band[];
  readonly marks: readonly Mark[];
}

export function buildCharts(input: ChartInput): Chart[] {
  return [loadChart(input), latencyChart(input), failureChart(input), memoryChart(input), cpuChart(input)];
}

const noLoad = "No request was started, so there is nothing to show.";

function during(bands: readonly Band[], atMs: number): string {
  const band = bands.find((one) => one.kind === "fault" && atMs >= one.fromMs - 1_000 && atMs <= one.toMs);
  return band === undefined ? "outside all faults" : `during ${band.label}`;
}

function loadChart({ evidence, buckets, summary }: ChartInput): Chart {
  const planned = new Extremes(buckets);
  const delivered = new Extremes(buckets);
  let started = 0;
  for (const second of evidence.seconds()) {
    planned.add(second.second, second.planned);
    delivered.add(second.second, second.started);
    started += second.started;
  }
  const share = summary.planned > 0 ? started / summary.planned : null;
  const lost = summary.dropped + summary.interrupted;
  const missed = evidence.eventsOf("segment-ended").reduce((sum, account) => sum + (account.missed ?? 0), 0);
  const gapText = missed === 0 ? "" : `; ${formatCount(missed)} fell into gaps of the harness`;
  const lostText =
    lost === 0
      ? `none was dropped or cut short${gapText}`
      : `${formatCount(summary.dropped)} dropped, ${formatCount(summary.interrupted)} cut short${gapText}`;
  return {
    id: "load",
    title: "Load",
    unit: "1/s",
    scale: "linear",
    sentence:
      summary.planned === 0
        ? noLoad
        : `${formatCount(started)} of ${formatCount(summary.planned)} planned requests were started (${formatShare(share)}); ${lostText}.`,
    series: [
      { label: "planned", unit: "1/s", values: planned.points() },
      { label: "delivered", unit: "1/s", values: delivered.points() },
    ],
  };
}

const quantiles = [
  ["p50", 0.5],
  ["p95", 0.95],
  ["p99", 0.99],
] as const;

function latencyChart({ evidence, buckets, summary, bands }: ChartInput): Chart {
  const sketches = buckets.map(() => new LatencySketch());
  const find = bucketFinder(buckets);
  let slowest = { ms: -1, second: 0 };
  for (const cell of evidence.cells()) {
    if (cell.latency.maxMs > slowest.ms) slowest = { ms: cell.latency.maxMs, second: cell.second };
    sketches[find(cell.second)]?.merge(cell.latency);
  }
  // A percentile belongs to all requests of its bucket: extremes of per-second percentiles would mislead. The maximum keeps the peaks.
  const points = (read: (sketch: LatencySketch) => number): (number | null)[] =>
    buckets.flatMap(({ from, to }, index) => {
      const sketch = sketches[index];
      const value = sketch === undefined || sketch.count === 0 ? null : read(sketch);
      return to - from === 1 ? [value] : [value, value];
    });
  const peak =
    slowest.ms < 0
      ? ""
      : ` The slowest took ${formatMs(slowest.ms)} at ${formatOffset(slowest.second * 1_000)}, ${during(bands, slowest.second * 1_000)}.`;
  return {
    id: "latency",
    title: "Latency",
    unit: "ms",
    scale: "log",
    sentence:
      slowest.ms < 0
        ? noLoad
        : `Half of the requests took at most ${formatMs(summary.p50Ms)}, 95 % at most ${formatMs(summary.p95Ms)}, 99 % at most ${formatMs(summary.p99Ms)}.${peak}`,
    series: [
      ...quantiles.map(([label, q]) => ({
        label,
        unit: "ms",
        values: points((sketch) => sketch.quantile(q)),
      })),
      { label: "max", unit: "ms", values: points((sketch) => sketch.maxMs) },
    ],
  };
}

const troubles = ["failed", "dropped", "shed", "limited", "degraded"] as const;
type Trouble = (typeof troubles)[number];

function isTrouble(outcome: Outcome): outcome is Exclude<Outcome, "ok"> {
  return outcome !== "ok";
}

function failureChart({ evidence, buckets, summary, bands }: ChartInput): Chart {
  const perSecond = new Map<number, Map<Trouble, number>>();
  const totals = new Map<Trouble, number>(troubles.map((kind) => [kind, 0]));
  const add = (second: number, kind: Trouble, count: number): void => {
    const row = perSecond.get(second) ?? new Map<Trouble, number>();
    perSecond.set(second, row.set(kind, (row.get(kind) ?? 0) + count));
    totals.set(kind, (totals.get(kind) ?? 0) + count);
  };
  for (const cell of evidence.cells())
    if (isTrouble(cell.outcome)) add(cell.second, cell.outcome, cell.count);
  const kept = new Map(troubles.map((kind) => [kind, new Extremes(buckets)]));
  for (const second of evidence.seconds()) {
    if (second.dropped > 0) add(second.second, "dropped", second.dropped);
    for (const kind of troubles)
      kept.get(kind)?.add(second.second, perSecond.get(second.second)?.get(kind) ?? 0);
  }
  // Failed and dropped always stand there, the deliberate refusals only where there were some.
  const shown = troubles.filter(
    (kind) => kind === "failed" || kind === "dropped" || (totals.get(kind) ?? 0) > 0,
  );
  return {
    id: "failures",
    title: "Requests without a right answer",
    unit: "1/s",
    scale: "linear",
    sentence: failureSentence(summary, totals, perSecond, bands),
    series: shown.map((kind) => ({ label: kind, unit: "1/s", values: kept.get(kind)?.points() ?? [] })),
  };
}

function failureSentence(
  summary: Summary,
  totals: ReadonlyMap<Trouble, number>,
  perSecond: ReadonlyMap<number, ReadonlyMap<Trouble, number>>,
  bands: readonly Band[],
): string {
  if (summary.planned === 0) return noLoad;
  const failed = totals.get("failed") ?? 0;
  const rest = troubles
    .filter((kind) => kind !== "failed" && (totals.get(kind) ?? 0) > 0)
    .map((kind) => `${formatCount(totals.get(kind) ?? 0)} ${kind}`);
  const also = rest.length === 0 ? "" : ` Besides: ${rest.join(", ")}.`;
  if (failed === 0) return `No request failed.${also}`;
  const byFault = new Map<string, number>();
  for (const [second, row] of perSecond) {
    const where = during(bands, second * 1_000);
    byFault.set(where, (byFault.get(where) ?? 0) + (row.get("failed") ?? 0));
  }
  const [where, most] = [...byFault].toSorted(([, a], [, b]) => b - a)[0] ?? ["", 0];
  return `${plural(failed, "request")} failed, ${most === failed ? "all" : formatCount(most)} of them ${where}.${also}`;
}

/** Samples of one journal series on the shared axis. */
function sampled(
  evidence: Evidence,
  name: string,
  buckets: readonly Bucket[],
): { values: (number | null)[]; samples: { atMs: number; value: number }[] } {
  const samples = [...evidence.samples(name)];
  const kept = new Extremes(buckets);
  for (const { atMs, value } of samples) kept.add(Math.floor(atMs / 1_000), value);
  const steps = samples.slice(1).map(({ atMs }, index) => atMs - (samples[index]?.atMs ?? atMs));
  const usualMs = steps.toSorted((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 1_000;
  return {
    values: holdForward(pointsOf(buckets), kept.points(), Math.max(2, (2.5 * usualMs) / 1_000)),
    samples,
  };
}

/** Names of series "process.<service>.<what>" with their service, in the journal's order. */
function processSeries(
  evidence: Evidence,
  what: string,
): { readonly name: string; readonly service: string }[] {
  const suffix = `.${what}`;
  return evidence
    .series()
    .filter(({ name }) => name.startsWith("process.") && name.endsWith(suffix))
    .map(({ name }) => ({ name, service: name.slice("process.".length, -suffix.length) }));
}

function memoryChart({ evidence, buckets, marks }: ChartInput): Chart {
  const series: ChartSeries[] = [];
  let largest = { service: "", bytes: -1, atMs: 0 };
  for (const { name, service } of processSeries(evidence, "rss")) {
    const { values, samples } = sampled(evidence, name, buckets);
    series.push({ label: service, unit: "bytes", values });
    for (const { atMs, value } of samples)
      if (value > largest.bytes) largest = { service, bytes: value, atMs };
  }
  const restarts =
    marks.length === 0 ? "No process was replaced." : `${plural(marks.length, "restart")} (upright lines).`;
  const sentence =
    largest.bytes < 0
      ? "No memory was measured."
      : `Resident memory per service. The highest was ${largest.service} with ${formatBytes(largest.bytes)} at ${formatOffset(largest.atMs)}. ${restarts}`;
  return { id: "memory", title: "Memory", unit: "bytes", scale: "linear", sentence, series };
}

function cpuChart({ evidence, buckets }: ChartInput): Chart {
  const series: ChartSeries[] = [];
  let busiest = { service: "", mean: -1, peak: 0 };
  for (const { name, service } of processSeries(evidence, "cpu")) {
    const { values, samples } = sampled(evidence, name, buckets);
    series.push({ label: service, unit: "ratio", values });
    const mean = samples.reduce((sum, { value }) => sum + value, 0) / samples.length;
    const peak = samples.reduce((high, { value }) => Math.max(high, value), 0);
    if (mean > busiest.mean) busiest = { service, mean, peak };
  }
  const machine = evidence.series().some(({ name }) => name === "system.cpu")
    ? sampled(evidence, "system.cpu", buckets)
    : null;
  if (machine !== null) series.push({ label: "whole machine", unit: "ratio", values: machine.values });
  const machineMean =
    machine === null
      ? null
      : machine.samples.reduce((sum, { value }) => sum + value, 0) / machine.samples.length;
  const machineText =
    machineMean === null
      ? ""
      : ` The whole machine was ${formatShare(Math.round(machineMean * 100) / 100)} busy on average (all cores = 100 %).`;
  const sentence =
    busiest.mean < 0
      ? `No processor time of a service was measured.${machineText}`
      : `Per service, one core = 100 %. The busiest was ${busiest.service}: ${formatValue(Math.round(busiest.mean * 100) / 100, "ratio")} on average, ${formatValue(Math.round(busiest.peak * 100) / 100, "ratio")} at most.${machineText}`;
  return { id: "cpu", title: "Processor", unit: "ratio", scale: "linear", sentence, series };
}
