// The contract of a checker: a pure function of plan and evidence. A checker whose objective the scenario does not set returns no
// finding; one that throws is turned into an inconclusive finding by judge.ts.
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import type { LoadIndex } from "./load-index.ts";
import type { MissingStretch } from "./missing-evidence.ts";
import type { Span } from "./spans.ts";
import type { StarvedStretch } from "./starved.ts";
import type { DrillRecord, FaultRecord, Finding, JourneySummary, Summary } from "./verdict.ts";

/** What was worked out once and is shared: the faults with their instants, and the run's numbers. */
export interface Facts {
  readonly faults: readonly FaultRecord[];
  /** One for each drill of the plan. */
  readonly drills: readonly DrillRecord[];
  readonly summary: Summary;
  readonly load: LoadIndex;
  /** One for each fault that ran: the time in which its effects, and reactions to it, are to be expected. */
  readonly spans: readonly Span[];
  /** Stretches of missing evidence: nothing in them may be held against the stack. */
  readonly missing: readonly MissingStretch[];
  /** Stretches in which the machine starved the run: no failure in them is held against the stack, and a pass in spite of them stands. */
  readonly starved: readonly StarvedStretch[];
  /** Absent where the plan asks for none. */
  readonly journeys?: JourneySummary;
}

export interface Checker {
  readonly name: string;
  check(plan: Plan, evidence: Evidence, facts: Facts): readonly Finding[];
}
