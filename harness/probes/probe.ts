// The contract of a probe: an observer with a period. A probe only looks; what it sees goes to samples and journal. One that fails is
// journalled once per streak and goes on: missing numbers are for the judge to weigh.
import type { JournalWriter } from "../journal/events.ts";
import type { SampleWriter } from "../journal/sample-writer.ts";
import type { StackHandle } from "../stack/stack.ts";
import type { Clock } from "../support/clock.ts";
import type { ProcessIdentity } from "../support/process-identity.ts";
import type { WallJoin } from "../support/wall-join.ts";
import type { JourneysAsked } from "./browser-journey.ts";

export interface ProbeContext {
  readonly stack: StackHandle;
  readonly journal: JournalWriter;
  readonly samples: SampleWriter;
  /** Counts from the run's zero: the journal's axis. */
  readonly clock: Clock;
  readonly wall: WallJoin;
  /** CLOCK_MONOTONIC of the journal's zero. */
  readonly zeroMonotonicMs: number;
  readonly runDir: string;
  readonly runId: string;
  /** What the journal holds already, where another harness has watched this run before. */
  readonly seen?: WorldSeen;
  /** Where the plan asks for journeys of a browser. */
  readonly journeys?: JourneysAsked;
}

export interface WorldSeen {
  /** The process of each service that was last seen alive. */
  readonly processes: ReadonlyMap<string, ProcessIdentity>;
  /** Lines of the watchdog's log that were copied. */
  readonly watchdogLines: number;
  /** Results of browser journeys that were copied. */
  readonly journeys: number;
}

export interface Probe {
  readonly name: string;
  readonly everyMs: number;
  /** `atMs`: when this look was due, on the journal's axis. The signal is the probe's own deadline. */
  look(atMs: number, signal: AbortSignal): void | Promise<void>;
  /** For a probe that has started something: ends it, before the last look. */
  close?(): Promise<void>;
}

export type ProbeFactory = (context: ProbeContext) => readonly Probe[];
