import { expect, test } from "vitest";
import { clipped, coveredMs, mostAtOnce, overlap, type Interval } from "./intervals.ts";

const span = (startMs: number, endMs: number): Interval => ({ startMs, endMs });

test("what is covered twice counts once, in any order", () => {
  expect(coveredMs([span(10, 20), span(0, 5), span(15, 30), span(16, 18)])).toBe(25);
  expect(coveredMs([span(0, 10), span(10, 20)])).toBe(20);
  expect(coveredMs([])).toBe(0);
});

test("ends are not included", () => {
  expect(overlap(span(0, 10), span(10, 20))).toBe(false);
  expect(overlap(span(0, 11), span(10, 20))).toBe(true);
  expect(mostAtOnce([span(0, 10), span(10, 20)])).toBe(1);
  expect(mostAtOnce([span(0, 11), span(10, 20), span(10, 12), span(30, 40)])).toBe(3);
  expect(mostAtOnce([])).toBe(0);
});

test("frames cut off what lies outside", () => {
  expect(clipped([span(0, 15), span(18, 40), span(50, 60)], [span(10, 20), span(30, 35)])).toEqual([
    span(10, 15),
    span(18, 20),
    span(30, 35),
  ]);
});
