import { describe, expect, test } from "vitest";
import { matchOutages, outagesOfLooks, readTruth } from "./outage-match.ts";

const one = { fromMs: 1_000, toMs: 2_000 };

describe("outages found against outages that were", () => {
  test("errors of the ends and of the length", () => {
    const { matched, invented } = matchOutages([one], [{ fromMs: 1_010, toMs: 2_004 }], 50);
    expect(matched).toEqual([
      { truth: one, seen: { fromMs: 1_010, toMs: 2_004 }, endErrorMs: 10, lengthErrorMs: 6 },
    ]);
    expect(invented).toEqual([]);
  });

  test("missed and invented ones", () => {
    const { matched, invented } = matchOutages([one], [{ fromMs: 5_000, toMs: 5_100 }], 50);
    expect(matched[0]?.seen).toBeNull();
    expect(invented).toEqual([{ fromMs: 5_000, toMs: 5_100 }]);
  });

  test("a find in two pieces is one from first to last", () => {
    const pieces = [
      { fromMs: 1_000, toMs: 1_200 },
      { fromMs: 1_300, toMs: 2_000 },
    ];
    expect(matchOutages([one], pieces, 50).matched[0]?.seen).toEqual(one);
  });

  test("a prober's looks", () => {
    const looks = [true, false, false, true, false].map((ok, n) => ({ atMs: n * 1_000, ok }));
    expect(outagesOfLooks(looks)).toEqual([
      { fromMs: 1_000, toMs: 3_000 },
      { fromMs: 4_000, toMs: Infinity },
    ]);
  });

  test("the server's own word", () => {
    expect(readTruth("closed 10.5\nopen 20\nclosed 30\n")).toEqual([
      { fromMs: 10.5, toMs: 20 },
      { fromMs: 30, toMs: Infinity },
    ]);
  });
});
