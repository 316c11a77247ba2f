import { expect, test } from "vitest";
import { createProgress, type ProgressState } from "./progress.ts";
import { renderBlock } from "./progress-block.ts";

const state: ProgressState = {
  title: "smoke, seed 42",
  phase: "load",
  atMs: 90_000,
  durationMs: 180_000,
  plannedRps: 65,
  deliveredRps: 64,
  p95Ms: 17.4,
  failed: 12,
  faults: ["f04-memory-leak"],
  events: [
    { seq: 1, atMs: 1_000, text: "first", important: true },
    { seq: 2, atMs: 60_000, text: "f03-upstream-errors healed", important: true },
    { seq: 3, atMs: 76_000, text: "f04-memory-leak injected", important: true },
    { seq: 4, atMs: 78_000, text: "f04-memory-leak confirmed", important: false },
  ],
};

function collector(more: object = {}): {
  readonly lines: string[];
  readonly stream: { write(text: string): boolean };
} {
  const lines: string[] = [];
  return { lines, stream: { ...more, write: (text: string) => lines.push(text) > 0 } };
}

function clock(): { at: number; nowMs(): number } {
  return {
    at: 0,
    nowMs() {
      return this.at;
    },
  };
}

test("the block shows phase, time left, rate, latency, failures, fault and the last three events", () => {
  expect(renderBlock(state, 80)).toEqual([
    "smoke, seed 42: load",
    "[####################--------------------] 50 %, 1m30s left",
    "64 of 65 requests/s, p95 17 ms, 12 failed",
    "fault in force: f04-memory-leak",
    "00:01:00  f03-upstream-errors healed",
    "00:01:16  f04-memory-leak injected",
    "00:01:18  f04-memory-leak confirmed",
  ]);
});

test("before the load there is no bar", () => {
  expect(renderBlock({ ...state, phase: "preflight", atMs: null, faults: [], events: [] }, 80)).toEqual([
    "smoke, seed 42: preflight: is the machine quiet enough?",
  ]);
});

test("no terminal is too small and no state too odd", () => {
  const odd = [
    state,
    { ...state, durationMs: 0 },
    { ...state, atMs: -5_000 },
    { ...state, atMs: 1e9, p95Ms: null, plannedRps: null },
    { ...state, faults: ["é\u001B[2J".repeat(40)] },
  ];
  for (const one of odd) {
    for (const width of [0, 1, 2, 7, 20, 500, Number.NaN, -3]) {
      for (const line of renderBlock(one, width)) {
        expect(Array.from(line).length).toBeLessThanOrEqual(Math.max(1, Number.isNaN(width) ? 80 : width));
        expect(line).not.toContain("\u001B");
      }
    }
  }
});

test("lines come every 10 s, with one for each important event, and none twice", () => {
  const { lines, stream } = collector();
  const time = clock();
  const progress = createProgress({ stream, clock: time });
  for (let second = 0; second <= 25; second++) {
    time.at = second * 1_000;
    progress.update({ ...state, atMs: 90_000 + second * 1_000 });
  }
  progress.close();
  expect(lines.join("")).not.toContain("\u001B");
  expect(lines.map((line) => line.trimEnd().slice(0, 40))).toEqual([
    "00:00:01  first",
    "00:01:00  f03-upstream-errors healed",
    "00:01:16  f04-memory-leak injected",
    "00:01:40 of 00:03:00, 64 of 65 requests/",
    "00:01:50 of 00:03:00, 64 of 65 requests/",
  ]);
});

test("a long run speaks once a minute and does not repeat a line", () => {
  const { lines, stream } = collector();
  const time = clock();
  const progress = createProgress({ stream, clock: time });
  for (let second = 0; second < 200; second++) {
    time.at = second * 1_000;
    progress.update({ ...state, phase: "preflight", events: [], durationMs: 6 * 3_600_000 });
  }
  expect(lines).toHaveLength(1);
});

test("in a terminal it redraws one block; CI and dumb terminals get lines; NO_COLOR has no colour", () => {
  const draw = (env: Record<string, string>): string => {
    const { lines, stream } = collector({ isTTY: true, columns: 60, rows: 20 });
    const time = clock();
    const progress = createProgress({ stream, clock: time, env });
    progress.update(state);
    time.at = 50;
    progress.update({ ...state, failed: 13 });
    progress.close();
    return lines.join("");
  };
  expect(draw({})).toContain("\u001B[33m");
  expect(draw({})).toContain("13 failed");
  expect(draw({ NO_COLOR: "1" })).not.toContain("\u001B[33m");
  expect(draw({ NO_COLOR: "1" })).toContain("[####");
  expect(draw({ CI: "true" })).not.toContain("\u001B");
  expect(draw({ TERM: "dumb" })).not.toContain("\u001B");
});
