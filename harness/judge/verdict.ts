// What the judge says: findings with their evidence, and their merge. Plain JSON: it is what verdict.json holds.
import type { RecoveryLevel } from "../faults/fault.ts";

export const statuses = ["pass", "inconclusive", "fail"] as const;
export type Status = (typeof statuses)[number];

/** The worst of several; none at all is inconclusive, because no evidence is never a pass. */
export function worst(all: readonly Status[]): Status {
  if (all.length === 0) return "inconclusive";
  return all.reduce((a, b) => (statuses.indexOf(b) > statuses.indexOf(a) ? b : a));
}

export interface Measure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The limit it was held against, where there is one. */
  readonly limit?: number;
}

export interface Finding {
  /** Stable and unique in the verdict: "recovery/f03-kill". */
  readonly id: string;
  readonly checker: string;
  readonly status: Status;
  /** One sentence that can stand alone in a release meeting. */
  readonly title: string;
  /** More, for who wants to know why; plain text. */
  readonly detail?: string;
  readonly measures: readonly Measure[];
  readonly evidence: {
    readonly fromMs?: number;
    readonly toMs?: number;
    /** Journal sequence numbers. */
    readonly events: readonly number[];
    readonly series: readonly string[];
  };
  /** The fault that it is about. */
  readonly fault?: string;
  /** "stack": the system under test is to blame or to praise. "harness": the evidence is doubtful because of Kiln, k6 or the machine. */
  readonly about: "stack" | "harness";
}

/** An instant on the timeline with its error bound; absent where it did not happen or was not seen. */
export interface Instant {
  readonly atMs: number;
  /** The true time lies in [atMs - errorMs, atMs]. */
  readonly errorMs: number;
}

export interface FaultRecord {
  readonly id: string;
  readonly fault: string;
  readonly target: string;
  readonly kind: "momentary" | "held";
  readonly plannedMs: number;
  readonly injected: Instant | null;
  readonly effective: Instant | null;
  readonly detected: Instant | null;
  readonly acted: Instant | null;
  readonly healed: Instant | null;
  readonly recovered: Instant | null;
  /** First failed essential request under this fault; null where users saw none. */
  readonly firstFailure: Instant | null;
  /** Low and high bound of the recovery time; high null: it never recovered within the evidence (censored). Null: no recovery to time. */
  readonly recoveryMs: { readonly low: number; readonly high: number | null } | null;
  /**
   * timed: both ends are known. none: users saw no failure and nothing was demanded. censored: still not well when the watch ended (or
   * when Kiln rescued the stack). undecided: getting well, but the next step or the end of evidence came first. not-run: no such fault.
   * grouped: it overlapped others on purpose; the one of them that ended last holds the recovery of all.
   */
  readonly recovery: "timed" | "none" | "censored" | "undecided" | "not-run" | "grouped";
  /** How recovery was timed, and what was left out of it, in words. */
  readonly note: string;
  /** Spells of failure under this fault; recoveryMs is that of the longest. */
  readonly episodes: number;
  readonly confirmed: "yes" | "no" | "not-run";
  readonly saw: string;
  readonly magnitude: { readonly asked: number; readonly measured: number; readonly unit: string } | null;
  /** Strongest level that the watchdog used because of it. */
  readonly level: RecoveryLevel;
  /** Essential requests that failed between injection and recovery. */
  readonly failedRequests: number;
  readonly unavailableMs: number;
  readonly rescued: boolean;
}

/** A planned operation with what became of it. */
export interface DrillRecord {
  readonly id: string;
  readonly drill: string;
  readonly plannedMs: number;
  /** Null when it never began. */
  readonly beganMs: number | null;
  /** When what does it had come to its end. */
  readonly done: Instant | null;
  readonly confirmed: "yes" | "no" | "not-run";
  readonly saw: string;
  /** What was seen speaks against it; else a look that did not confirm it told nothing. */
  readonly disproved: boolean;
  /** When undoing began. */
  readonly undoingMs: number | null;
  /** When it was seen to be undone. */
  readonly undone: Instant | null;
  /** Not by the harness that carried it out, which had died or was stopped. */
  readonly undoneBy: "reaper" | "heal" | null;
  /** Why doing or undoing failed, the last time. */
  readonly error: string | null;
  /** Requests of all routes that failed or were dropped by the stack, from one request time-out before it until it was undone. */
  readonly failedRequests: number;
  /** All requests in that time that have an outcome. */
  readonly requests: number;
  /** Planned starts in that time of which nothing is known. */
  readonly unknownRequests: number;
}

