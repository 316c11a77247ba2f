// The benchmark's judgement: medians within pairs, and each goal can be missed.
import { describe, expect, test } from "vitest";
import { judgePairs, renderGoals, renderTable, type Pair } from "./goals.ts";
import type { ScheduleFigures } from "./lateness.ts";

const schedule = (p95Ms: number, p99Ms: number): ScheduleFigures => ({
  planned: 3_700,
  arrived: 3_700,
  rateError: 1e-5,
  lateness: { minMs: 0, p50Ms: 0.5, p95Ms, p99Ms, maxMs: 9 },
});

function pair(change: Partial<Pair["kiln"]> = {}): Pair {
  const cpu = { harnessMs: 300, reaperMs: 10, k6Ms: 2_000 };
  return {
    bare: { ...schedule(1, 3), k6CpuMs: 2_000 },
    kiln: {
      ...schedule(1.1, 3.5),
      absolute: schedule(1, 3).lateness,
      releaseMs: [0.4, 0.6],
      underLoad: cpu,
      whole: cpu,
      warnings: [],
      ...change,
    },
  };
}

const missed = (pairs: readonly Pair[]): string[] =>
  judgePairs(pairs).flatMap(({ name, pass }) => (pass ? [] : [name]));

describe("goals", () => {
  test("are met by a run that is as good as bare k6", () => {
    expect(missed([pair(), pair(), pair()])).toEqual([]);
  });

  test.each<readonly [string, Partial<Pair["kiln"]>]>([
    ["starts off the plan", { arrived: 3_698 }],
    ["rate error", { rateError: 1.1e-4 }],
    ["p95 lateness, Kiln / bare", schedule(1.25, 3.5)],
    ["p99 lateness, Kiln - bare", schedule(1.1, 4.1)],
    ["CPU, harness and reaper / k6", { underLoad: { harnessMs: 900, reaperMs: 110, k6Ms: 2_000 } }],
  ])("%s is missed where most pairs miss it, and not where one does", (name, bad) => {
    expect(missed([pair(bad), pair(), pair(bad)])).toEqual([name]);
    expect(missed([pair(bad), pair(), pair()])).toEqual([]);
  });

  test("a figure that could not be taken does not pass", () => {
    const nothing = schedule(Number.NaN, Number.NaN);
    expect(missed([pair(nothing)])).toEqual(["p95 lateness, Kiln / bare", "p99 lateness, Kiln - bare"]);
  });

  test("are shown one a line, beneath a column for each pair", () => {
    expect(renderGoals(judgePairs([pair({ rateError: 2e-4 })]))).toContain(
      "FAIL  rate error: 0.0200 % (limit 0.01 %)",
    );
    const [head, ...lines] = renderTable([pair(), pair()]).trimEnd().split("\n");
    expect(head).toMatch(/pair 1 +pair 2 +median$/);
    expect(new Set(lines.map((line) => line.length))).toEqual(new Set([head?.length]));
  });
});
