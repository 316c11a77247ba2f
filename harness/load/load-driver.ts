// Drives a plan's load: one k6 a segment, the next one made ready ahead of its boundary and released on it, rows folded into samples,
// accounts closed in the journal. All times inside are plan time; plan time zero is handed to `run`.
import type { JournalWriter, SegmentAccounts } from "../journal/events.ts";
import type { LoadTotals } from "../journal/sample-store.ts";
import type { SampleWriter } from "../journal/sample-writer.ts";
import type { Plan } from "../plan/plan.ts";
import { everyTick, type Clock } from "../support/clock.ts";
import type { Spawner } from "../support/spawner.ts";
import { createWallJoin, type WallJoin } from "../support/wall-join.ts";
import { closeAccounts, ranOver } from "./accounts.ts";
import { LoadAggregate, type RecentLoad } from "./aggregate.ts";
import { createCsvReader, type CsvReader } from "./csv-reader.ts";
import { plannedBefore } from "./grid.ts";
import { k6Failure } from "./k6-failure.ts";
import { startK6, type K6Process, type K6Settings } from "./k6-process.ts";
import { remainingFrom, type RunSegment } from "./remaining.ts";

export interface LiveLoad extends RecentLoad {
  readonly completed: number;
  /** Starts planned until now. */
  readonly planned: number;
}

export interface LoadDriver {
  /** Resolves when the first segment's k6 is up and paused. Rejects with a usage error when the script is wrong. */
  prepare(): Promise<void>;
  /** Ends what `prepare` started, where `run` will not follow. */
  discard(): Promise<void>;
  /**
   * Runs all segments; `zeroMonotonicMs` is plan time zero on the clock. Resolves with the accounts of the segments that were released,
   * also when `signal` aborts (k6 is ended then). Rejects when a segment's k6 cannot be started; none is left running.
   */
  run(zeroMonotonicMs: number, signal: AbortSignal): Promise<readonly SegmentAccounts[]>;
  /** Hands what changed to the sample writer; call it once a second. */
  flush(): void;
  live(): LiveLoad;
}

export interface LoadDriverOptions {
  readonly plan: Plan;
  /** Absolute path of the k6 script. */
  readonly scriptPath: string;
  readonly targetUrl: string;
  readonly spawn: Spawner;
  readonly k6: string;
  readonly journal: JournalWriter;
  readonly samples: SampleWriter;
  readonly clock: Clock;
  readonly workDir: string;
  /** Where a run goes on whose harness died: the load before that plan time was another's, and came to `totals`. */
  readonly from?: { readonly planMs: number; readonly totals: LoadTotals };
}

interface Running {
  readonly segment: RunSegment;
  readonly k6: K6Process;
  readonly reader: CsvReader;
}

/** A segment's k6 is made ready this long before its boundary: 438 users take well under a second on an idle machine. */
const prepareAheadMs = 8_000;
/** Beyond its end, time-out and graceful stop (1 s): a k6 that has not gone by then hangs. */
const overdueMs = 5_000;

export function createLoadDriver(options: LoadDriverOptions): LoadDriver {
  return new SegmentedLoad(options);
}

class SegmentedLoad implements LoadDriver {
  readonly #options: LoadDriverOptions;
  readonly #settings: K6Settings;
  readonly #segments: readonly RunSegment[];
  readonly #aggregate: LoadAggregate;
  readonly #wall: WallJoin;
  /** Segments whose k6 was started ahead of `run`. */
  readonly #prepared = new Map<number, Promise<Running>>();
  /** Plan time zero on the clock; NaN until `run`. */
  #zeroMs = Number.NaN;

  constructor(options: LoadDriverOptions) {
    const { plan, clock, samples, from } = options;
    const { timeoutMs } = plan.load;
    const fromMs = from?.planMs ?? 0;
    const segments = remainingFrom(plan.load.segments, fromMs);
    this.#options = options;
    this.#settings = { ...options, seed: plan.seed, timeoutMs };
    this.#segments = segments;
    this.#wall = createWallJoin(clock);
    const toPlanMs = (wallMs: number): number => this.#wall.toMonotonicMs(wallMs) - this.#zeroMs;
    this.#aggregate = new LoadAggregate({ segments, timeoutMs, samples, toPlanMs, fromMs });
  }

  async prepare(): Promise<void> {
    const first = this.#segments[0];
    if (first === undefined) return;
    const started = this.#start(first);
    this.#prepared.set(first.index, started);
    await started;
  }

