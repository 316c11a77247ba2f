// What a run is asked for, what comes of it, and what its parts share.
import type { FaultTable } from "../faults/fault.ts";
import type { JournalEvent } from "../journal/events.ts";
import type { LiveLoad, LoadDriver, LoadDriverOptions } from "../load/load-driver.ts";
import type { Plan } from "../plan/plan.ts";
import type { Tools } from "../support/tools.ts";
import type { Ledger } from "./ledger.ts";
import type { RunMode } from "./ledger-format.ts";
import type { ResumePoint } from "./resume-point.ts";
import type { RunFiles } from "./run-files.ts";

export interface RunRequest {
  readonly plan: Plan;
  /** Absolute path of the k6 script. */
  readonly scriptPath: string;
  /** Absolute path of the journey script, where the plan asks for journeys. */
  readonly journeyPath?: string;
  /** Absolute folder that holds all runs. */
  readonly runsDir: string;
  readonly faults: FaultTable;
  readonly tools: Tools;
  readonly commandLine: readonly string[];
  /** What is to happen if this process dies; default "foreground". */
  readonly mode?: RunMode;
  /** Where whoever started this process has already chosen it. */
  readonly runId?: string;
  readonly onEvent: (event: JournalEvent) => void;
  /** Called once a second with the live load; null before and after it. Plan time in milliseconds. */
  readonly onPulse: (live: LiveLoad | null, planMs: number | null) => void;
  /** Called once the folder exists. */
  readonly onFolder: (runDir: string) => void;
}

export type RunOutcome = "completed" | "interrupted" | "stopped" | "error";

export interface RunResult {
  readonly runDir: string;
  readonly outcome: RunOutcome;
  /** What ended a run of outcome "error". */
  readonly error?: unknown;
}

/** Why a run's signal was aborted by a person. */
export class Interrupted extends Error {
  readonly signalName: string;
  constructor(signalName: string) {
    super(`interrupted by ${signalName}`);
    this.signalName = signalName;
  }
}

/** How the work inside a run came to its end. */
export interface Ended {
  readonly outcome: RunOutcome;
  readonly reason?: string;
  readonly error?: unknown;
}

export interface Scope {
  readonly files: RunFiles;
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
  /** Where this harness goes on with the run of one that died. */
  readonly resume?: ResumePoint;
}

export type MakeLoad = (from?: LoadDriverOptions["from"]) => LoadDriver;

/** What is about to run under load. */
export interface Begun {
  /** Null where no planned start is left. */
  readonly load: LoadDriver | null;
  /** Plan time zero on CLOCK_MONOTONIC. */
  readonly zeroMs: number;
  /** Plan time from which this harness carries it. */
  readonly fromMs: number;
  /** With those faults only that are still to come. */
  readonly plan: Plan;
}
