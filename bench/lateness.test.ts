// The arithmetic of the benchmark on arrivals whose truth is known.
import { describe, expect, test } from "vitest";
import {
  absoluteLateness,
  distribution,
  median,
  readStamps,
  releaseLateness,
  scheduleFigures,
  type Arrival,
  type Grid,
} from "./lateness.ts";

const grid: readonly Grid[] = [
  { index: 0, startMs: 0, rps: 65, starts: 650 },
  { index: 1, startMs: 10_000, rps: 175, starts: 350 },
];
const zeroMs = 5_000_000;

/** Arrivals on the grid, `late(segment, i)` milliseconds after their slot. */
function arrivalsOf(late: (segment: number, iteration: number) => number, stretch = 1): Arrival[] {
  return grid.flatMap(({ index, startMs, rps, starts }) =>
    Array.from({ length: starts }, (_, iteration) => ({
      segment: index,
      iteration,
      atMs: zeroMs + startMs + (iteration * 1_000 * stretch) / rps + late(index, iteration),
    })),
  );
}

describe("figures of a schedule", () => {
  test("a perfect schedule, and one that is late by a constant, have no lateness against the anchored grid", () => {
    for (const constantMs of [0, 7.5]) {
      const figures = scheduleFigures(
        grid,
        arrivalsOf((segment) => constantMs * (segment + 1)),
      );
      expect(figures).toMatchObject({ planned: 1_000, arrived: 1_000 });
      expect(figures.rateError).toBeLessThan(1e-9);
      expect(figures.lateness.maxMs).toBeCloseTo(0, 5);
    }
  });

  test("lateness against the plan keeps the constant, and shows an early start as negative", () => {
    const late = absoluteLateness(
      grid,
      arrivalsOf((segment, i) => (segment === 1 && i === 0 ? -0.5 : 3)),
      zeroMs,
    );
    expect(late.minMs).toBeCloseTo(-0.5, 5);
    expect(late.p50Ms).toBeCloseTo(3, 5);
  });

  test("a late release is told for each segment", () => {
    const late = releaseLateness(
      grid,
      arrivalsOf((segment, i) => (segment === 0 ? 2 : -0.5) + (i % 3)),
      zeroMs,
    );
    expect(late.map((value) => Math.round(value * 100) / 100)).toEqual([2, -0.5]);
  });

  test("percentiles are over all starts of all segments", () => {
    // 30 of 1,000 starts are 20 ms late: p95 does not see them, p99 does.
    const { lateness } = scheduleFigures(
      grid,
      arrivalsOf((segment, i) => (segment === 0 && i % 20 === 3 && i < 600 ? 20 : 0)),
    );
    expect(lateness.p95Ms).toBeCloseTo(0, 5);
    expect(lateness.p99Ms).toBeCloseTo(20, 5);
  });

  test("a period that is one in ten thousand too long is found, also under jitter", () => {
    const jitter = (_: number, i: number): number => ((i * 7_919) % 100) / 50;
    expect(scheduleFigures(grid, arrivalsOf(jitter, 1.000_1)).rateError).toBeGreaterThan(0.9e-4);
    expect(scheduleFigures(grid, arrivalsOf(jitter)).rateError).toBeLessThan(0.3e-4);
  });

  test("one start in fifty that comes 60 ms late is no error of the rate", () => {
    const burst = (_: number, i: number): number => (i > 280 && i % 50 === 0 ? 60 : 0);
    expect(scheduleFigures(grid, arrivalsOf(burst)).rateError).toBeLessThan(1e-6);
  });

  test("a segment without arrivals is an error, not a zero", () => {
    expect(() =>
      scheduleFigures(
        grid,
        arrivalsOf(() => 0).filter(({ segment }) => segment === 0),
      ),
    ).toThrow(RangeError);
  });
});

test("stamps are read back as they were written", () => {
  const written = new Float64Array([0, 12, 123.5, 1, 0, 456.25]);
  expect(readStamps(Buffer.from(written.buffer))).toEqual([
    { segment: 0, iteration: 12, atMs: 123.5 },
    { segment: 1, iteration: 0, atMs: 456.25 },
  ]);
});

test("median and nearest-rank percentiles", () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(distribution(Array.from({ length: 100 }, (_, i) => i + 1))).toEqual({
    minMs: 1,
    p50Ms: 50,
    p95Ms: 95,
    p99Ms: 99,
    maxMs: 100,
  });
});
