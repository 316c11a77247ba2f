import { describe, expect, it } from "vitest";
import { seededRng } from "../support/rng.ts";
import { binomialStandardError, median, shareTest } from "./statistics.ts";

describe("statistics", () => {
  it("takes the middle, or the mean of the two in the middle", () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([7])]).toEqual([2, 2.5, 7]);
    expect(() => median([])).toThrow(RangeError);
  });

  it("knows the spread of a share", () => {
    expect(binomialStandardError(0.5, 100)).toBeCloseTo(0.05, 10);
  });

  it.each([0.05, 0.2, 0.5, 1])("tells a share of %d from half of it in nearly every draw", (share) => {
    const { count, tolerance } = shareTest(share);
    const rng = seededRng(`share ${share}`);
    const accepted = (truth: number): number => {
      let times = 0;
      for (let trial = 0; trial < 300; trial++) {
        let hits = 0;
        for (let n = 0; n < count; n++) if (rng.int(1, 1_000) <= truth * 1_000) hits += 1;
        if (Math.abs(hits / count - share) <= tolerance) times += 1;
      }
      return times / 300;
    };
    expect(accepted(share)).toBeGreaterThan(0.96);
    expect(accepted(share / 2)).toBeLessThan(0.03);
  });
});
