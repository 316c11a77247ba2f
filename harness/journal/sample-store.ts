// samples.sqlite: series, per-second load and latency sketches. node:sqlite in the event loop (a commit of 100 rows takes well under a
// millisecond), write-ahead log so that readers may look while the run goes on and SIGKILL loses at most the open second.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync, type SQLOutputValue } from "node:sqlite";
import { environmentError, messageOf } from "../support/errors.ts";
import { LatencySketch } from "../support/latency-sketch.ts";
import { outcomes, type LoadCell, type LoadSecond, type Sample, type SeriesInfo } from "./evidence.ts";
import type { SampleWriter } from "./sample-writer.ts";

export const sampleFileName = "samples.sqlite";

const schema = `
  CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unit TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS sample (series INTEGER NOT NULL, at_ms REAL NOT NULL, value REAL NOT NULL,
    PRIMARY KEY (series, at_ms)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS cell (second INTEGER NOT NULL, route TEXT NOT NULL, priority TEXT NOT NULL, essential INTEGER NOT NULL,
    outcome TEXT NOT NULL, count INTEGER NOT NULL, latency BLOB NOT NULL,
    PRIMARY KEY (second, route, priority, outcome)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS second (second INTEGER PRIMARY KEY, rps REAL NOT NULL, segment INTEGER NOT NULL, planned INTEGER NOT NULL,
    started INTEGER NOT NULL, dropped INTEGER NOT NULL, lateness BLOB NOT NULL,
    first_failure_ms REAL, last_failure_ms REAL, ok_after_failure_ms REAL) STRICT;
`;

