// The first checker: can what was recorded carry a verdict at all? Its findings are about the harness; the worst they can say is
// inconclusive, for the stack is not to blame for missing evidence.
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import type { Checker } from "./checker.ts";
import { faultFindings } from "./evidence-faults.ts";
import { loadFindings } from "./evidence-load.ts";
import { resumedFindings } from "./evidence-missing.ts";
import { proxyFindings } from "./evidence-proxy.ts";
import { sampleFindings } from "./evidence-samples.ts";
import { finding, seconds } from "./finding.ts";
import type { Finding } from "./verdict.ts";

export const evidenceChecker: Checker = {
  name: "evidence",
  check(plan, evidence, facts) {
    return [
      whole(plan, evidence),
      ...loadFindings(plan, evidence, facts),
      ...proxyFindings(plan, facts),
      ...resumedFindings(plan, evidence, facts),
      ...faultFindings(plan, evidence, facts),
      ...sampleFindings(plan, evidence, facts),
    ];
  },
};

/** A run that is going on, was ended early or lost its harness: its evidence does not reach the end of the plan. */
export function isPartial(evidence: Evidence): boolean {
  return evidence.ended?.outcome !== "completed";
}

function whole(plan: Plan, evidence: Evidence): Finding {
  const { ended, endMs } = evidence;
  const base = {
    id: "evidence/complete",
    about: "harness" as const,
    toMs: endMs,
    events: ended === null ? [] : [ended.seq],
  };
  const reach = `evidence reaches ${seconds(Math.max(0, endMs))} of ${seconds(plan.durationMs)}`;
  if (ended === null)
    return finding({
      ...base,
      status: "inconclusive",
      title: `The run has not ended, or its harness died: ${reach}.`,
    });
  if (ended.outcome !== "completed") {
    const why = ended.reason === undefined ? "" : ` (${ended.reason})`;
    return finding({
      ...base,
      status: "inconclusive",
      title: `The run ended early, outcome ${ended.outcome}${why}: ${reach}.`,
    });
  }
  // The last request starts just before the end: completed, yet short of that, contradicts itself.
  if (endMs < plan.durationMs - 1_000)
    return finding({
      ...base,
      status: "inconclusive",
      title: `The run says that it completed, but ${reach}.`,
    });
  return finding({ ...base, status: "pass", title: "The run completed and was observed to its end." });
}
