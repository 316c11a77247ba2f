// The journal's events: a versioned, discriminated union, one JSON object a line. `atMs` on disk is monotonic milliseconds since the
// run folder was opened; readers shift it to plan time (zero is the first planned request) with the `load-started` event.
import type { Confirmation } from "../faults/fault.ts";
import type { ProcessIdentity } from "../support/process-identity.ts";

export type Phase = "bring-up" | "preflight" | "load" | "settle" | "teardown";
export type ActiveState = "idle" | "injecting" | "active" | "healing" | "healed" | "broken";

/** One line of a watchdog's own event log (docs/stacks.md), as it said it. */
export interface WatchdogLine {
  readonly event:
    | "started"
    | "adopted"
    | "detected"
    | "action"
    | "validated"
    | "action-failed"
    | "recovered"
    | "gave-up"
    | "stopped"
    | "warning"
    | "requested"
    | "decided"
    | "rolled-back"
    | "operator-called"
    | "slot";
  readonly target?: string | undefined;
  readonly condition?: string | undefined;
  readonly level?: "soft" | "medium" | "hard" | "emergency" | undefined;
  readonly attempt?: number | undefined;
  readonly backoffMs?: number | undefined;
  readonly pid?: number | undefined;
  readonly detail?: string | undefined;
  /** Of the request that the line belongs to. */
  readonly id?: string | undefined;
  /** Who asked. */
  readonly by?: string | undefined;
  readonly slot?: string | undefined;
}

/**
 * What one segment of load came to. planned = completed + dropped + interrupted + missed, or the difference is `unaccounted`. A segment in
 * which the harness died has several accounts: one for each part, whose `planned` add up to the segment's starts.
 */
export interface SegmentAccounts {
  readonly index: number;
  readonly planned: number;
  readonly started: number;
  readonly completed: number;
  /** Starts that k6 dropped because every virtual user was busy. */
  readonly dropped: number;
  /** Planned starts that never completed because k6 was ended early: cut short, or never begun. */
  readonly interrupted: number;
  /** Planned starts that fell into a gap of the harness or died with it: neither completed nor failed. Absent without such a gap. */
  readonly missed?: number;
  readonly unaccounted: number;
  readonly users: number;
  readonly usersNeeded: number;
  /** k6's exit code; null when a signal ended it, or when it died with its harness. */
  readonly exitCode: number | null;
  /** CPU time and peak memory of that k6 process, from /proc. */
  readonly cpuMs: number;
  readonly peakRssBytes: number;
}

/** One visit of a browser to the stack's page, or why there was none. */
export interface JourneyRecord {
  /** On the plan's grid, from 1; 0 where there are none at all. */
  readonly number: number;
  /** "no-browser": nothing was learned of the page, and `error` says why. */
  readonly outcome: "ok" | "failed" | "no-browser";
  readonly tookMs: number;
  /** The loading of the page, its first step; null where that failed. */
  readonly pageMs: number | null;
  /** Those that were done. */
  readonly steps: readonly { readonly name: string; readonly tookMs: number }[];
  /** The step that failed. */
  readonly failedAt?: string | undefined;
  readonly error?: string | undefined;
  /** Picture of the page when it failed; relative to the run folder. */
  readonly screenshot?: string | undefined;
}

export interface PreflightCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly measured: number;
  readonly limit: number;
  /** True where `limit` is the least that is needed; otherwise it is the most that is fine. */
  readonly atLeast?: boolean;
  readonly unit: string;
  readonly text: string;
}

