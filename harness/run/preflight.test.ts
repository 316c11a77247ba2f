import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openJournal } from "../journal/journal-file.ts";
import { systemClock } from "../support/clock.ts";
import { preflight } from "./preflight.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "preflight-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const never = new AbortController().signal;
const plenty = 2 ** 34;

test("a run that the disk cannot hold is refused with both numbers", async () => {
  const durationMs = 1e12 * 3_600_000;
  await expect(preflight({ durationMs, preflightMs: 100 }, dir, plenty, never)).rejects.toThrow(
    /MiB free, \d+ MiB needed/,
  );
});

test("too little memory is refused", async () => {
  await expect(preflight({ durationMs: 1, preflightMs: 100 }, dir, 2 ** 20, never)).rejects.toThrow(
    /1 MiB of memory available/,
  );
});

test("a machine that can carry the run is measured", async () => {
  const checks = await preflight({ durationMs: 1_000, preflightMs: 200 }, dir, plenty, never);
  expect(checks.map(({ name }) => name)).toEqual(["quiet", "timers", "disk", "memory"]);
  const quiet = checks.find(({ name }) => name === "quiet");
  expect(quiet?.measured).toBeGreaterThanOrEqual(0);
  expect(quiet?.measured).toBeLessThanOrEqual(1);
  expect(checks.find(({ name }) => name === "timers")?.measured).toBeGreaterThan(0);
});

test("a disk that is full while the run goes on is an environment error with a hint", () => {
  symlinkSync("/dev/full", join(dir, "journal.ndjson"));
  const journal = openJournal(dir, systemClock);
  expect(() => journal.write({ type: "note", level: "info", text: "x" })).toThrow(
    expect.objectContaining({ code: "disk-full", kind: "environment" }),
  );
  journal.close();
});

test("without a preflight nobody looks at the machine, and nothing is held up", async () => {
  const checks = await preflight({ durationMs: 1_000, preflightMs: 0 }, dir, plenty, never);
  expect(checks.map(({ name }) => name)).toEqual(["disk", "memory"]);
});
