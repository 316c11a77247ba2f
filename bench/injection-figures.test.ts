import { describe, expect, test } from "vitest";
import { injectionFigures } from "./injection-figures.ts";

const calls = (late: (n: number) => number) =>
  Array.from({ length: 200 }, (_, n) => ({ plannedMs: n * 1_000, calledMs: n * 1_000 + late(n) }));

describe("figures of injecting", () => {
  test("lateness, nearest rank", () => {
    const figures = injectionFigures(calls((n) => (n === 7 ? 30 : n === 9 ? 20 : n === 11 ? 5 : 1)));
    expect(figures).toMatchObject({ count: 200, minMs: 1, p50Ms: 1, p99Ms: 5, maxMs: 30 });
  });

  test("a drift shows, single late calls do not make one", () => {
    expect(injectionFigures(calls((n) => n * 0.001)).driftMsPerHour).toBeCloseTo(3.6, 6);
    expect(injectionFigures(calls((n) => (n > 190 ? 50 : 1))).driftMsPerHour).toBe(0);
  });

  test("one call is no distribution", () => {
    expect(() => injectionFigures(calls(() => 0).slice(0, 1))).toThrow(RangeError);
  });
});
