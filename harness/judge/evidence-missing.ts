// Did the harness itself live through the run? One that died and was resumed declares for how long evidence is missing; a short gap that hit no
// fault takes nothing from a verdict, a longer one does.
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import type { Facts } from "./checker.ts";
import { drillCutBy } from "./drill-records.ts";
import { countOf, finding, measure, percent, seconds, someOf } from "./finding.ts";
import { cutBy, harnessGaps, missingMsOf } from "./missing-evidence.ts";
import type { Finding } from "./verdict.ts";

/** Share of the run. What a hundredth more of it would have shown cannot outweigh the rest; of 48 h it is half an hour. */
const mostMissing = 0.01;

/** Nothing where one harness carried the run from start to end. */
export function resumedFindings(plan: Plan, evidence: Evidence, facts: Facts): Finding[] {
  const resumed = evidence.eventsOf("resumed");
  if (resumed.length === 0) return [];
  const gaps = harnessGaps(facts.missing);
  const missingMs = missingMsOf(gaps, plan.durationMs);
  const share = plan.durationMs === 0 ? 1 : missingMs / plan.durationMs;
  const cut = [
    ...facts.faults.filter((record) => cutBy(record, facts.missing) !== undefined),
    ...facts.drills.filter((record) => drillCutBy(record, facts.missing) !== undefined),
  ].map(({ id }) => id);
  const uncertaintyMs = Math.max(...resumed.map((event) => event.uncertaintyMs));
  const rebooted = resumed.some(({ bootChanged }) => bootChanged);
  const times = ["once", "twice"][resumed.length - 1] ?? countOf(resumed.length, "time");
  const died = `The harness died ${times} and was resumed`;
  const hit = cut.length === 0 ? "no fault was under way" : `under way meanwhile: ${someOf(cut)}`;
  const title = `${died}: ${seconds(missingMs)} of the run (${percent(share)}) are missing evidence, not outage; ${hit}.`;
  const clock = `The machine was started anew: the gap's length comes from the wall clock, give or take ${seconds(uncertaintyMs)}.`;
  return [
    finding({
      id: "evidence/resumed",
      about: "harness",
      status: share <= mostMissing && cut.length === 0 ? "pass" : "inconclusive",
      title,
      ...(rebooted ? { detail: clock } : {}),
      measures: [
        measure("times resumed", resumed.length, "count"),
        measure("missing evidence", missingMs, "ms"),
        measure("share of the run", share, "ratio", mostMissing),
      ],
      events: resumed.map(({ seq }) => seq),
      ...(gaps[0] === undefined ? {} : { fromMs: gaps[0].fromMs, toMs: gaps.at(-1)?.toMs ?? gaps[0].toMs }),
    }),
  ];
}
