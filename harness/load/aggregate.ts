// Folds the rows of k6 into per-second cells and seconds (journal/evidence.ts) and keeps the accounts of each segment. What changed is
// handed to the sample writer on `flush`, so that at most the time since the last flush is lost with the harness. A second is kept
// until no answer for it can come any more; rows later than that are counted as `late`, not stored.
import type { LoadCell, LoadSecond } from "../journal/evidence.ts";
import type { SampleWriter } from "../journal/sample-writer.ts";
import { LatencySketch } from "../support/latency-sketch.ts";
import type { LoadRow } from "./csv-reader.ts";
import { plannedBetween, segmentAt, slotMs, slotOf } from "./grid.ts";
import type { RunSegment } from "./remaining.ts";

export interface SegmentCounts {
  started: number;
  completed: number;
  dropped: number;
  /** Starts and drops after the last planned one; in none of the other numbers. */
  excess: number;
}

/** What the last seconds looked like, for progress and stop conditions. */
export interface RecentLoad {
  /** The last second whose rows have arrived, plan time in whole seconds; -1 before there is one. */
  readonly second: number;
  readonly plannedRps: number;
  readonly startedLastSecond: number;
  readonly failedLastSecond: number;
  /** 95th percentile over all answers of the last 10 s by start, milliseconds; NaN when there were none. */
  readonly p95Ms: number;
}

export interface AggregateOptions {
  readonly segments: readonly RunSegment[];
  /** Seconds before this plan time are another harness's work and are left as they are. Default 0. */
  readonly fromMs?: number;
  /** Request time-out: no answer comes later, but for k6's own delay. */
  readonly timeoutMs: number;
  readonly samples: Pick<SampleWriter, "cell" | "second">;
  /** Plan time of k6's wall-clock stamp. */
  readonly toPlanMs: (wallMs: number) => number;
}

type OpenCell = { -readonly [K in keyof LoadCell]: LoadCell[K] } & { dirty: boolean };

interface OpenSecond {
  readonly second: number;
  readonly cells: Map<string, OpenCell>;
  readonly lateness: LatencySketch;
  started: number;
  dropped: number;
  failed: number;
  /** Starts of essential requests, plan time. */
  readonly failedAtMs: number[];
  readonly okAtMs: number[];
  touched: boolean;
  dirty: boolean;
}

/** k6 hands over its rows four times a second (k6-process.ts); a second is complete for readers this long after its end. */
const arrivalMs = 400;
const recentSeconds = 10;
/** Beyond the time-out: k6's own delay, and rows of a segment that ends while the next one begins. */
const lateAllowanceMs = 3_000;

export class LoadAggregate {
  readonly #options: AggregateOptions;
  readonly #keepMs: number;
  readonly #open = new Map<number, OpenSecond>();
  readonly #counts: ReadonlyMap<number, SegmentCounts>;
  /** Plan time of the latest row: how far the stream has come. */
  #newestMs: number;
  /** Seconds before this one take no more rows. */
  #closedBefore: number;
  /** Seconds before this one have been written at least once. */
  #coveredTo: number;
  #late = 0;

