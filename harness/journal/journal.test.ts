import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clockFrom, systemClock } from "../support/clock.ts";
import { sha256 } from "../support/json.ts";
import { LatencySketch } from "../support/latency-sketch.ts";
import type { JournalBody } from "./events.ts";
import { openJournal } from "./journal-file.ts";
import { openRun } from "./run-folder.ts";
import { openSampleWriter } from "./sample-store.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "kiln-journal-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const header: JournalBody = {
  type: "run-started",
  runId: "r1",
  scenario: "smoke",
  seed: "1",
  planHash: "h",
  planFileHash: sha256(JSON.stringify({ v: 1 })),
  wallStart: "2026-01-01T00:00:00.000Z",
  monotonicZeroMs: 0,
  bootId: "b",
  tools: {},
  machine: {},
  commandLine: ["kiln", "run"],
};

function writeRun(): void {
  writeFileSync(join(dir, "plan.json"), JSON.stringify({ v: 1 }));
  const journal = openJournal(dir, clockFrom(systemClock.nowMs()));
  journal.write(header, 0);
  journal.write({ type: "load-started", zeroAtMs: 5_000 }, 4_990);
  journal.write({ type: "note", level: "info", text: "postgres://kiln:sesame@127.0.0.1/kiln" }, 6_000);
  journal.close();
  const samples = openSampleWriter(dir);
  samples.sample("system.cpu", "ratio", 5_500, 0.25);
  const latency = new LatencySketch();
  latency.record(12.5);
  samples.cell({
    second: 0,
    route: "read",
    priority: "high",
    essential: true,
    outcome: "ok",
    count: 1,
    latency,
  });
  samples.cell({
    second: 0,
    route: "read",
    priority: "high",
    essential: true,
    outcome: "ok",
    count: 2,
    latency,
  });
  const empty = new LatencySketch();
  const failures = { firstFailureMs: null, lastFailureMs: 4.5, okAfterFailureMs: null };
  samples.second({
    second: 0,
    rps: 65,
    segment: 0,
    planned: 65,
    started: 64,
    dropped: 1,
    lateness: empty,
    ...failures,
  });
  samples.close();
}

describe("a run folder", () => {
  test("gives back what was written, in plan time", () => {
    writeRun();
    const run = openRun(dir);
    expect(run.evidence.eventsOf("note")[0]?.atMs).toBe(1_000);
    expect([...run.evidence.samples("system.cpu")]).toEqual([{ atMs: 500, value: 0.25 }]);
    const [cell, ...more] = [...run.evidence.cells()];
    expect(more).toEqual([]);
    expect(cell?.count).toBe(2);
    expect(cell?.latency.quantile(0.5)).toBeCloseTo(12.5, 1);
    expect([...run.evidence.seconds()][0]).toMatchObject({
      started: 64,
      dropped: 1,
      firstFailureMs: null,
      lastFailureMs: 4.5,
    });
    expect(run.evidence.ended).toBeNull();
    expect(run.evidence.damage).toEqual([]);
    run.close();
  });

  test("does not hold the password of a URL", () => {
    writeRun();
    const run = openRun(dir);
    expect(run.evidence.eventsOf("note")[0]?.text).toBe("postgres://kiln:[redacted]@127.0.0.1/kiln");
    run.close();
  });

  test("a torn last line is dropped, a bad line in the middle is counted as damage", () => {
    writeRun();
    appendFileSync(join(dir, "journal.ndjson"), '{"seq":9,"atMs":1,"type":"no');
    expect(openRun(dir).evidence.unreadableLines).toBe(0);
    appendFileSync(
      join(dir, "journal.ndjson"),
      '\n{"seq":4,"atMs":7000,"type":"note","level":"info","text":"x"}\n',
    );
    const run = openRun(dir);
    expect(run.evidence.unreadableLines).toBe(1);
    expect(run.evidence.damage).toEqual(["1 lines of journal.ndjson cannot be read"]);
    expect(run.evidence.eventsOf("note")).toHaveLength(2);
  });

  test("a line that is gone or doubled, and a time that is none, are damage", () => {
    writeRun();
    const file = join(dir, "journal.ndjson");
    const lines = readFileSync(file, "utf8").split("\n");
    writeFileSync(file, [lines[0], lines[2], ""].join("\n"));
    expect(openRun(dir).evidence.damage).toEqual(["journal.ndjson goes from line 1 to line 3"]);
    writeFileSync(file, [lines[0], lines[1], lines[1], lines[2], ""].join("\n"));
    expect(openRun(dir).evidence.damage).toEqual(["journal.ndjson goes from line 2 to line 2"]);
    writeFileSync(file, [lines[0], lines[1], lines[2]?.replace(/"atMs":\d+/, '"atMs":null'), ""].join("\n"));
    expect(openRun(dir).evidence.unreadableLines).toBe(1);
  });

  test("a plan that was changed after the run is damage", () => {
    writeRun();
    writeFileSync(join(dir, "plan.json"), JSON.stringify({ v: 1, objectives: {} }));
    expect(openRun(dir).evidence.damage).toEqual([
      "plan.json is not the plan that was run: it was changed afterwards",
    ]);
  });

  test("a truncated sample file is damage, not a crash", () => {
    writeRun();
    truncateSync(join(dir, "samples.sqlite"), 1_000);
    const run = openRun(dir);
    expect(run.evidence.damage?.[0]).toMatch(/^samples\.sqlite cannot be read: /);
    expect([...run.evidence.cells()]).toEqual([]);
  });

  test("says what is missing in a folder that is none", () => {
    expect(() => openRun(dir)).toThrow(/plan\.json is missing/);
    writeFileSync(join(dir, "plan.json"), "{");
    expect(() => openRun(dir)).toThrow(/not readable as a plan/);
    writeFileSync(join(dir, "plan.json"), JSON.stringify({ v: 1 }));
    expect(() => openRun(dir)).toThrow(/no readable run-started event/);
  });
});
