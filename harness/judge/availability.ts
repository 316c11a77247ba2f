// Did users get right answers often enough? By requests (judged) and by time (reported). Definitions: docs/verdict.md. Seconds of missing
// evidence are left out for a pass; for a failure they count as right, so that what was seen has to outweigh them.
import type { Checker, Facts } from "./checker.ts";
import { countOf, finding, measure, percent } from "./finding.ts";
import type { SecondFacts } from "./load-index.ts";
import { touchesSecond } from "./missing-evidence.ts";
import type { Plan } from "../plan/plan.ts";
import { calmSeconds } from "./spans.ts";
import { availabilityByTime, countRequests, judgedSeconds, shareOf } from "./summary.ts";
import type { Finding } from "./verdict.ts";

export const availability: Checker = {
  name: "availability",
  check(plan, _evidence, facts) {
    const { availability: overall, calmAvailability: calm } = plan.objectives;
    const judged = judgedSeconds(plan, facts.load);
    const found: Finding[] = [];
    const leftOut = facts.load.seconds.filter(
      ({ second, missing }) => missing === true && second * 1_000 >= plan.warmUpMs,
    );
    if (overall !== undefined)
      found.push(judgeShare("overall", "Availability", overall, judged, leftOut, facts));
    if (calm !== undefined) {
      const inCalm = calmOnly(plan, facts, judged);
      found.push(judgeShare("calm", "Availability in calm", calm, inCalm, leftOut, facts));
    }
    return found;
  },
};

function calmOnly(plan: Plan, facts: Facts, judged: readonly SecondFacts[]): SecondFacts[] {
  const calm = calmSeconds(plan, facts.load, facts.spans);
  return judged.filter(({ second }) => calm.has(second));
}

function judgeShare(
  which: "overall" | "calm",
  name: string,
  objective: number,
  seconds: readonly SecondFacts[],
  leftOut: readonly SecondFacts[],
  facts: Facts,
): Finding {
  const count = countRequests(seconds);
  const share = shareOf(count);
  const base = {
    id: `availability/${which}`,
    about: "stack" as const,
    fromMs: (seconds[0]?.second ?? 0) * 1_000,
    toMs: facts.load.endMs,
  };
  if (share === null) {
    const where = which === "calm" ? " outside fault windows" : "";
    return finding({
      ...base,
      status: "inconclusive",
      title: `${name} cannot be told: no essential request was answered${where}.`,
    });
  }
  const starved = seconds.filter(({ second }) => touchesSecond(facts.starved, second));
  const missing = [...leftOut, ...starved].reduce((sum, { planned }) => sum + planned, 0);
  const served = countRequests(seconds.filter(({ second }) => !touchesSecond(facts.starved, second)));
  const best = shareOf({ ...served, unknown: served.unknown + missing });
  const byTime = availabilityByTime(seconds);
  const measures = [
    measure("by requests", share.known, "ratio", objective),
    ...(byTime === null ? [] : [measure("by time", byTime, "ratio")]),
    measure("right answers", count.right, "count"),
    measure("failed requests", count.wrong, "count"),
    measure("starts without outcome", count.unknown, "count"),
    ...(leftOut.length === 0 ? [] : [measure("seconds left out", leftOut.length, "s")]),
    ...(starved.length === 0 ? [] : [measure("seconds on a starved machine", starved.length, "s")]),
  ];
  const status = share.low >= objective ? "pass" : (best?.high ?? 1) < objective ? "fail" : "inconclusive";
  const without =
    leftOut.length === 0 ? "" : `, without ${countOf(leftOut.length, "second")} of missing evidence`;
  const numbers = `${percent(share.known)} of essential requests succeeded (objective ${percent(objective)}${without})`;
  const onStarved = starved.length === 0 ? "" : " or on a starved machine";
  const titles = {
    pass: `${name} held: ${numbers}.`,
    fail: `${name} missed its objective: ${numbers}; ${countOf(count.wrong, "request")} failed.`,
    inconclusive: `${name} cannot be told: ${countOf(served.unknown + missing, "planned start")} without outcome${onStarved} could tip it; ${numbers} as far as known.`,
  };
  return finding({ ...base, status, title: titles[status], measures });
}
