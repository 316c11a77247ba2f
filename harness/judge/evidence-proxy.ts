// For how long was Kiln's own proxy gone, and does what is left of the run still carry a verdict?
import type { Plan } from "../plan/plan.ts";
import type { Facts } from "./checker.ts";
import { countOf, finding, measure, percent, seconds, someOf } from "./finding.ts";
import { missingWithin, touchesSecond } from "./missing-evidence.ts";
import { isProxyStretch } from "./proxy-gone.ts";
import type { Finding } from "./verdict.ts";

/** Larger share of the load left out: what remains is a choice, not a measurement. The same limit as for latency's late seconds. */
const leftOutLimit = 0.05;

/** Nothing where Toxiproxy answered all the time. */
export function proxyFindings(plan: Plan, facts: Facts): Finding[] {
  const within = facts.missing
    .filter(isProxyStretch)
    .filter(({ fromMs, toMs }) => fromMs < plan.durationMs && toMs > 0);
  const [first] = within;
  if (first === undefined) return [];
  const goneMs = within.reduce((sum, { goneMs, backMs, toMs }) => sum + (backMs ?? toMs) - goneMs, 0);
  const leftOut = facts.load.seconds.filter(({ second }) => touchesSecond(within, second)).length;
  const share = facts.load.seconds.length === 0 ? 1 : leftOut / facts.load.seconds.length;
  const forGood = within.some(({ backMs }) => backMs === null);
  const faults = facts.spans.filter(({ fromMs, toMs }) => missingWithin(within, fromMs, toMs) !== undefined);
  const times = within.length === 1 ? "" : `, ${countOf(within.length, "time")}`;
  const gone = forGood
    ? `Toxiproxy was gone at ${seconds(first.goneMs)} and could not be replaced`
    : `Toxiproxy was gone for at most ${seconds(goneMs)}${times} and was replaced`;
  const title = `${gone}: ${countOf(leftOut, "second")} of load (${percent(share)}) are missing evidence, not outage.`;
  const touched = someOf(faults.map(({ fault }) => fault));
  return [
    finding({
      id: "evidence/control-plane",
      about: "harness",
      status: forGood || share > leftOutLimit ? "inconclusive" : "pass",
      title,
      detail: `All traffic goes through Toxiproxy. ${faults.length === 0 ? "No fault was under way." : `Under way meanwhile: ${touched}.`}`,
      measures: [measure("gone", goneMs, "ms"), measure("share left out", share, "ratio", leftOutLimit)],
      events: within.flatMap(({ events }) => events),
      fromMs: first.fromMs,
      toMs: within.at(-1)?.toMs ?? first.toMs,
    }),
  ];
}
