import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, formatOffset, parseDuration } from "./duration.ts";

test.each([
  ["250ms", 250],
  ["90s", 90_000],
  ["1.5s", 1_500],
  ["1h30m", 5_400_000],
  ["48h", 172_800_000],
  ["7d", 604_800_000],
  ["0s", 0],
])("%s is %i ms", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

test.each(["", "90", "-5s", "5 s", "s", "1h30", "1.s", "5sec", "1e3s", "1h 30m", " 5s"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);

test.each([
  [0, "0ms"],
  [250, "250ms"],
  [1_500, "1.5s"],
  [60_000, "1m"],
  [5_400_000, "1h30m"],
  [172_800_000, "48h"],
  [691_200_000, "8d"],
  [-1_500, "-1.5s"],
])("%i ms is written %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test("what is written reads back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000_000_000 }), (ms) => {
      expect(Math.round(parseDuration(formatDuration(ms)) ?? -1)).toBe(ms);
    }),
  );
});

test("offsets look like a clock and carry over", () => {
  expect(formatOffset(90_000)).toBe("00:01:30");
  expect(formatOffset(59_999)).toBe("00:01:00");
  expect(formatOffset(59_999, true)).toBe("00:00:59.999");
  expect(formatOffset(172_800_000)).toBe("48:00:00");
  expect(formatOffset(-5_000)).toBe("-00:00:05");
});