/** Opens samples.sqlite of a run folder for writing. */
export function openSampleWriter(runDir: string): SampleWriter {
  const db = new DatabaseSync(join(runDir, sampleFileName));
  db.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 400; ${schema}`,
  );
  const statements = {
    sample: db.prepare("INSERT OR REPLACE INTO sample VALUES (?, ?, ?)"),
    cell: db.prepare("INSERT OR REPLACE INTO cell VALUES (?, ?, ?, ?, ?, ?, ?)"),
    second: db.prepare("INSERT OR REPLACE INTO second VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
  };
  const seriesId = seriesIds(db);
  const { begin, commit } = transaction(db);
  return {
    sample(name, unit, atMs, value) {
      begin();
      statements.sample.run(seriesId(name, unit), atMs, value);
    },
    cell(cell) {
      begin();
      const { second, route, priority, essential, outcome, count, latency } = cell;
      statements.cell.run(second, route, priority, essential ? 1 : 0, outcome, count, latency.encode());
    },
    second(s) {
      begin();
      const failures = [s.firstFailureMs, s.lastFailureMs, s.okAfterFailureMs] as const;
      const counts = [s.second, s.rps, s.segment, s.planned, s.started, s.dropped] as const;
      statements.second.run(...counts, s.lateness.encode(), ...failures);
    },
    commit,
    close() {
      try {
        commit();
      } finally {
        db.close();
      }
    },
  };
}

/** The id of a series, made when it is first named. */
function seriesIds(db: DatabaseSync): (name: string, unit: string) => number {
  const insert = db.prepare(
    "INSERT INTO series (name, unit) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET unit = unit RETURNING id",
  );
  const ids = new Map<string, number>();
  return (name, unit) => {
    const id = ids.get(name) ?? Number(insert.get(name, unit)?.["id"]);
    ids.set(name, id);
    return id;
  };
}

/** One transaction at a time, begun by the first write after a commit. */
function transaction(db: DatabaseSync): { readonly begin: () => void; readonly commit: () => void } {
  let open = false;
  const begin = (): void => {
    if (open) return;
    db.exec("BEGIN");
    open = true;
  };
  const commit = (): void => {
    if (!open) return;
    open = false;
    try {
      // A write that found no space has ended the transaction already, and what was in it is lost.
      db.exec("COMMIT");
    } catch (error) {
      const hint =
        "free some space (`kiln clean --keep N` removes old run folders), then start the run again";
      const text = `samples could not be written: ${messageOf(error)}`;
      throw environmentError("samples-not-written", text, { hint, cause: error });
    }
  };
  return { begin, commit };
}

export interface SampleReader {
  cells(fromMs?: number, toMs?: number): Iterable<LoadCell>;
  seconds(fromMs?: number, toMs?: number): Iterable<LoadSecond>;
  series(): readonly SeriesInfo[];
  /** Times on the journal's axis. */
  samples(name: string, fromMs?: number, toMs?: number): Iterable<Sample>;
  /** Largest sample time on the journal's axis; null without samples. */
  lastSampleMs(): number | null;
  lastSecond(): number | null;
  /** All load that is recorded, for whoever goes on with the accounts of a dead harness. */
  totals(): LoadTotals;
  close(): void;
}

export interface LoadTotals {
  readonly started: number;
  readonly dropped: number;
  readonly completed: number;
  /** Of the completed ones. */
  readonly failed: number;
}

export const noLoad: LoadTotals = { started: 0, dropped: 0, completed: 0, failed: 0 };

type Row = Record<string, SQLOutputValue>;
const numberOf = (value: SQLOutputValue | undefined): number => Number(value);
const maybeNumber = (value: SQLOutputValue | undefined): number | null =>
  value === null || value === undefined ? null : Number(value);
/** A damaged sketch reads as an empty one; the judge holds its count against the cell's and finds it out. */
function sketchOf(value: SQLOutputValue | undefined): LatencySketch {
  try {
    return LatencySketch.decode(value as Uint8Array);
  } catch (error) {
    if (error instanceof RangeError) return new LatencySketch();
    throw error;
  }
}

/** Opens samples.sqlite for reading, also of a run that is still going. Throws when it is missing or no database. */
export function openSampleReader(runDir: string): SampleReader {
  const file = join(runDir, sampleFileName);
  if (!existsSync(file)) throw new Error(`${sampleFileName} is missing`);
  const db = new DatabaseSync(file, { readOnly: true });
  const between = "WHERE second >= ? AND second < ? ORDER BY second";
  const secondRange = (fromMs = -Infinity, toMs = Infinity): [number, number] => [
    Math.max(Number.MIN_SAFE_INTEGER, Math.floor(fromMs / 1_000)),
    Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(toMs / 1_000)),
  ];
  const statements = {
    cells: db.prepare(`SELECT * FROM cell ${between}`),
    seconds: db.prepare(`SELECT * FROM second ${between}`),
    series: db.prepare("SELECT id, name, unit FROM series ORDER BY id"),
    samples: db.prepare(
      "SELECT at_ms, value FROM sample WHERE series = (SELECT id FROM series WHERE name = ?) AND at_ms >= ? AND at_ms < ? ORDER BY at_ms",
    ),
    lastSample: db.prepare("SELECT max(at_ms) AS last FROM sample"),
    lastSecond: db.prepare("SELECT max(second) AS last FROM second"),
    starts: db.prepare("SELECT total(started) AS started, total(dropped) AS dropped FROM second"),
    completed: db.prepare(
      "SELECT total(count) AS completed, total(CASE outcome WHEN 'failed' THEN count ELSE 0 END) AS failed FROM cell",
    ),
  };
  return {
    *cells(fromMs, toMs) {
      for (const row of statements.cells.all(...secondRange(fromMs, toMs))) yield cellOf(row);
    },
    *seconds(fromMs, toMs) {
      for (const row of statements.seconds.all(...secondRange(fromMs, toMs))) yield secondOf(row);
    },
    series: () =>
      statements.series
        .all()
        .map((row) => ({ id: numberOf(row["id"]), name: String(row["name"]), unit: String(row["unit"]) })),
    *samples(name, fromMs = -1e15, toMs = 1e15) {
      for (const row of statements.samples.all(name, Math.max(-1e15, fromMs), Math.min(1e15, toMs))) {
        yield { atMs: numberOf(row["at_ms"]), value: numberOf(row["value"]) };
      }
    },
    lastSampleMs: () => maybeNumber(statements.lastSample.get()?.["last"]),
    lastSecond: () => maybeNumber(statements.lastSecond.get()?.["last"]),
    totals: () => {
      const { started, dropped } = statements.starts.get() ?? {};
      const { completed, failed } = statements.completed.get() ?? {};
      return {
        started: numberOf(started),
        dropped: numberOf(dropped),
        completed: numberOf(completed),
        failed: numberOf(failed),
      };
    },
    close: () => db.close(),
  };
}

function cellOf(row: Row): LoadCell {
  return {
    second: numberOf(row["second"]),
    route: String(row["route"]),
    priority: String(row["priority"]),
    essential: row["essential"] === 1,
    // A word that no load script knows is no success.
    outcome: outcomes.find((outcome) => outcome === row["outcome"]) ?? "failed",
    count: numberOf(row["count"]),
    latency: sketchOf(row["latency"]),
  };
}

function secondOf(row: Row): LoadSecond {
  return {
    second: numberOf(row["second"]),
    rps: numberOf(row["rps"]),
    segment: numberOf(row["segment"]),
    planned: numberOf(row["planned"]),
    started: numberOf(row["started"]),
    dropped: numberOf(row["dropped"]),
    lateness: sketchOf(row["lateness"]),
    firstFailureMs: maybeNumber(row["first_failure_ms"]),
    lastFailureMs: maybeNumber(row["last_failure_ms"]),
    okAfterFailureMs: maybeNumber(row["ok_after_failure_ms"]),
  };
}
