import { expect, test } from "vitest";
import { judgeOverhead, percentile, type Turn, type TurnPair } from "./overhead-figures.ts";

const turn = (more: Partial<Turn> = {}): Turn => ({
  requests: 1_000,
  wrong: 0,
  cpuMs: 400,
  p95Ms: 5,
  rssBytes: 1,
  ...more,
});
const met = (...pairs: TurnPair[]): boolean[] => judgeOverhead(pairs).map((goal) => goal.met);

test("a tenth more CPU for each request, and a millisecond more, are within the goals; more is not", () => {
  expect(met({ with: turn({ cpuMs: 439, p95Ms: 5.9 }), without: turn() })).toEqual([true, true, true]);
  expect(met({ with: turn({ cpuMs: 445, p95Ms: 6.1 }), without: turn() })).toEqual([false, false, true]);
});

test("CPU counts for each request, not for each turn", () => {
  expect(met({ with: turn({ cpuMs: 800, requests: 2_000 }), without: turn() })[0]).toBe(true);
});

test("one busy moment does not decide, most pairs do", () => {
  const calm = { with: turn({ cpuMs: 410 }), without: turn() };
  const busy = { with: turn({ cpuMs: 900, p95Ms: 80 }), without: turn() };
  expect(met(calm, busy, calm)).toEqual([true, true, true]);
  expect(met(busy, calm, busy)).toEqual([false, false, true]);
});

test("a wrong answer on either side, or no pair at all, is no comparison", () => {
  expect(met({ with: turn(), without: turn({ wrong: 1 }) })[2]).toBe(false);
  expect(met()).toEqual([false, false, false]);
});

test("percentile", () => {
  const values = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect([
    percentile(values, 50),
    percentile(values, 95),
    percentile(values, 100),
    percentile([7], 95),
  ]).toEqual([50, 95, 100, 7]);
});
