// Does memory grow with time? RSS and heap of each program, restarts and fault windows cut out. Method and limits: docs/verdict.md.
import type { Evidence, Sample } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import { absencesOf, lastingServices } from "./absences.ts";
import type { Checker, Facts } from "./checker.ts";
import { finding, measure, mebibytes, percent, seconds } from "./finding.ts";
import { startOf } from "./instants.ts";
import { median, theilSen, type Point } from "./statistics.ts";
import type { Finding } from "./verdict.ts";

/** Growth over the whole run below this is no finding, whatever its share: a collector's heap breathes by as much. */
const floorBytes = 16 * 2 ** 20;
const shortestUsableMs = 3_600_000;
/** Memory settles for so long after a start; it is no drift. */
const settlingMs = 300_000;
const shortestBlockMs = 300_000;
const blocksAimedAt = 24;
const fewestBlocks = 8;

export const memoryDrift: Checker = {
  name: "memory-drift",
  check(plan, evidence, facts) {
    const limit = plan.objectives.memoryDrift;
    if (limit === undefined) return [];
    const known = new Set(evidence.series().map(({ name }) => name));
    return lastingServices(plan.stack).flatMap((service) => {
      if (service.kind !== "program") return [];
      const heap = `app.${service.name}.nodejs_heap_size_used_bytes`;
      const names = [`process.${service.name}.rss`, ...(known.has(heap) ? [heap] : [])];
      return names.map((name) => judgeSeries({ plan, evidence, facts, service: service.name, name, limit }));
    });
  },
};

interface SeriesInput {
  readonly plan: Plan;
  readonly evidence: Evidence;
  readonly facts: Facts;
  readonly service: string;
  readonly name: string;
  readonly limit: number;
}

function judgeSeries(input: SeriesInput): Finding {
  const { plan, name, limit } = input;
  const { groups, usableMs } = blocksOf(input);
  const base = { id: `memory-drift/${name}`, series: [name] };
  const trend = theilSen(groups);
  const blocks = groups.reduce((sum, group) => sum + group.length, 0);
  if (usableMs < shortestUsableMs || blocks < fewestBlocks || trend === null) {
    const title = `Memory drift of ${name} cannot be told: ${seconds(usableMs)} of undisturbed samples, at least ${seconds(shortestUsableMs)} are needed.`;
    return finding({
      ...base,
      about: "harness",
      status: "inconclusive",
      title,
      measures: [measure("usable", usableMs, "ms", shortestUsableMs)],
    });
  }
  const level = median(groups.flatMap((group) => (group[0] === undefined ? [] : [group[0].y])));
  const growth = {
    at: trend.slope * plan.durationMs,
    low: trend.low * plan.durationMs,
    high: trend.high * plan.durationMs,
  };
  const limitBytes = Math.max(floorBytes, limit * level);
  const measures = [
    measure("growth over the run", growth.at, "bytes", limitBytes),
    measure("at least", growth.low, "bytes"),
    measure("at most", growth.high, "bytes"),
    measure("relative", growth.at / level, "ratio", limit),
    measure("start level", level, "bytes"),
  ];
  const status = growth.high < limitBytes ? "pass" : growth.low >= limitBytes ? "fail" : "inconclusive";
  const numbers = `${mebibytes(growth.at)} over the run (${mebibytes(growth.low)} to ${mebibytes(growth.high)}), limit ${mebibytes(limitBytes)} at a level of ${mebibytes(level)} (${percent(limit)}, at least 16 MiB)`;
  const titles = {
    pass: `${name} did not drift: ${numbers}.`,
    fail: `${name} grows: ${numbers}.`,
    inconclusive: `Drift of ${name} cannot be told: ${numbers}.`,
  };
  return finding({ ...base, about: "stack", status, title: titles[status], measures });
}

/** Block means, in one group for each life of the process. Usable time is that of blocks that hold samples. */
function blocksOf(input: SeriesInput): { groups: Point[][]; usableMs: number } {
  const { evidence, name } = input;
  const lives = livesOf(input);
  const usable: Sample[][] = lives.map(() => []);
  for (const sample of evidence.samples(name, 0, input.plan.durationMs)) {
    const life = lives.findIndex(({ fromMs, toMs }) => sample.atMs >= fromMs && sample.atMs < toMs);
    if (life !== -1 && !isDisturbed(input, sample.atMs)) usable[life]?.push(sample);
  }
  const total = usable.reduce((sum, samples) => sum + extentMs(samples), 0);
  // Where chaos keeps lives short, blocks must be short as well: a trend is only looked for within a life.
  const longestLifeMs = Math.max(0, ...usable.map(extentMs));
  const blockMs = Math.max(shortestBlockMs, Math.min(total / blocksAimedAt, longestLifeMs / fewestBlocks));
  let usableMs = 0;
  const groups = usable.map((samples) => {
    const blocks = Map.groupBy(samples, ({ atMs }) => Math.floor(atMs / blockMs));
    // A block at an edge of a cut holds few samples; its mean is still a mean of what was there.
    return [...blocks.values()].map((block): Point => {
      usableMs += Math.min(blockMs, extentMs(block));
      const mean = (pick: (sample: Sample) => number): number =>
        block.reduce((sum, sample) => sum + pick(sample), 0) / block.length;
      return { x: mean(({ atMs }) => atMs), y: mean(({ value }) => value) };
    });
  });
  return { groups: groups.filter((group) => group.length > 0), usableMs };
}

/** Time from first to last sample without gaps of more than a minute. */
function extentMs(samples: readonly Sample[]): number {
  let sum = 0;
  for (const [index, sample] of samples.entries()) {
    const before = samples[index - 1];
    if (before !== undefined) sum += Math.min(60_000, sample.atMs - before.atMs);
  }
  return sum;
}

function livesOf({ plan, evidence, service }: SeriesInput): { fromMs: number; toMs: number }[] {
  const births = evidence
    .eventsOf("process")
    .filter((event) => event.service === service && event.change === "appeared")
    .map(startOf);
  const starts = births.length === 0 ? [-Infinity] : births.toSorted((a, b) => a - b);
  const away = absencesOf(evidence, service, evidence.endMs);
  return starts.map((startMs, index) => {
    const nextMs = starts[index + 1] ?? Infinity;
    const goneMs = away.find(({ fromMs }) => fromMs > startMs)?.fromMs ?? Infinity;
    return { fromMs: Math.max(startMs + settlingMs, plan.warmUpMs, 0), toMs: Math.min(nextMs, goneMs) };
  });
}

function isDisturbed({ facts }: SeriesInput, atMs: number): boolean {
  return facts.spans.some(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);
}
