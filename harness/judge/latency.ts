// Were essential requests fast enough in calm? The generator's own trouble must not be blamed on the stack: a stack fails only on seconds in
// which the generator was punctual. It passes on all of them, because a late generator can make answers look slower, never faster.
// A request that failed never arrived, so it ranks behind every one that did.
import type { Evidence } from "../journal/evidence.ts";
import { LatencySketch } from "../support/latency-sketch.ts";
import { quietGenerator } from "./baseline.ts";
import type { Checker } from "./checker.ts";
import { finding, measure, milliseconds, percent } from "./finding.ts";
import { isRight, latenessLimitMs, planSecondOf, type SecondFacts } from "./load-index.ts";
import { calmSeconds } from "./spans.ts";
import type { Plan } from "../plan/plan.ts";
import type { Finding, Measure } from "./verdict.ts";

/** Larger share of calm seconds left out: what remains is a choice, not a measurement (DESIGN "Load"). */
const leftOutLimit = 0.05;
/** A 95th percentile of fewer requests rests on a handful. */
const fewestRequests = 100;

export const latency: Checker = {
  name: "latency",
  check(plan, evidence, facts) {
    const limitMs = plan.objectives.p95Ms;
    if (limitMs === undefined) return [];
    const calm = calmSeconds(plan, facts.load, facts.spans);
    const seconds = facts.load.seconds.filter(({ second, planned }) => calm.has(second) && planned > 0);
    return [judgeLatency(limitMs, facts.load.endMs, (some) => over(plan, evidence, some), seconds)];
  },
};

interface Latencies {
  readonly right: LatencySketch;
  readonly kinds: Readonly<Record<"steady" | "spike", LatencySketch>>;
  /** Failed requests, and starts dropped because the stack held every user. */
  readonly wrong: number;
  /** Null where it falls among the failures. */
  readonly p95Ms: number | null;
}

function over(plan: Plan, evidence: Evidence, seconds: readonly SecondFacts[]): Latencies {
  const right = new LatencySketch();
  const kinds = { steady: new LatencySketch(), spike: new LatencySketch() };
  const kindOf = new Map(seconds.map(({ second, kind }) => [second, kind]));
  for (const cell of evidence.cells()) {
    const kind = kindOf.get(planSecondOf(plan, cell.second));
    if (kind === undefined || !isRight(cell)) continue;
    right.merge(cell.latency);
    kinds[kind].merge(cell.latency);
  }
  const wrong = seconds.reduce((sum, { failed, stackDropped }) => sum + failed + stackDropped, 0);
  return { right, kinds, wrong, p95Ms: quantileWithFailures(right, wrong, 0.95) };
}

function judgeLatency(
  limitMs: number,
  toMs: number,
  latenciesOf: (seconds: readonly SecondFacts[]) => Latencies,
  calm: readonly SecondFacts[],
): Finding {
  const all = latenciesOf(calm);
  const base = { id: "latency/p95", about: "stack" as const, toMs };
  const count = all.right.count + all.wrong;
  if (count < fewestRequests) {
    const title = `Latency cannot be told: only ${count} essential requests in calm.`;
    return finding({ ...base, status: "inconclusive", title });
  }
  const quiet = calm.filter(quietGenerator);
  const leftOut = 1 - quiet.length / calm.length;
  const share = measure("seconds with a late generator", leftOut, "ratio", leftOutLimit);
  if (all.p95Ms !== null && all.p95Ms < limitMs) {
    const title = `Latency held: ${p95Text(all.p95Ms, limitMs)}.`;
    return finding({ ...base, status: "pass", title, measures: [...measuresOf(all, limitMs), share] });
  }
  const punctual = latenciesOf(quiet);
  const measures = [...measuresOf(punctual, limitMs), share];
  if (leftOut > leftOutLimit || punctual.right.count + punctual.wrong < fewestRequests) {
    const title = `Latency cannot be told: it was over its objective, but in ${percent(leftOut)} of calm seconds the generator started more than ${latenessLimitMs} ms late.`;
    return finding({ ...base, status: "inconclusive", title, measures });
  }
  if (punctual.p95Ms === null) {
    const title = "Latency missed its objective: more than 5 % of essential requests in calm failed.";
    return finding({ ...base, status: "fail", title, measures });
  }
  const held = punctual.p95Ms < limitMs;
  const numbers = p95Text(punctual.p95Ms, limitMs);
  const title = held
    ? `Latency held: ${numbers}, without the seconds in which the generator was late.`
    : `Latency missed its objective: ${numbers}.`;
  return finding({ ...base, status: held ? "pass" : "fail", title, measures });
}

function p95Text(p95Ms: number, limitMs: number): string {
  return `p95 of essential requests in calm was ${milliseconds(p95Ms)} (objective below ${milliseconds(limitMs)})`;
}

function measuresOf({ right, kinds, wrong, p95Ms }: Latencies, limitMs: number): Measure[] {
  return [
    ...(p95Ms === null ? [] : [measure("p95", p95Ms, "ms", limitMs)]),
    measure("failed requests", wrong, "count"),
    ...(right.count === 0
      ? []
      : [
          measure("mean", right.meanMs, "ms"),
          measure("p99", right.quantile(0.99), "ms"),
          measure("max", right.maxMs, "ms"),
        ]),
    ...(["steady", "spike"] as const).flatMap((kind) =>
      kinds[kind].count === 0 ? [] : [measure(`p95 ${kind}`, kinds[kind].quantile(0.95), "ms")],
    ),
  ];
}

/** The quantile over right answers and, behind them, failures; null where it falls among the failures. */
export function quantileWithFailures(right: LatencySketch, failures: number, q: number): number | null {
  const rank = Math.ceil(q * (right.count + failures));
  return rank > right.count ? null : right.quantile(rank / right.count);
}