export type JournalBody =
  | {
      readonly type: "run-started";
      readonly runId: string;
      readonly scenario: string;
      readonly seed: string;
      readonly planHash: string;
      /** SHA-256 of plan.json as it was written, so that a plan changed afterwards shows. */
      readonly planFileHash?: string;
      readonly wallStart: string;
      /** CLOCK_MONOTONIC of atMs = 0, so that another process of this boot can go on. */
      readonly monotonicZeroMs: number;
      readonly bootId: string;
      readonly tools: Readonly<Record<string, string>>;
      readonly machine: Readonly<Record<string, string | number>>;
      readonly commandLine: readonly string[];
    }
  | { readonly type: "phase"; readonly phase: Phase; readonly state: "begin" | "end" }
  | { readonly type: "preflight"; readonly checks: readonly PreflightCheck[] }
  /** Plan time zero lies at `zeroAtMs` on this journal's axis. */
  | { readonly type: "load-started"; readonly zeroAtMs: number }
  | { readonly type: "segment-started"; readonly index: number; readonly pid: number }
  | ({ readonly type: "segment-ended" } & SegmentAccounts)
  | {
      readonly type: "fault";
      readonly id: string;
      readonly state: ActiveState;
      readonly error?: string;
      /** Healed by another process, while the harness was stopped or dead; `atMs` is when that was. */
      readonly by?: "reaper" | "heal";
      /** With "injecting": when inject was due and when it was called, in plan time. */
      readonly plannedMs?: number;
      readonly callMs?: number;
    }
  /** A look that ended the confirm step: it bites, or its deadline passed without. */
  | { readonly type: "fault-confirmed"; readonly id: string; readonly confirmation: Confirmation }
  | { readonly type: "fault-skipped"; readonly id: string; readonly reason: string }
  /** `wallTime` is the line's own time; atMs is that time on the journal's axis (error: about 1 ms plus clock slew). */
  | { readonly type: "watchdog"; readonly wallTime: string; readonly line: WatchdogLine }
  | {
      readonly type: "process";
      readonly service: string;
      readonly change: "appeared" | "gone";
      readonly identity: ProcessIdentity;
      readonly startedAtMs?: number;
    }
  /** Reading of a config file and of what the service serves; written when something changed since the last reading, and when bad. */
  | {
      readonly type: "config";
      readonly file: string;
      /** SHA-256 of the file's bytes, or null when unreadable. */
      readonly fileHash: string | null;
      readonly fileValid: boolean;
      readonly served: {
        readonly version: number;
        readonly valuesHash: string;
        readonly checksumMatches: boolean;
      } | null;
      /** The service had no answer for the reading (down, timed out). */
      readonly unread?: string;
      /** Time since the previous reading, milliseconds: the error bound of this one. */
      readonly sincePreviousMs: number;
    }
  /**
   * Joins wall and monotonic time each minute; `stepMs` where the wall clock jumped by more than 50 ms; `suspendedMs` where the machine
   * slept so long, for which no time passed on the journal's axis.
   */
  | {
      readonly type: "clock";
      readonly wallMs: number;
      readonly stepMs?: number;
      readonly suspendedMs?: number;
    }
  | { readonly type: "gap"; readonly what: string; readonly lengthMs: number }
  /** `atMs` is when it began. */
  | ({ readonly type: "journey"; readonly service: string } & JourneyRecord)
  /** Kiln mended what the stack did not mend by its deadline. */
  | { readonly type: "rescued"; readonly service: string; readonly fault: string }
  /** The stack driver, as its init, started again what nothing in the stack was expected to bring back. */
  | { readonly type: "revived"; readonly service: string; readonly fault: string }
  /** "gone": Toxiproxy, through which all traffic goes, gave no answer; last known to be well at `fromMs`. "replaced": one works again. */
  | {
      readonly type: "control-plane";
      readonly what: string;
      readonly state?: "gone" | "replaced";
      readonly fromMs?: number;
    }
  /** A stop condition was met, or somebody ended the run: from here on every fault is being healed. */
  | { readonly type: "stopping"; readonly reason: string }
  | { readonly type: "note"; readonly level: "info" | "warning" | "error"; readonly text: string }
  | { readonly type: "interrupted"; readonly signal: string }
  /**
   * The harness had died and another one took the run over. From `gapFromMs` (the last second of load that is wholly known ends there) to
   * `gapToMs` (load flows again), on the same axis as `atMs`, evidence is missing.
   */
  | {
      readonly type: "resumed";
      /** Counts every resuming of this run, from 1. */
      readonly attempt: number;
      readonly by: "reaper" | "user";
      readonly gapFromMs: number;
      readonly gapToMs: number;
      /** The machine was started anew meanwhile: time went on by the wall clock, give or take `uncertaintyMs`. */
      readonly bootChanged: boolean;
      readonly uncertaintyMs: number;
      readonly bootId: string;
      /** CLOCK_MONOTONIC of atMs = 0 from here on; another number after a reboot. */
      readonly monotonicZeroMs: number;
    }
  | {
      readonly type: "run-ended";
      readonly outcome: "completed" | "interrupted" | "stopped" | "error";
      readonly reason?: string;
    };

export type JournalEvent = { readonly seq: number; readonly atMs: number } & JournalBody;
export type JournalType = JournalBody["type"];
export type EventOf<T extends JournalType> = Extract<JournalEvent, { type: T }>;

/** Takes events; the line is with the operating system when `write` returns (it survives SIGKILL of the harness). */
export interface JournalWriter {
  write(body: JournalBody, atMs?: number): JournalEvent;
  close(): void;
}