/** Time under fault in the chaos windows as a share of their length. */
export interface DutyCycle {
  readonly asked: number;
  /** What the plan adds up to. */
  readonly planned: number;
  /** Over the windows that the evidence reaches; null where it reaches none. */
  readonly measured: number | null;
}

/** Share of a service's calls that were to fail, and did, while it was told to fail them. */
export interface FaultRate {
  readonly asked: number;
  /** Mean over the looks that confirmed the faults of this rate. */
  readonly measured: number;
  readonly faults: number;
}

/** Numbers that every report shows, judged or not. Null where there was no evidence. */
export interface Summary {
  readonly loadMs: number;
  readonly planned: number;
  readonly completed: number;
  readonly dropped: number;
  readonly interrupted: number;
  /** Essential requests that failed, without dropped ones and without those in stretches of missing evidence. */
  readonly failed: number;
  /** Refused by intent, counted apart from failures. */
  readonly shed: number;
  readonly limited: number;
  readonly availability: number | null;
  readonly availabilityByTime: number | null;
  readonly calmAvailability: number | null;
  readonly meanMs: number | null;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
  readonly latenessP99Ms: number | null;
  /** Null where the plan has no windows. */
  readonly duty: DutyCycle | null;
  /** By asked rate; empty where no fault had one. */
  readonly faultRates: readonly FaultRate[];
}

/** How often visits were made, and how many of those failed. */
export interface JourneyCount {
  readonly made: number;
  readonly failed: number;
}

/** Milliseconds; by nearest rank. */
export interface Times {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

export interface JourneyFailure {
  readonly atMs: number;
  readonly number: number;
  readonly failedAt: string;
  readonly error: string;
  /** Relative to the run folder. */
  readonly screenshot: string | null;
  /** The fault in whose span it lies, of those on something that a visit needs; null in calm. */
  readonly fault: string | null;
}

/** A browser's visits to the stack's page, as the plan asked for them. */
export interface JourneySummary {
  readonly service: string;
  readonly everyMs: number;
  /** That the plan asks for and the evidence reaches. */
  readonly owed: number;
  /** Outside the spans of faults on anything that a visit needs. */
  readonly calm: JourneyCount;
  readonly underFault: JourneyCount;
  /** In stretches of missing evidence, and failures on a starved machine: counted nowhere else. */
  readonly leftOut: number;
  /** Nothing was learned of the page: there was no browser, or it broke. */
  readonly withoutBrowser: number;
  /** Why, the first time. */
  readonly why: string | null;
  /** Loading of the page in calm; null without any. */
  readonly page: Times | null;
  /** Each step in calm, in the order of the script. */
  readonly steps: readonly (Times & { readonly name: string })[];
  /** The first hundred. */
  readonly failures: readonly JourneyFailure[];
}

export interface Verdict {
  readonly v: 1;
  readonly status: Status;
  /** The reason in words: one or two sentences. */
  readonly because: string;
  /** True when the run was still going, was interrupted, or its harness died: evidence covers only [.., endMs]. */
  readonly partial: boolean;
  readonly endMs: number;
  readonly runId: string;
  readonly scenario: string;
  readonly seed: string;
  readonly planHash: string;
  readonly summary: Summary;
  readonly findings: readonly Finding[];
  readonly faults: readonly FaultRecord[];
  /** Absent where the plan has none. */
  readonly drills?: readonly DrillRecord[];
  /** Absent where the plan asks for none. */
  readonly journeys?: JourneySummary;
}
