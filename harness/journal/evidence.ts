// What the judge and the reports may see of a run: iterators over the journal. Only journal/ opens files. All times are plan time,
// milliseconds from the first planned request (bring-up is negative).
import type { LatencySketch } from "../support/latency-sketch.ts";
import type { EventOf, JournalEvent, JournalType } from "./events.ts";

/** ok: right answer. degraded: right by the degradation contract, and says so. shed, limited: refused by intent. failed: all else. */
export const outcomes = ["ok", "degraded", "shed", "limited", "failed"] as const;
export type Outcome = (typeof outcomes)[number];

/** Requests of one second (by actual start), one route, one priority, one outcome. */
export interface LoadCell {
  readonly second: number;
  readonly route: string;
  readonly priority: string;
  readonly essential: boolean;
  readonly outcome: Outcome;
  readonly count: number;
  /** Milliseconds from actual start to end. */
  readonly latency: LatencySketch;
}

/** One second of load as a whole, by actual start. */
export interface LoadSecond {
  readonly second: number;
  readonly rps: number;
  readonly segment: number;
  readonly planned: number;
  readonly started: number;
  readonly dropped: number;
  /** Start lateness against the plan's grid, milliseconds. */
  readonly lateness: LatencySketch;
  /** Start of the first and last essential request of this second that failed, plan time; null where none did. */
  readonly firstFailureMs: number | null;
  readonly lastFailureMs: number | null;
  /** Start of the first essential request after `lastFailureMs` in this second that succeeded. */
  readonly okAfterFailureMs: number | null;
}

export interface SeriesInfo {
  readonly id: number;
  /** Dotted name: "process.gateway.rss", "system.cpu", "app.gateway.nodejs_heap_size_used_bytes". */
  readonly name: string;
  /** "bytes", "ratio", "ms", "count", "1/s". */
  readonly unit: string;
}

export interface Sample {
  readonly atMs: number;
  readonly value: number;
}

export interface Evidence {
  readonly header: EventOf<"run-started">;
  /** False when the first planned request never left. */
  readonly loadStarted: boolean;
  /** Plan time of the last event or sample: evidence ends here. */
  readonly endMs: number;
  /** Null while the run goes on or when the harness died. */
  readonly ended: EventOf<"run-ended"> | null;
  /** Lines of the journal that could not be read (a torn last line is normal after a kill and is not counted). */
  readonly unreadableLines: number;
  /** Parts of the run folder that could not be read, in words; the judge treats them as missing evidence. */
  readonly damage?: readonly string[];
  events(): Iterable<JournalEvent>;
  eventsOf<T extends JournalType>(type: T): EventOf<T>[];
  cells(fromMs?: number, toMs?: number): Iterable<LoadCell>;
  seconds(fromMs?: number, toMs?: number): Iterable<LoadSecond>;
  series(): readonly SeriesInfo[];
  samples(name: string, fromMs?: number, toMs?: number): Iterable<Sample>;
}
