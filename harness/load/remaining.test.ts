import { describe, expect, test } from "vitest";
import type { SegmentAccounts } from "../journal/events.ts";
import type { LoadCell, LoadSecond } from "../journal/evidence.ts";
import type { LoadSegment } from "../plan/plan.ts";
import { LoadAggregate } from "./aggregate.ts";
import { slotMs } from "./grid.ts";
import { accountsOfGap, bookedUntil, remainingFrom } from "./remaining.ts";

function segment(index: number, startMs: number, endMs: number, rps: number): LoadSegment {
  const users = Math.ceil(2.5 * rps);
  const starts = ((endMs - startMs) * rps) / 1_000;
  return { index, kind: "steady", startMs, endMs, rps, starts, usersNeeded: users, users };
}

/** 15 s at 65/s, then 10 s at 175/s: 975 and 1,750 starts. */
const segments = [segment(0, 0, 15_000, 65), segment(1, 15_000, 25_000, 175)];

function account(index: number, planned: number, changes: Partial<SegmentAccounts> = {}): SegmentAccounts {
  const { users, usersNeeded } = segments[index] ?? segment(index, 0, 1_000, 65);
  const counts = { started: planned, completed: planned, dropped: 0, interrupted: 0, unaccounted: 0 };
  return {
    index,
    planned,
    ...counts,
    users,
    usersNeeded,
    exitCode: 0,
    cpuMs: 0,
    peakRssBytes: 0,
    ...changes,
  };
}
const totals = (completed: number, started = completed, dropped = 0) => ({
  started,
  completed,
  dropped,
  failed: 0,
});

describe("what remains of a plan's load", () => {
  test("is all of it from zero on, and nothing from its end on", () => {
    expect(remainingFrom(segments, 0)).toEqual(segments);
    expect(remainingFrom(segments, 25_000)).toEqual([]);
    expect(remainingFrom(segments, 15_000)).toEqual([segments[1]]);
  });

  test.each([1_000, 7_000, 14_000, 16_000, 24_000])("from %i ms on it has the very same starts", (fromMs) => {
    const planned = segments.flatMap((one) => Array.from({ length: one.starts }, (_, n) => slotMs(one, n)));
    const left = remainingFrom(segments, fromMs).flatMap((one) =>
      Array.from({ length: one.starts }, (_, n) => slotMs(one, n)),
    );
    const expected = planned.filter((atMs) => atMs >= fromMs - 1e-6);
    expect(left).toHaveLength(expected.length);
    left.forEach((atMs, n) => expect(atMs).toBeCloseTo(expected[n] ?? Number.NaN, 6));
  });

  test("numbers its iterations on, so that what they draw and write is that of the plan", () => {
    expect(remainingFrom(segments, 7_000)[0]).toMatchObject({
      index: 0,
      first: 455,
      starts: 520,
      endMs: 15_000,
    });
  });
});

describe("the books of a gap", () => {
  test("declare what was lost as missed, neither completed nor failed", () => {
    // Died at 8 s with 500 answers on the disk; goes on at 12 s.
    const found = accountsOfGap({
      segments,
      accounts: [],
      totals: totals(500, 503),
      fromMs: 5_000,
      toMs: 12_000,
    });
    expect(found).toMatchObject([
      { index: 0, planned: 780, started: 503, completed: 500, missed: 280, unaccounted: 0, exitCode: null },
    ]);
  });

  test("cover segments that lay wholly in the gap, and leave closed ones alone", () => {
    const long = [...segments, segment(2, 25_000, 40_000, 65)];
    const closed = [account(0, 975)];
    const found = accountsOfGap({
      segments: long,
      accounts: closed,
      totals: totals(975),
      fromMs: 15_000,
      toMs: 30_000,
    });
    expect(found).toMatchObject([
      { index: 1, planned: 1_750, completed: 0, missed: 1_750, unaccounted: 0 },
      { index: 2, planned: 325, completed: 0, missed: 325, unaccounted: 0 },
    ]);
  });

  test("go on where the last resuming left off", () => {
    const lost = account(0, 780, { completed: 500, started: 503, missed: 280, exitCode: null });
    // The second harness lived from 12 s to 13 s and completed 60 of 65.
    const found = accountsOfGap({
      segments,
      accounts: [lost],
      totals: totals(560, 563),
      fromMs: 12_000,
      toMs: 14_000,
    });
    expect(found).toMatchObject([
      { index: 0, planned: 130, started: 60, completed: 60, missed: 70, unaccounted: 0 },
    ]);
  });

  test("have no excuse for what was lost outside the gap, but for a start at its edge", () => {
    const at = (completed: number) =>
      accountsOfGap({ segments, accounts: [], totals: totals(completed), fromMs: 5_000, toMs: 8_000 })[0];
    // Before 5 s lie 325 starts.
    expect(at(325)).toMatchObject({ missed: 195, unaccounted: 0 });
    expect(at(324)).toMatchObject({ missed: 196, unaccounted: 0 });
    expect(at(320)).toMatchObject({ missed: 196, unaccounted: 4 });
  });

  test("lose nothing of what was recorded, whatever segment it belonged to", () => {
    const found = accountsOfGap({
      segments,
      accounts: [],
      totals: totals(1_000, 1_000, 3),
      fromMs: 15_000,
      toMs: 16_000,
    });
    const sum = (pick: (one: SegmentAccounts) => number) => found.reduce((all, one) => all + pick(one), 0);
    expect([sum(({ completed }) => completed), sum(({ dropped }) => dropped)]).toEqual([1_000, 3]);
    expect(sum((one) => one.completed + one.dropped + (one.missed ?? 0) + one.unaccounted)).toBe(
      sum(({ planned }) => planned),
    );
  });

  test("are closed up to the last start that an account covers", () => {
    expect(bookedUntil(segments, [])).toBe(0);
    expect(bookedUntil(segments, [account(0, 975)])).toBe(15_000);
    expect(bookedUntil(segments, [account(0, 455), account(1, 1_750)])).toBe(7_000);
    expect(bookedUntil(segments, [account(0, 455), account(0, 520), account(1, 1_750)])).toBe(25_000);
  });
});

describe("the samples of a resumed run", () => {
  test("leave the seconds of the dead harness alone, and know each start's slot", () => {
    const seconds = new Map<number, LoadSecond>();
    const cells: LoadCell[] = [];
    const [rest] = remainingFrom(segments, 7_000);
    if (rest === undefined) throw new Error("something remains");
    const aggregate = new LoadAggregate({
      segments: [rest],
      timeoutMs: 2_000,
      samples: { cell: (cell) => void cells.push(cell), second: (one) => void seconds.set(one.second, one) },
      toPlanMs: (wallMs) => wallMs,
      fromMs: 7_000,
    });
    const rows = aggregate.rowsOf(rest);
    // The very first start is a little late, the second on time.
    rows({ kind: "start", wallMs: 7_003, iteration: 455 });
    rows({ kind: "start", wallMs: 7_000 + 1_000 / 65, iteration: 456 });
    aggregate.flush(9_500);
    expect([...seconds.keys()]).toEqual([7, 8]);
    expect(seconds.get(7)).toMatchObject({ planned: 65, started: 2, segment: 0 });
    expect(seconds.get(7)?.lateness.maxMs).toBeCloseTo(3, 1);
    expect(aggregate.late).toBe(0);
  });
});
