import { describe, expect, test } from "vitest";
import type { SecondFacts } from "./load-index.ts";
import { outagesIn } from "./outage-list.ts";

const good = (second: number): SecondFacts => ({
  second,
  rps: 100,
  kind: "steady",
  planned: 100,
  ok: 100,
  failed: 0,
  shed: 0,
  limited: 0,
  completed: 100,
  stackDropped: 0,
  harnessDropped: 0,
  state: "good",
  firstFailureMs: null,
  lastFailureMs: null,
  okAfterFailureMs: null,
  latenessP99Ms: 1,
});
const bad = (second: number, fromMs: number, toMs: number, okMs: number | null, ok = 50): SecondFacts => ({
  ...good(second),
  state: "bad",
  ok,
  failed: 50,
  firstFailureMs: fromMs,
  lastFailureMs: toMs,
  okAfterFailureMs: okMs,
});

describe("outages as users saw them", () => {
  test("none where nothing failed", () => {
    expect(outagesIn([good(0), good(1)])).toEqual([]);
  });

  test("one within a second, to one request interval", () => {
    expect(outagesIn([good(0), bad(1, 1_200, 1_290, 1_300), good(2)])).toEqual([
      { begin: { atMs: 1_200, errorMs: 10 }, end: { atMs: 1_300, errorMs: 10 } },
    ]);
  });

  test("one over several seconds, some of them without any answer", () => {
    const silent = { ...good(2), ok: 0, completed: 0, state: "unknown" as const };
    const list = [good(0), bad(1, 1_500, 1_990, null), silent, bad(3, 3_000, 3_400, 3_410), good(4)];
    expect(outagesIn(list)).toEqual([
      { begin: { atMs: 1_500, errorMs: 10 }, end: { atMs: 3_410, errorMs: 10 } },
    ]);
  });

  test("one that ended with its second", () => {
    expect(outagesIn([bad(0, 400, 990, null), good(1)])).toEqual([
      { begin: { atMs: 400, errorMs: 10 }, end: { atMs: 1_010, errorMs: 20 } },
    ]);
  });

  test("two of them, the second of which begins in the second after the first one's", () => {
    expect(outagesIn([bad(0, 400, 990, null), bad(1, 1_500, 1_600, 1_610), good(2)])).toEqual([
      { begin: { atMs: 400, errorMs: 10 }, end: { atMs: 1_010, errorMs: 20 } },
      { begin: { atMs: 1_500, errorMs: 10 }, end: { atMs: 1_610, errorMs: 10 } },
    ]);
  });

  test("one that had not ended", () => {
    expect(outagesIn([good(0), bad(1, 1_500, 1_990, null, 0)])).toEqual([
      { begin: { atMs: 1_500, errorMs: 10 }, end: null },
    ]);
  });
});
