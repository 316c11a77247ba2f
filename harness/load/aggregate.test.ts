import { describe, expect, test } from "vitest";
import type { LoadCell, LoadSecond, Outcome } from "../journal/evidence.ts";
import type { LoadSegment } from "../plan/plan.ts";
import { closeAccounts, ranOver } from "./accounts.ts";
import { LoadAggregate } from "./aggregate.ts";
import type { LoadRow } from "./csv-reader.ts";
import { plannedBefore, plannedBetween, segmentAt, slotMs, slotOf } from "./grid.ts";

const wallZero = 1_795_232_000_000;

function segment(index: number, startMs: number, endMs: number, rps: number): LoadSegment {
  const usersNeeded = Math.ceil(2.5 * rps);
  return {
    index,
    kind: "steady",
    startMs,
    endMs,
    rps,
    starts: ((endMs - startMs) * rps) / 1_000,
    usersNeeded,
    users: usersNeeded,
  };
}

function start(atMs: number, iteration: number): LoadRow {
  return { kind: "start", wallMs: wallZero + atMs, iteration };
}

function dropped(atMs: number): LoadRow {
  return { kind: "dropped", wallMs: wallZero + atMs, count: 1 };
}

/** The answer that ends at `atMs`. */
function request(
  atMs: number,
  iteration: number,
  lengthMs: number,
  outcome: Outcome = "ok",
  essential = true,
): LoadRow {
  const route = essential ? "read" : "enrich";
  return {
    kind: "request",
    wallMs: wallZero + atMs,
    iteration,
    lengthMs,
    route,
    priority: "high",
    essential,
    outcome,
  };
}

function fold(segments: readonly LoadSegment[]): {
  aggregate: LoadAggregate;
  rows: (row: LoadRow) => void;
  cells: Map<string, LoadCell>;
  seconds: Map<number, LoadSecond>;
  writes: () => number;
} {
  const cells = new Map<string, LoadCell>();
  const seconds = new Map<number, LoadSecond>();
  let writes = 0;
  const samples = {
    cell: (cell: LoadCell) => void cells.set(`${cell.second} ${cell.route} ${cell.outcome}`, cell),
    second: (second: LoadSecond) => {
      writes += 1;
      seconds.set(second.second, second);
    },
  };
  const aggregate = new LoadAggregate({
    segments,
    timeoutMs: 2_000,
    samples,
    toPlanMs: (wallMs) => wallMs - wallZero,
  });
  return { aggregate, rows: aggregate.rowsOf(segments[0]!), cells, seconds, writes: () => writes };
}

describe("the grid", () => {
  const two = [segment(0, 0, 4_000, 65), segment(1, 4_000, 5_500, 175)];

  test("every start lies in one second, and all seconds together hold the plan", () => {
    const perSecond = [0, 1, 2, 3, 4, 5].map((second) =>
      plannedBetween(two, second * 1_000, (second + 1) * 1_000),
    );
    expect(perSecond.slice(0, 4)).toEqual([65, 65, 65, 65]);
    expect(perSecond[4]).toBe(175);
    expect(perSecond.reduce((sum, one) => sum + one, 0)).toBe(two[0]!.starts + two[1]!.starts);
    expect(plannedBefore(two[0]!, slotMs(two[0]!, 13))).toBe(13);
    expect(plannedBefore(two[0]!, -1)).toBe(0);
    expect(plannedBefore(two[0]!, 1e9)).toBe(260);
  });

  test("the segment in force is the last that began", () => {
    expect(segmentAt(two, 3_999).index).toBe(0);
    expect(segmentAt(two, 4_000).index).toBe(1);
    expect(segmentAt(two, -5).index).toBe(0);
  });

  test("without drops a start's slot is its number, however late it is", () => {
    expect(slotOf(two[0]!, 10, slotMs(two[0]!, 10) + 500, 0)).toBe(10);
    expect(slotOf(two[0]!, 0, -0.4, 0)).toBe(0);
  });

  test("drops take slots but no numbers", () => {
    // Slots 5, 6 and 7 were dropped, so number 5 is slot 8; a later drop that was seen already does not move it.
    expect(slotOf(two[0]!, 5, slotMs(two[0]!, 8) + 1, 3)).toBe(8);
    expect(slotOf(two[0]!, 5, slotMs(two[0]!, 8) + 1, 4)).toBe(8);
  });
});

