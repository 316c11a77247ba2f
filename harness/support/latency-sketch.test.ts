import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LatencySketch } from "./latency-sketch.ts";

/** Durations in whole microseconds, spread evenly over the orders of magnitude up to 100 s. */
const micros = fc.integer({ min: 0, max: 8_000_000 }).map((power) => Math.floor(10 ** (power / 1e6)));
const many = fc.array(micros, { minLength: 1, maxLength: 2_000 });
const quantiles = [0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1];

function sketchOf(values: readonly number[]): LatencySketch {
  const sketch = new LatencySketch();
  for (const us of values) sketch.record(us / 1_000);
  return sketch;
}

/** Nearest rank over the values themselves, in microseconds. */
function trueQuantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1]!;
}

describe("latency sketch", () => {
  test("p50 to p99.99 lie within 0.4 % of the true values", () => {
    fc.assert(
      fc.property(many, (values) => {
        const sketch = sketchOf(values);
        for (const q of quantiles) {
          const truth = trueQuantile(values, q);
          expect(Math.abs(sketch.quantile(q) * 1_000 - truth)).toBeLessThanOrEqual(truth * 0.004 + 1e-6);
        }
      }),
    );
  });

  test("any single value from 1 us to 19 h is told within 0.4 %", () => {
    let worst = 0;
    for (let us = 1; us < 2 ** 36; us = Math.ceil(us * 1.0007)) {
      const sketch = sketchOf([us, 2 ** 36 - 1]);
      worst = Math.max(worst, Math.abs((sketch.quantile(0.5) * 1_000) / us - 1));
    }
    expect(worst).toBeLessThanOrEqual(0.004);
  });

  test("a long tail of 200,000 values keeps p99.99 within 0.4 %", () => {
    // Log-normal-like by a fixed recurrence, with 1 % at twenty-fold.
    const values: number[] = [];
    for (let at = 0, state = 1; at < 200_000; at++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      values.push(Math.floor(10 ** (2 + (3 * state) / 2 ** 32)) * (at % 100 === 0 ? 20 : 1));
    }
    const sketch = sketchOf(values);
    for (const q of quantiles) {
      const truth = trueQuantile(values, q);
      expect(Math.abs(sketch.quantile(q) * 1_000 - truth) / truth).toBeLessThanOrEqual(0.004);
    }
  });

  test("count, maximum and mean are exact", () => {
    fc.assert(
      fc.property(many, (values) => {
        const sketch = sketchOf(values);
        expect(sketch.count).toBe(values.length);
        expect(sketch.maxMs).toBe(Math.max(...values) / 1_000);
        expect(sketch.meanMs).toBe(values.reduce((sum, us) => sum + us, 0) / values.length / 1_000);
      }),
    );
  });

  test("merging any parts in any order gives what recording all at once gives", () => {
    fc.assert(
      fc.property(fc.array(fc.array(micros, { maxLength: 200 }), { maxLength: 8 }), (parts) => {
        const merged = new LatencySketch();
        for (const part of parts.toReversed()) merged.merge(sketchOf(part));
        const whole = sketchOf(parts.flat());
        expect(merged.encode()).toEqual(whole.encode());
        expect(merged.count).toBe(whole.count);
      }),
    );
  });

  test("bytes decode to the same sketch", () => {
    fc.assert(
      fc.property(fc.array(micros, { maxLength: 500 }), (values) => {
        const bytes = sketchOf(values).encode();
        const decoded = LatencySketch.decode(bytes);
        expect(decoded.encode()).toEqual(bytes);
        expect(decoded.count).toBe(values.length);
        expect(decoded.quantile(0.95)).toBe(sketchOf(values).quantile(0.95));
      }),
    );
  });

  test("bytes that are no sketch are refused", () => {
    expect(() => LatencySketch.decode(Uint8Array.from([2, 0, 0]))).toThrow(RangeError);
    expect(() => LatencySketch.decode(new Uint8Array())).toThrow(RangeError);
    const bytes = sketchOf([100_000]).encode();
    expect(() => LatencySketch.decode(bytes.subarray(0, -1))).toThrow(RangeError);
  });

  test("empty has no quantile; clock noise below zero counts as zero; hours are kept", () => {
    expect(new LatencySketch().quantile(0.5)).toBeNaN();
    expect(sketchOf([-300]).quantile(0.5)).toBe(0);
    const threeHoursUs = 3 * 3_600 * 1e6;
    expect(Math.abs(sketchOf([threeHoursUs]).quantile(0.5) / (threeHoursUs / 1_000) - 1)).toBeLessThanOrEqual(
      0.004,
    );
  });
});
