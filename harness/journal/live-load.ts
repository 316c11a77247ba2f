// The load of a run that another process carries, from its samples: what `kiln watch` and `kiln status` show. The last second that is
// surely whole is the one before the newest.
import { LatencySketch } from "../support/latency-sketch.ts";
import { type LoadTotals, noLoad, openSampleReader, type SampleReader } from "./sample-store.ts";

export interface SeenLoad {
  /** Plan time in whole seconds. */
  readonly second: number;
  readonly plannedRps: number;
  readonly startedLastSecond: number;
  readonly failedLastSecond: number;
  /** Over the last 10 s; NaN where there were no answers. */
  readonly p95Ms: number;
}

const recentSeconds = 10;

export interface LoadWatch {
  /** Null while there is no load. */
  look(): SeenLoad | null;
  /** Of the whole run so far. Reads every row, which takes seconds for a run of days. */
  totals(): LoadTotals;
  close(): void;
}

/** Waits for the file where it is not there yet. */
export function watchLoad(runDir: string): LoadWatch {
  let reader: SampleReader | undefined;
  const open = (): SampleReader | undefined => (reader ??= openIfThere(runDir));
  return {
    look() {
      const newest = open()?.lastSecond() ?? null;
      return reader === undefined || newest === null || newest < 1 ? null : lookAt(reader, newest - 1);
    },
    totals: () => open()?.totals() ?? noLoad,
    close: () => reader?.close(),
  };
}

function openIfThere(runDir: string): SampleReader | undefined {
  try {
    return openSampleReader(runDir);
  } catch (error) {
    // Not made yet, or not a database any more: the judge says so, a look has nothing to show.
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function lookAt(reader: SampleReader, second: number): SeenLoad {
  const latency = new LatencySketch();
  let failed = 0;
  for (const cell of reader.cells((second - recentSeconds + 1) * 1_000, (second + 1) * 1_000)) {
    latency.merge(cell.latency);
    if (cell.second === second && cell.outcome === "failed") failed += cell.count;
  }
  const [row] = reader.seconds(second * 1_000, (second + 1) * 1_000);
  return {
    second,
    plannedRps: row?.rps ?? 0,
    startedLastSecond: row?.started ?? 0,
    failedLastSecond: failed,
    p95Ms: latency.quantile(0.95),
  };
}
