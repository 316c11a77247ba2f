import { expect, test } from "vitest";
import type { Scenario } from "../scenario/scenario.ts";
import { loadSegments, occurrences } from "./segments.ts";

const load: Scenario["load"] = {
  script: "x.ts",
  steadyRps: 65,
  spike: null,
  rotateEveryMs: 600_000,
  timeoutMs: 2_000,
  maxUsers: null,
};
const spike = { rps: 175, everyMs: 21_600_000, forMs: 300_000, firstAtMs: 1_800_000 };

test("a steady load of 25 minutes is three segments of whole starts", () => {
  const segments = loadSegments({ load, durationMs: 1_500_000 });
  expect(segments.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
    [0, 600_000],
    [600_000, 1_200_000],
    [1_200_000, 1_500_000],
  ]);
  expect(segments[0]).toEqual({
    index: 0,
    kind: "steady",
    startMs: 0,
    endMs: 600_000,
    rps: 65,
    starts: 39_000,
    usersNeeded: 163,
    users: 163,
  });
});

test("a spike is a segment of its own, with the users that it needs", () => {
  const segments = loadSegments({
    load: { ...load, spike, rotateEveryMs: 3_600_000 },
    durationMs: 3_600_000,
  });
  expect(segments.map(({ kind, startMs, endMs }) => [kind, startMs, endMs])).toEqual([
    ["steady", 0, 1_800_000],
    ["spike", 1_800_000, 2_100_000],
    ["steady", 2_100_000, 3_600_000],
  ]);
  expect(segments[1]).toMatchObject({ rps: 175, starts: 52_500, usersNeeded: 438, users: 438 });
});

test("a limit on users is kept beside what would be needed", () => {
  expect(loadSegments({ load: { ...load, maxUsers: 50 }, durationMs: 60_000 })[0]).toMatchObject({
    usersNeeded: 163,
    users: 50,
  });
});

test("boundaries move where they would cut a start in two", () => {
  const segments = loadSegments({ load: { ...load, rotateEveryMs: 10_070 }, durationMs: 30_000 });
  expect(segments.map(({ endMs }) => endMs)).toEqual([10_000, 20_200, 30_000]);
  expect(segments.map(({ starts }) => starts)).toEqual([650, 663, 637]);
});

test("a remainder of less than five seconds joins the segment before it", () => {
  const ends = (durationMs: number): number[] =>
    loadSegments({ load: { ...load, rotateEveryMs: 60_000 }, durationMs }).map(({ endMs }) => endMs);
  expect(ends(124_800)).toEqual([60_000, 124_800]);
  expect(ends(125_000)).toEqual([60_000, 120_000, 125_000]);
});

test("spikes follow back to back with whole starts, and end the load where they end it", () => {
  const hard = { rps: 1_000, everyMs: 20_000, forMs: 10_000, firstAtMs: 0 };
  const segments = loadSegments({ load: { ...load, spike: hard }, durationMs: 30_000 });
  expect(segments.map(({ kind, startMs, endMs }) => [kind, startMs, endMs])).toEqual([
    ["spike", 0, 10_000],
    ["steady", 10_000, 20_000],
    ["spike", 20_000, 30_000],
  ]);
});

test("only whole occurrences count", () => {
  const recurring = { everyMs: 100, forMs: 30, firstAtMs: 10 };
  expect(occurrences(recurring, 140)).toEqual([
    { startMs: 10, endMs: 40 },
    { startMs: 110, endMs: 140 },
  ]);
  expect(occurrences(recurring, 139)).toHaveLength(1);
  expect(occurrences(null, 139)).toEqual([]);
});
