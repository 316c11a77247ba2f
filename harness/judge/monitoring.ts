// Was the system watched all the time, also while it was down? Share of the samples that each probe owed.
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import { absencesOf, coverageOf, lastingServices, type Stretch } from "./absences.ts";
import type { Checker } from "./checker.ts";
import { finding, measure, percent, someOf } from "./finding.ts";
import { harnessGaps } from "./missing-evidence.ts";
import type { Finding } from "./verdict.ts";

/** REQUIREMENTS H8: monitoring coverage of 95 %. */
const smallestCoverage = 0.95;

interface Owed {
  readonly series: string;
  readonly periodMs: number;
  readonly excused: readonly Stretch[];
}

export const monitoring: Checker = {
  name: "monitoring",
  check(plan, evidence, facts) {
    if (plan.objectives.completeMonitoring !== true) return [];
    return [judgeCoverage(plan, evidence, owedSeries(plan, evidence, harnessGaps(facts.missing)))];
  },
};

/**
 * What the probes sample, and how often. A process that is not there can be neither measured nor asked; the rest has no excuse but a declared
 * gap of the harness, which is judged by itself (evidence-missing.ts).
 */
function owedSeries(plan: Plan, evidence: Evidence, declared: readonly Stretch[]): Owed[] {
  const known = evidence.series().map(({ name }) => name);
  const owed: Owed[] = [{ series: "system.cpu", periodMs: 1_000, excused: declared }];
  for (const service of lastingServices(plan.stack)) {
    const excused = [...absencesOf(evidence, service.name, evidence.endMs), ...declared];
    owed.push({ series: `process.${service.name}.rss`, periodMs: 1_000, excused });
    if (service.kind === "program" && service.metricsPath !== undefined) {
      const prefix = `app.${service.name}.`;
      owed.push({
        series: known.find((name) => name.startsWith(prefix)) ?? `${prefix}*`,
        periodMs: 5_000,
        excused,
      });
    }
  }
  // Looked at twice a second; one sample a second is what is owed.
  for (const { name } of plan.stack.configFiles ?? [])
    owed.push({ series: `config.${name}.read`, periodMs: 1_000, excused: declared });
  return owed;
}

function judgeCoverage(plan: Plan, evidence: Evidence, owed: readonly Owed[]): Finding {
  const range = { fromMs: 0, toMs: Math.min(plan.durationMs, evidence.endMs) };
  const shares = owed.map(({ series, periodMs, excused }) => {
    const times = [...evidence.samples(series, range.fromMs, range.toMs)].map(({ atMs }) => atMs);
    return { series, share: coverageOf(times, range, periodMs, excused) };
  });
  const measures = shares.flatMap(({ series, share }) =>
    share === null ? [] : [measure(series, share, "ratio", smallestCoverage)],
  );
  const short = shares.filter(({ share }) => share === null || share < smallestCoverage);
  const base = {
    id: "monitoring/coverage",
    about: "harness" as const,
    series: owed.map(({ series }) => series),
    measures,
    toMs: range.toMs,
  };
  if (short.length === 0) {
    const least = Math.min(...shares.map(({ share }) => share ?? 0));
    return finding({
      ...base,
      status: "pass",
      title: `Monitoring is complete: at least ${percent(least)} of the samples of every series (objective ${percent(smallestCoverage)}).`,
    });
  }
  const named = someOf(
    short.map(({ series, share }) => `${series} ${share === null ? "has nothing to go by" : percent(share)}`),
  );
  return finding({
    ...base,
    status: "inconclusive",
    title: `Monitoring is incomplete (objective ${percent(smallestCoverage)}): ${named}.`,
  });
}