  constructor(options: AggregateOptions) {
    this.#options = options;
    this.#newestMs = options.fromMs ?? 0;
    this.#closedBefore = Math.floor(this.#newestMs / 1_000);
    this.#coveredTo = this.#closedBefore;
    this.#keepMs = Math.max(options.timeoutMs + lateAllowanceMs, (recentSeconds + 2) * 1_000);
    this.#counts = new Map(
      options.segments.map(({ index }) => [index, { started: 0, completed: 0, dropped: 0, excess: 0 }]),
    );
  }

  /** Rows that came after their second was closed. */
  get late(): number {
    return this.#late;
  }

  counts(index: number): Readonly<SegmentCounts> {
    return this.#countsOf(index);
  }

  /** A sink for the rows of one segment's k6. */
  rowsOf(segment: RunSegment): (row: LoadRow) => void {
    const account = this.#countsOf(segment.index);
    /** Starts that await their answer, plan time by iteration. */
    const inFlight = new Map<number, number>();
    /** Iterations beyond the plan. */
    const excess = new Set<number>();
    return (row) => {
      // k6 runs on for a moment after the last planned slot (scenarios/load/kiln.ts). It handles slot after slot, each of which is a
      // start or a drop, and hands them over in that order: what follows the last planned one is none of the plan's.
      if (row.kind !== "request" && account.started + account.dropped >= segment.starts) {
        account.excess += 1;
        if (row.kind === "start") excess.add(row.iteration);
        return;
      }
      if (row.kind === "request" && excess.has(row.iteration)) return;
      // Released a fraction of a millisecond early, the first start must not fall into the second before.
      const atMs = Math.max(segment.startMs, this.#options.toPlanMs(row.wallMs));
      if (row.kind === "start") {
        account.started += 1;
        inFlight.set(row.iteration, atMs);
        this.#addStart(segment, row.iteration, atMs, account.dropped);
      } else if (row.kind === "dropped") {
        account.dropped += row.count;
        const second = this.#secondAt(atMs);
        if (second !== undefined) second.dropped += row.count;
      } else {
        account.completed += 1;
        const startMs = inFlight.get(row.iteration) ?? Math.max(segment.startMs, atMs - row.lengthMs);
        inFlight.delete(row.iteration);
        const second = this.#secondAt(startMs);
        if (second !== undefined) addRequest(second, row, startMs);
      }
    };
  }

  /** Hands all that changed to the writer; seconds before `nowMs` (plan time) without any row are written, too. */
  flush(nowMs: number): void {
    const { segments, samples } = this.#options;
    // Silence is evidence as well: a second in which k6 said nothing is written with its planned starts.
    const loadEndMs = segments.at(-1)?.endMs ?? 0;
    const coverTo = Math.min(Math.floor((nowMs - arrivalMs) / 1_000), Math.ceil(loadEndMs / 1_000));
    for (; this.#coveredTo < coverTo; this.#coveredTo++) {
      if (!this.#open.has(this.#coveredTo)) this.#open.set(this.#coveredTo, openSecond(this.#coveredTo));
    }
    // Time is counted by the stream, not by the clock: when the harness was held up, the rows still wait in the pipe.
    this.#closedBefore = Math.max(this.#closedBefore, Math.floor((this.#newestMs - this.#keepMs) / 1_000));
    for (const second of this.#open.values()) {
      if (second.dirty) write(samples, segments, second);
      if (second.second < this.#closedBefore || !second.touched) this.#open.delete(second.second);
    }
  }

  recent(nowMs: number): RecentLoad {
    const last = Math.floor((nowMs - arrivalMs) / 1_000) - 1;
    const found = this.#open.get(last);
    const latency = new LatencySketch();
    for (let at = last - recentSeconds + 1; at <= last; at++) {
      for (const cell of this.#open.get(at)?.cells.values() ?? []) latency.merge(cell.latency);
    }
    return {
      second: Math.max(-1, last),
      plannedRps: segmentAt(this.#options.segments, nowMs).rps,
      startedLastSecond: found?.started ?? 0,
      failedLastSecond: found?.failed ?? 0,
      p95Ms: latency.quantile(0.95),
    };
  }

  #countsOf(index: number): SegmentCounts {
    const found = this.#counts.get(index);
    if (found === undefined) throw new RangeError(`no load segment ${index}`);
    return found;
  }

  #addStart(segment: RunSegment, iteration: number, atMs: number, dropsSeen: number): void {
    const second = this.#secondAt(atMs);
    if (second === undefined) return;
    second.started += 1;
    // A script numbers its iterations from the segment's own first; the grid here begins with what is left of it.
    const own = iteration - (segment.first ?? 0);
    second.lateness.record(atMs - slotMs(segment, slotOf(segment, own, atMs, dropsSeen)));
  }

  /** The open second of a plan time, about to be changed; undefined when it is closed. */
  #secondAt(atMs: number): OpenSecond | undefined {
    const second = Math.floor(atMs / 1_000);
    if (second < this.#closedBefore) {
      this.#late += 1;
      return undefined;
    }
    const found = this.#open.get(second) ?? openSecond(second);
    this.#open.set(second, found);
    found.touched = true;
    found.dirty = true;
    this.#newestMs = Math.max(this.#newestMs, atMs);
    return found;
  }
}

function openSecond(second: number): OpenSecond {
  return {
    second,
    cells: new Map(),
    lateness: new LatencySketch(),
    started: 0,
    dropped: 0,
    failed: 0,
    failedAtMs: [],
    okAtMs: [],
    touched: false,
    dirty: true,
  };
}

function addRequest(second: OpenSecond, row: Extract<LoadRow, { kind: "request" }>, startMs: number): void {
  const { route, priority, essential, outcome } = row;
  const key = `${route} ${priority} ${essential} ${outcome}`;
  let cell = second.cells.get(key);
  if (cell === undefined) {
    cell = {
      second: second.second,
      route,
      priority,
      essential,
      outcome,
      count: 0,
      latency: new LatencySketch(),
      dirty: true,
    };
    second.cells.set(key, cell);
  }
  cell.count += 1;
  cell.latency.record(row.lengthMs);
  cell.dirty = true;
  if (outcome === "failed") second.failed += 1;
  if (!essential) return;
  if (outcome === "failed") second.failedAtMs.push(startMs);
  else if (outcome === "ok" || outcome === "degraded") second.okAtMs.push(startMs);
}

function write(
  samples: AggregateOptions["samples"],
  segments: readonly RunSegment[],
  second: OpenSecond,
): void {
  for (const cell of second.cells.values()) {
    if (!cell.dirty) continue;
    cell.dirty = false;
    const { dirty: _dirty, ...plain } = cell;
    samples.cell(plain);
  }
  second.dirty = false;
  samples.second(asLoadSecond(segments, second));
}

function asLoadSecond(segments: readonly RunSegment[], open: OpenSecond): LoadSecond {
  const fromMs = open.second * 1_000;
  const { rps, index } = segmentAt(segments, fromMs);
  const { started, dropped, lateness } = open;
  const firstFailureMs = open.failedAtMs.length === 0 ? null : Math.min(...open.failedAtMs);
  const lastFailureMs = open.failedAtMs.length === 0 ? null : Math.max(...open.failedAtMs);
  const okAfter = lastFailureMs === null ? [] : open.okAtMs.filter((atMs) => atMs > lastFailureMs);
  return {
    second: open.second,
    rps,
    segment: index,
    planned: plannedBetween(segments, fromMs, fromMs + 1_000),
    started,
    dropped,
    lateness,
    firstFailureMs,
    lastFailureMs,
    okAfterFailureMs: okAfter.length === 0 ? null : Math.min(...okAfter),
  };
}