  async discard(): Promise<void> {
    await Promise.all([...this.#prepared.values()].map(async (started) => (await started).k6.stop()));
    this.#prepared.clear();
  }

  async run(zeroMonotonicMs: number, signal: AbortSignal): Promise<readonly SegmentAccounts[]> {
    this.#zeroMs = zeroMonotonicMs;
    const failed = new AbortController();
    const end = AbortSignal.any([signal, failed.signal]);
    const observing = new AbortController();
    const observed = everyTick(1_000, () => void this.#wall.observe(), observing.signal, this.#options.clock);
    const runs = this.#segments.map(async (segment) => {
      try {
        return await this.#runSegment(segment, end);
      } catch (error) {
        failed.abort(error);
        throw error;
      }
    });
    const results = await Promise.allSettled(runs);
    observing.abort();
    await observed;
    const { late } = this.#aggregate;
    if (late > 0)
      warn(
        this.#options.journal,
        `${late} rows of load came after their second was closed: counted in the accounts, missing in the samples`,
      );
    if (failed.signal.aborted) throw failed.signal.reason;
    return results.flatMap((result) =>
      result.status === "fulfilled" && result.value !== undefined ? [result.value] : [],
    );
  }

  flush(): void {
    this.#aggregate.flush(this.#nowMs());
  }

  live(): LiveLoad {
    const nowMs = this.#nowMs();
    const { plan, from } = this.#options;
    const own = this.#segments.reduce((sum, { index }) => sum + this.#aggregate.counts(index).completed, 0);
    return {
      ...this.#aggregate.recent(nowMs),
      completed: (from?.totals.completed ?? 0) + own,
      planned: plan.load.segments.reduce((sum, segment) => sum + plannedBefore(segment, nowMs), 0),
    };
  }

  #nowMs(): number {
    return Number.isNaN(this.#zeroMs) ? -1 : this.#options.clock.nowMs() - this.#zeroMs;
  }

  async #start(segment: RunSegment): Promise<Running> {
    const reader = createCsvReader(this.#aggregate.rowsOf(segment));
    const k6 = await startK6(this.#settings, segment, (chunk) => {
      this.#wall.observe();
      reader.push(chunk);
    });
    return { segment, k6, reader };
  }

  /** From ahead of the boundary to the closed accounts; undefined when the run was ended before the segment began. */
  async #runSegment(segment: RunSegment, signal: AbortSignal): Promise<SegmentAccounts | undefined> {
    const { clock, journal } = this.#options;
    const boundaryMs = this.#zeroMs + segment.startMs;
    let prepared = this.#prepared.get(segment.index);
    if (prepared === undefined) {
      if (!(await unlessAborted(clock.sleepUntil(boundaryMs - prepareAheadMs, signal), signal)))
        return undefined;
      prepared = this.#start(segment);
    }
    const running = await prepared;
    const { k6 } = running;
    const stop = (): void => void k6.stop();
    signal.addEventListener("abort", stop, { once: true });
    try {
      const released = await unlessAborted(k6.release(boundaryMs, signal), signal);
      if (!released) await k6.stop();
      // An abort may fall between k6's taking the release and its answer.
      if (!released && this.#aggregate.counts(segment.index).started === 0) return undefined;
      journal.write({ type: "segment-started", index: segment.index, pid: k6.pid });
      return await this.#close(running, signal);
    } catch (error) {
      await k6.stop();
      throw error;
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  async #close({ segment, k6, reader }: Running, signal: AbortSignal): Promise<SegmentAccounts> {
    const { clock, journal, samples, scriptPath } = this.#options;
    const gone = new AbortController();
    const latestMs = this.#zeroMs + segment.endMs + this.#settings.timeoutMs + overdueMs;
    const guard = unlessAborted(clock.sleepUntil(latestMs, gone.signal), gone.signal).then((overdue) =>
      overdue ? k6.stop() : undefined,
    );
    const end = await k6.ended;
    gone.abort();
    await guard;
    reader.end();
    this.flush();
    const counts = this.#aggregate.counts(segment.index);
    const accounts = closeAccounts(segment, counts, end);
    // Whoever goes on after a crash trusts that what is in the books is in the samples.
    samples.commit();
    journal.write({ type: "segment-ended", ...accounts });
    if (reader.malformed > 0)
      warn(
        journal,
        `segment ${segment.index}: ${reader.malformed} rows of the load script could not be read`,
      );
    if (ranOver(segment, counts.excess))
      warn(journal, `segment ${segment.index}: k6 made ${counts.excess} starts after the last planned one`);
    if (end.exitCode !== 0 && !signal.aborted) {
      warn(journal, k6Failure(`in segment ${segment.index}`, end.exitCode, end.log, scriptPath).message);
    }
    return accounts;
  }
}

function warn(journal: JournalWriter, text: string): void {
  journal.write({ type: "note", level: "warning", text });
}

/** Waits for `work`; false when it was rejected because the signal aborted. */
async function unlessAborted(work: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
