import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { clockFrom, systemClock } from "../support/clock.ts";
import { sha256 } from "../support/json.ts";
import { LatencySketch } from "../support/latency-sketch.ts";
import type { JournalBody } from "./events.ts";
import { continueJournal, openJournal } from "./journal-file.ts";
import { readJournal } from "./journal-reader.ts";
import { openRun } from "./run-folder.ts";
import { openSampleWriter } from "./sample-store.ts";
import { smallPlan } from "./testing/small-plan.ts";

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
  planFileHash: sha256(JSON.stringify(smallPlan())),
  wallStart: "2026-01-01T00:00:00.000Z",
  monotonicZeroMs: 0,
  bootId: "b",
  tools: {},
  machine: {},
  commandLine: ["kiln", "run"],
};

function writeRun(): void {
  writeFileSync(join(dir, "plan.json"), JSON.stringify(smallPlan()));
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
    writeFileSync(join(dir, "plan.json"), JSON.stringify(smallPlan({ objectives: { p95Ms: 1 } })));
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
    writeFileSync(join(dir, "plan.json"), JSON.stringify(smallPlan()));
    expect(() => openRun(dir)).toThrow(/no readable run-started event/);
    mkdirSync(join(dir, "journal.ndjson"));
    expect(() => openRun(dir)).toThrow(/no readable run-started event/);
  });

  test.each([
    ["[]", /expected an object, got list/],
    ['{"v":2}', /expected version 1 of the plan format, got 2/],
    ['{"v":1}', /scenario: expected a text, got nothing/],
    [JSON.stringify({ ...smallPlan(), faults: undefined }), /faults: expected a list, got nothing/],
    [
      JSON.stringify({ ...smallPlan(), faults: [{ id: "f01" }] }),
      /faults\[0\]\.fault: expected a text, got nothing/,
    ],
    [
      JSON.stringify({ ...smallPlan(), load: { timeoutMs: 1, segments: [null] } }),
      /load\.segments\[0\]\.index/,
    ],
  ])("a plan.json that is no plan is refused with the place in it: %.30s", (text, message) => {
    writeFileSync(join(dir, "plan.json"), text);
    expect(() => openRun(dir)).toThrow(message);
  });

  test("a sample file that breaks off in the middle is read as far as it goes, and is damage", () => {
    writeRun();
    const samples = openSampleWriter(dir);
    for (let at = 0; at < 20_000; at++) samples.sample("system.cpu", "ratio", 6_000 + at, 0.5);
    samples.close();
    const file = join(dir, "samples.sqlite");
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xff, 40_960, bytes.length - 40_960));
    const run = openRun(dir);
    expect([...run.evidence.samples("system.cpu")].length).toBeLessThan(20_001);
    expect(run.evidence.damage?.join()).toMatch(/samples\.sqlite cannot be read/);
    run.close();
  });
});

describe("a journal that is continued", () => {
  const clock = clockFrom(systemClock.nowMs());
  const note = (text: string): JournalBody => ({ type: "note", level: "info", text });
  const file = (): string => join(dir, "journal.ndjson");
  const seqs = (): number[] => readJournal(dir).events.map(({ seq }) => seq);

  test("counts on after the last line", () => {
    writeRun();
    const journal = continueJournal(dir, clock);
    expect(journal.write(note("on")).seq).toBe(4);
    journal.close();
    expect(seqs()).toEqual([1, 2, 3, 4]);
    expect(readJournal(dir).damage).toEqual([]);
  });

  test("a torn tail goes: it was never acknowledged", () => {
    writeRun();
    appendFileSync(file(), '{"seq":4,"atMs":1,"type":"no');
    const journal = continueJournal(dir, clock);
    journal.write(note("on"));
    journal.close();
    expect(seqs()).toEqual([1, 2, 3, 4]);
    expect(readJournal(dir)).toMatchObject({ damage: [], unreadableLines: 0 });
  });

  test("a whole last line without its end stays", () => {
    writeRun();
    appendFileSync(file(), '{"seq":4,"atMs":1,"type":"note","level":"info","text":"whole"}');
    const journal = continueJournal(dir, clock);
    journal.write(note("on"));
    journal.close();
    expect(seqs()).toEqual([1, 2, 3, 4, 5]);
    expect(readJournal(dir).damage).toEqual([]);
  });
});
