import { assert, constantFrom, integer, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { formatBytes, parseBytes } from "./bytes.ts";

describe("sizes", () => {
  it.each([
    ["0B", 0],
    ["100B", 100],
    ["512KiB", 524_288],
    ["20MiB", 20_971_520],
    ["1.5GiB", 1_610_612_736],
  ])("reads %s", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(["", "20", "20MB", "20 MiB", "-1MiB", "MiB", "1e3B", "99999999999GiB"])("refuses %j", (text) => {
    expect(parseBytes(text)).toBeUndefined();
  });

  it("writes the shortest unit, and reads whole units back exactly", () => {
    expect([0, 100, 1_500, 20_971_520, -1_024].map(formatBytes)).toEqual([
      "0B",
      "100B",
      "1.46KiB",
      "20MiB",
      "-1KiB",
    ]);
    assert(
      property(integer({ min: 1, max: 1_023 }), constantFrom("B", "KiB", "MiB", "GiB"), (count, unit) => {
        expect(formatBytes(parseBytes(`${count}${unit}`)!)).toBe(`${count}${unit}`);
      }),
    );
  });
});
