import { expect, test } from "vitest";
import {
  formatAfter,
  formatBytes,
  formatChange,
  formatMs,
  formatShare,
  formatValue,
  plural,
} from "./words.ts";

test("times carry their unit and about three digits", () => {
  expect([0.42, 6.13, 240.4, 2_040, 61_400, 15_000, 90_000, 5_400_000].map(formatMs)).toEqual([
    "0.42 ms",
    "6.1 ms",
    "240 ms",
    "2.04 s",
    "61.4 s",
    "15 s",
    "90 s",
    "1h30m",
  ]);
  expect(formatMs(null)).toBe("–");
  expect(formatMs(Number.NaN)).toBe("–");
});

test("a share is never rounded up: only all is 100 %", () => {
  expect([1, 0.999999, 0.99996, 0.95, 0].map(formatShare)).toEqual([
    "100 %",
    "99.999 %",
    "99.996 %",
    "95 %",
    "0 %",
  ]);
});

test("bytes, changes, instants and counts", () => {
  expect([512, 96.4 * 1_048_576, 3.8 * 1_073_741_824].map(formatBytes)).toEqual([
    "512 B",
    "96.4 MiB",
    "3.8 GiB",
  ]);
  expect([0.534, -0.02, 3].map(formatChange)).toEqual(["+53.4 %", "−2 %", "+300 %"]);
  expect([15, 2_140, -2_000, 200_000].map(formatAfter)).toEqual(["+15 ms", "+2.1 s", "−2.0 s", "+3m20s"]);
  expect([plural(1, "fault"), plural(1_200, "fault")]).toEqual(["1 fault", "1,200 faults"]);
  expect([
    formatValue(0.205, "ratio"),
    formatValue(236, "MiB/min"),
    formatValue(3, "count"),
    formatValue(65, "1/s"),
  ]).toEqual(["20.5 %", "236 MiB/min", "3", "65 /s"]);
});
