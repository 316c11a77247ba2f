import { expect, test } from "vitest";
import { bucketFinder, Extremes, holdForward, makeBuckets, pointsOf } from "./time-axis.ts";

const hour = 3_600_000;

test("a short run keeps each second, a long one stays under the limit of points", () => {
  expect(makeBuckets(0, 180_000)).toHaveLength(180);
  expect(makeBuckets(0, 0)).toEqual([{ from: 0, to: 1 }]);
  expect(pointsOf(makeBuckets(0, 48 * hour)).length).toBeLessThanOrEqual(1_202);
});

test("buckets have no holes and do not overlap, with and without fine stretches", () => {
  const closer = [hour, 2 * hour, 2 * hour + 40_000, 47.99 * hour].map((fromMs) => ({
    fromMs,
    toMs: fromMs + 60_000,
  }));
  const buckets = makeBuckets(0, 48 * hour, closer);
  expect(buckets[0]?.from).toBe(0);
  expect(buckets.at(-1)?.to).toBe(48 * 3_600);
  buckets.slice(1).forEach((bucket, index) => expect(bucket.from).toBe(buckets[index]?.to));
  expect(buckets).toContainEqual({ from: 3_600, to: 3_601 });
});

test("many faults are all kept at the same width", () => {
  const closer = Array.from({ length: 400 }, (_, index) => ({
    fromMs: index * 420_000 + 60_000,
    toMs: index * 420_000 + 90_000,
  }));
  const buckets = makeBuckets(0, 48 * hour, closer);
  const narrow = buckets.map(({ from, to }) => to - from).filter((width) => width < 100);
  expect(pointsOf(buckets).length).toBeLessThan(7_000);
  // Whole fine buckets, not the cut-off ends of stretches.
  expect(narrow.filter((width) => width === 18).length).toBeGreaterThan(1_500);
});

test("a wide bucket keeps its lowest and highest value in the order in which they came", () => {
  const rising = new Extremes([{ from: 0, to: 10 }]);
  const falling = new Extremes([{ from: 0, to: 10 }]);
  [3, 1, 9, 5].forEach((value, second) => rising.add(second, value));
  [3, 9, 1, 5].forEach((value, second) => falling.add(second, value));
  expect(rising.points()).toEqual([1, 9]);
  expect(falling.points()).toEqual([9, 1]);
});

test("nothing outside the axis is counted, and an empty bucket is null", () => {
  const series = new Extremes([
    { from: 0, to: 1 },
    { from: 1, to: 2 },
  ]);
  for (const second of [-1, 0, 5]) series.add(second, 7);
  series.add(1, Number.NaN);
  expect(series.points()).toEqual([7, null]);
});

test("the finder goes back when seconds come again from the start", () => {
  const find = bucketFinder(makeBuckets(0, 5_000));
  expect([find(0), find(4), find(5), find(2)]).toEqual([0, 4, -1, 2]);
});

test("a value is held over the time between samples, not over a gap", () => {
  expect(holdForward([0, 1, 2, 3, 4], [8, null, null, null, 9], 2)).toEqual([8, 8, 8, null, 9]);
});
