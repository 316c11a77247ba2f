// The resolved plan: everything that a run will do, fixed by scenario and seed. All times are milliseconds from the first request
// (plan time); bring-up and preflight lie before zero. Plain JSON: it is what plan.json holds.
import type { DrillDemands } from "../drills/drill.ts";
import type { Expectation } from "../faults/fault.ts";
import type { Journeys, ObjectivesInput, Scenario } from "../scenario/scenario.ts";
import type { Capability, StackSpec } from "../scenario/stack-spec.ts";
import type { Json } from "../support/json.ts";

export interface LoadSegment {
  readonly index: number;
  readonly kind: "steady" | "spike";
  readonly startMs: number;
  /** Starts fall in [startMs, endMs): the k-th at startMs + k * 1000 / rps. */
  readonly endMs: number;
  readonly rps: number;
  /** Starts planned: (endMs - startMs) * rps / 1000, a whole number by construction. */
  readonly starts: number;
  /** ceil(1.25 * rps * time-out): the virtual users that a hung target would keep busy. */
  readonly usersNeeded: number;
  /** min(usersNeeded, the scenario's maxUsers). */
  readonly users: number;
}

export interface FaultStep {
  /** Unique in the plan: "f01-latency". */
  readonly id: string;
  readonly fault: string;
  readonly kind: "momentary" | "held";
  /** What it hits, such as "link:postgres", "service:gateway" or "config:gateway". */
  readonly target: string;
  readonly options: { readonly [key: string]: Json };
  readonly startMs: number;
  /** Held faults: when Kiln heals. Momentary faults: equal to startMs. */
  readonly healMs: number;
  /** No window draws a fault before this: heal, or for momentary faults inject plus the time they may cost, plus settle. */
  readonly settleUntilMs: number;
  readonly expect: Expectation;
  /** Set when the stack or the machine lacks a capability and the scenario said to skip: the step stays in the timeline as lost coverage. */
  readonly skipped?: {
    readonly missing: readonly Capability[];
    /** Why, where it is the machine that cannot carry it. */
    readonly reason?: string;
  };
  /** The pattern that it is a step of; `index` counts from 1 to `of`. */
  readonly pattern?: {
    /** Of this occurrence: "p01-flapping". */
    readonly id: string;
    readonly name: string;
    readonly index: number;
    readonly of: number;
  };
  /**
   * Shared by steps that overlap on purpose, settle times included, and by those of one pattern: what is harm of one and recovery from
   * another cannot be told apart, so recovery is judged for the group, at the step whose harm ends last.
   */
  readonly group?: string;
}

/**
 * A planned operation: done, looked at and undone as a held fault is, but nothing is broken by it. `fault` names the drill, healMs is when Kiln
 * undoes it, and settleUntilMs leaves undoing its time, too.
 */
export interface DrillStep extends FaultStep {
  readonly kind: "held";
  readonly demands: DrillDemands;
}

export interface Budget {
  /** (1 - availability) * duration, milliseconds; null where the scenario sets no availability objective. */
  readonly allowedMs: number | null;
  /** Sum of unavailableMs over all faults. */
  readonly plannedMs: number;
}

/** Time under fault in the chaos windows as a share of their length. */
export interface PlannedDuty {
  /** As the scenario says. With pick "once-each", and in a condensed plan, what the plan adds up to. */
  readonly asked: number;
  /** What the plan adds up to. */
  readonly planned: number;
}

/** What a condensed plan was made from. */
export interface Condensed {
  /** The scenario's own name. */
  readonly of: string;
  readonly ofHash: string;
  readonly ofDurationMs: number;
  /** Holds were divided by this. */
  readonly factor: number;
}

export interface Plan {
  readonly v: 1;
  readonly plannerVersion: number;
  readonly scenario: string;
  readonly description: string;
  readonly seed: string;
  /** SHA-256 over scenario, seed, timeline and planner version: no paths, ports, tool versions or arguments. */
  readonly hash: string;
  readonly durationMs: number;
  readonly preflightMs: number;
  readonly warmUpMs: number;
  readonly load: {
    /** As the scenario names it, relative to the scenario file. */
    readonly script: string;
    readonly timeoutMs: number;
    readonly segments: readonly LoadSegment[];
  };
  readonly windows: readonly { readonly startMs: number; readonly endMs: number }[];
  /** Absent where the plan has no windows. */
  readonly duty?: PlannedDuty;
  /** Quiet time at the end of the load. */
  readonly finalSettleMs?: number;
  /** Choices that no window has room for, in words; absent where there are none. */
  readonly notDrawn?: readonly string[];
  /** Set when the plan was condensed; `scenario` then begins with "condensed". */
  readonly condensed?: Condensed;
  readonly faults: readonly FaultStep[];
  /** Absent where there are none. */
  readonly drills?: readonly DrillStep[];
  /** The run refuses a fault while so many are in force: the scenario's limit, or what the timeline itself comes to. Absent: no limit. */
  readonly atMostAtOnce?: number;
  readonly budget: Budget;
  /** Visits of a browser to the stack's page; absent where there are none. */
  readonly journeys?: Journeys;
  readonly objectives: ObjectivesInput;
  readonly stopWhen: Scenario["stopWhen"];
  readonly stack: StackSpec;
}
