// The one typed model between verdict and renderers: plain JSON, every number already worked out, so that a renderer only lays it
// out. This file holds the types; model.ts fills them. All times are plan time in milliseconds unless a name says otherwise.
import type { PreflightCheck, SegmentAccounts, WatchdogLine } from "../harness/journal/events.ts";
import type {
  DrillRecord,
  FaultRecord,
  Finding,
  JourneySummary,
  Status,
  Summary,
} from "../harness/judge/verdict.ts";

export type BandKind = "warm-up" | "window" | "spike" | "fault" | "drill" | "gap" | "unseen";

/** A stretch of the time axis that is shaded and labelled. */
export interface Band {
  readonly kind: BandKind;
  readonly fromMs: number;
  readonly toMs: number;
  /** Short name inside a chart: "f03". Empty for bands that need none. */
  readonly short: string;
  readonly label: string;
  /** Faults: when the harm ended and recovery began; null where it was not healed. */
  readonly healedMs?: number | null;
}

/** Something that happened at one moment: a process of a service was replaced. */
export interface Mark {
  readonly atMs: number;
  readonly label: string;
}

export interface ChartSeries {
  readonly label: string;
  /** As in the journal: "ms", "bytes", "ratio", "1/s". */
  readonly unit: string;
  /** One value for each point of the axis; null where there is no evidence. */
  readonly values: readonly (number | null)[];
}

export type ChartId = "load" | "latency" | "failures" | "memory" | "cpu";

export interface Chart {
  readonly id: ChartId;
  readonly title: string;
  readonly unit: string;
  readonly scale: "linear" | "log";
  /** What the chart shows, in words that hold for this run. */
  readonly sentence: string;
  readonly series: readonly ChartSeries[];
}

export interface TimeAxis {
  readonly startMs: number;
  readonly endMs: number;
  /** Plan time of each point, in seconds. */
  readonly xSec: readonly number[];
  /** What one point stands for at most, milliseconds; 1,000 in short runs. */
  readonly widestMs: number;
}

export interface WatchdogEntry extends WatchdogLine {
  readonly seq: number;
  readonly atMs: number;
}

/** One planned fault with what became of it. */
export interface FaultRow {
  readonly record: FaultRecord;
  /** The options of the plan in words: "delayMs 250". */
  readonly asked: string;
  /** Why it was not run; null where it was. */
  readonly skipped: string | null;
  readonly healPlannedMs: number;
  /** Findings about this fault, worst first. */
  readonly findings: readonly Finding[];
  /** The watchdog's own log from the fault until its settle time was over, at most 40 lines. */
  readonly watchdog: readonly WatchdogEntry[];
  readonly watchdogLeftOut: number;
}

/** One planned operation with what became of it. */
export interface DrillRow {
  readonly record: DrillRecord;
  /** The options of the plan in words. */
  readonly asked: string;
  /** Its judgement; null where there is none. */
  readonly finding: Finding | null;
  readonly doneInMs: number | null;
  readonly undoneInMs: number | null;
}

export interface Trend {
  readonly series: string;
  readonly unit: string;
  /** Medians of the first and last tenth of the load after warm-up. */
  readonly first: number;
  readonly last: number;
  /** last / first - 1; null where first is 0. */
  readonly change: number | null;
  readonly peak: number;
  readonly peakAtMs: number;
}

/** A figure that the project promises to show beside its target; it does not decide the verdict. */
export interface Target {
  readonly name: string;
  readonly target: string;
  readonly measured: string;
  readonly met: boolean;
}

export interface NeverTested {
  readonly what: string;
  readonly why: string;
}

export interface Note {
  readonly atMs: number;
  readonly text: string;
}

export interface HowItWasRun {
  readonly command: string;
  readonly startedWall: string;
  readonly commandLine: string;
  readonly tools: readonly { readonly name: string; readonly value: string }[];
  readonly machine: readonly { readonly name: string; readonly value: string }[];
  readonly preflight: readonly PreflightCheck[];
  readonly outcome: string;
  /** Warnings, gaps, control-plane trouble and rescues that the journal holds, at most 100. */
  readonly notes: readonly Note[];
  readonly notesLeftOut: number;
}

export interface ReportModel {
  readonly v: 1;
  readonly generatedAt: string;
  readonly runId: string;
  readonly scenario: string;
  readonly description: string;
  readonly seed: string;
  readonly planHash: string;
  readonly durationMs: number;
  readonly status: Status;
  /** The answer to "may we release?". */
  readonly headline: string;
  readonly because: string;
  /** Set when the evidence does not cover the whole plan. */
  readonly partial: string | null;
  readonly endMs: number;
  readonly summary: Summary;
  /** Limit of the scenario for one recovery; null where it sets none. */
  readonly recoveryLimitMs: number | null;
  readonly availabilityObjective: number | null;
  readonly findings: readonly Finding[];
  readonly faults: readonly FaultRow[];
  readonly drills: readonly DrillRow[];
  readonly axis: TimeAxis;
  readonly charts: readonly Chart[];
  readonly bands: readonly Band[];
  readonly marks: readonly Mark[];
  readonly trends: readonly Trend[];
  readonly targets: readonly Target[];
  /** A browser's visits to the stack's page; null where the plan asks for none. */
  readonly journeys: JourneySummary | null;
  readonly neverTested: readonly NeverTested[];
  readonly accounts: readonly SegmentAccounts[];
  readonly how: HowItWasRun;
}