describe("folding rows", () => {
  test("a request counts in the second of its start, wherever its answer lies", () => {
    const { aggregate, rows, cells, seconds } = fold([segment(0, 0, 4_000, 65)]);
    rows(start(0.8, 0));
    rows(start(985.2, 64));
    rows(request(20.8, 0, 20));
    rows(request(1_485.2, 64, 500));
    aggregate.flush(1_500);
    expect([...cells.values()]).toMatchObject([
      { second: 0, route: "read", priority: "high", essential: true, outcome: "ok", count: 2 },
    ]);
    expect(cells.get("0 read ok")!.latency.maxMs).toBe(500);
    const second = seconds.get(0)!;
    expect(second).toMatchObject({
      planned: 65,
      started: 2,
      dropped: 0,
      rps: 65,
      segment: 0,
      firstFailureMs: null,
    });
    expect(second.lateness.count).toBe(2);
    expect(second.lateness.maxMs).toBeCloseTo(0.8, 1);
  });

  test("lateness is against the plan's grid, drops counted in", () => {
    const { aggregate, rows, seconds } = fold([segment(0, 0, 4_000, 100)]);
    rows(start(0.5, 0));
    rows(dropped(10.1));
    rows(dropped(20.1));
    rows(start(34, 1));
    aggregate.flush(1_500);
    expect(seconds.get(0)!).toMatchObject({ started: 2, dropped: 2 });
    expect(seconds.get(0)!.lateness.maxMs).toBeCloseTo(4, 1);
  });

  test("first and last failure and the first success after them, out of order, essential routes only", () => {
    const { aggregate, rows, seconds } = fold([segment(0, 0, 4_000, 10)]);
    for (let n = 0; n < 10; n++) rows(start(n * 100, n));
    rows(request(110, 1, 10, "ok"));
    rows(request(610, 6, 10, "degraded"));
    rows(request(710, 7, 10, "ok"));
    rows(request(910, 9, 10, "failed", false));
    rows(request(2_300, 3, 2_000, "failed"));
    rows(request(2_500, 5, 2_000, "failed"));
    aggregate.flush(3_000);
    expect(seconds.get(0)).toMatchObject({ firstFailureMs: 300, lastFailureMs: 500, okAfterFailureMs: 600 });
    expect(aggregate.recent(1_400)).toMatchObject({
      second: 0,
      plannedRps: 10,
      startedLastSecond: 10,
      failedLastSecond: 3,
    });
  });

  test("late answers write a second again; what did not change is not written again", () => {
    const { aggregate, rows, cells, writes } = fold([segment(0, 0, 4_000, 65)]);
    rows(start(1, 0));
    aggregate.flush(1_500);
    expect(writes()).toBe(1);
    aggregate.flush(1_600);
    expect(writes()).toBe(1);
    rows(request(1_601, 0, 1_600));
    aggregate.flush(1_700);
    expect(writes()).toBe(2);
    expect(cells.get("0 read ok")!.count).toBe(1);
  });

  test("silent seconds are written with what was planned, up to the end of the load", () => {
    const { aggregate, rows, seconds } = fold([segment(0, 0, 4_000, 65)]);
    rows(start(1, 0));
    aggregate.flush(9_000);
    expect([...seconds.keys()]).toEqual([0, 1, 2, 3]);
    expect(seconds.get(2)).toMatchObject({ planned: 65, started: 0 });
    // The rows were only held up: the second is written again, in full.
    rows(start(2_001, 130));
    aggregate.flush(9_100);
    expect(seconds.get(2)).toMatchObject({ planned: 65, started: 1 });
  });

  test("a second is closed once no answer can come; later rows are counted apart and spoil nothing", () => {
    const { aggregate, rows, seconds } = fold([segment(0, 0, 60_000, 1)]);
    rows(start(1, 0));
    aggregate.flush(1_500);
    rows(start(30_001, 30));
    aggregate.flush(31_500);
    rows(request(31_600, 0, 31_599));
    aggregate.flush(32_000);
    expect(aggregate.late).toBe(1);
    expect(seconds.get(0)).toMatchObject({ started: 1 });
    expect(aggregate.counts(0)).toMatchObject({ started: 2, completed: 1 });
  });

  test("what k6 does after the last planned slot is in no account and no second", () => {
    const { aggregate, rows, cells, seconds } = fold([segment(0, 0, 1_000, 4)]);
    for (const row of [start(1, 0), dropped(250), start(501, 1), start(751, 2)]) rows(row);
    for (const row of [start(1_001, 3), dropped(1_250), request(1_002, 0, 1_001), request(1_003, 3, 2)])
      rows(row);
    aggregate.flush(3_000);
    expect(aggregate.counts(0)).toEqual({ started: 3, completed: 1, dropped: 1, excess: 2 });
    expect([...seconds.keys()]).toEqual([0]);
    expect(seconds.get(0)).toMatchObject({ planned: 4, started: 3, dropped: 1 });
    expect([...cells.values()].map(({ count }) => count)).toEqual([1]);
  });

  test("a start a hair before its segment belongs to the segment's first second", () => {
    const segments = [segment(0, 0, 4_000, 65), segment(1, 4_000, 8_000, 65)];
    const { aggregate, seconds } = fold(segments);
    aggregate.rowsOf(segments[1]!)(start(3_999.8, 0));
    aggregate.flush(5_500);
    expect(seconds.get(4)).toMatchObject({ started: 1, segment: 1 });
    expect(seconds.get(3)).toMatchObject({ started: 0, segment: 0 });
  });
});

describe("closing the accounts", () => {
  const one = segment(0, 0, 4_000, 65);
  const end = { exitCode: 0, cpuMs: 100, peakRssBytes: 1 };

  test("what is missing after a planned end is unaccounted", () => {
    const accounts = closeAccounts(one, { started: 255, completed: 250, dropped: 4 }, end);
    expect(accounts).toMatchObject({ planned: 260, interrupted: 0, unaccounted: 6 });
  });

  test("what is missing after an early end was interrupted", () => {
    for (const exitCode of [null, 105]) {
      const accounts = closeAccounts(one, { started: 110, completed: 100, dropped: 4 }, { ...end, exitCode });
      expect(accounts).toMatchObject({ planned: 260, interrupted: 156, unaccounted: 0 });
    }
  });

  test("an answer too many does not vanish", () => {
    const counts = { started: 260, completed: 261, dropped: 0 };
    expect(closeAccounts(one, counts, end)).toMatchObject({ interrupted: 0, unaccounted: -1 });
    expect(closeAccounts(one, counts, { ...end, exitCode: null })).toMatchObject({
      interrupted: 0,
      unaccounted: -1,
    });
  });

  test("a k6 that runs over is noticed, its 50 ms are not", () => {
    expect(ranOver(one, 5)).toBe(false);
    expect(ranOver(one, 6)).toBe(true);
  });
});
