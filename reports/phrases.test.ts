import { expect, test } from "vitest";
import { buildReportModel } from "./model.ts";
import { keyNumbers, recoveryText } from "./phrases.ts";
import { sampleRun } from "./testing/sample-run.ts";

const record = sampleRun().verdict.faults[0]!;

test("a recovery is told as an interval, as open, or as not there", () => {
  const text = (low: number, high: number | null, recovery: typeof record.recovery): string =>
    recoveryText({ ...record, recoveryMs: { low, high }, recovery });
  expect(text(700, 1_100, "timed")).toBe("700 ms to 1.10 s");
  expect(text(61_000, null, "censored")).toBe("over 61 s, never seen to end");
  expect(text(0, null, "undecided")).toBe("end not known");
  expect(text(0, 0, "none")).toBe("nothing to recover");
  expect(recoveryText({ ...record, recoveryMs: null, recovery: "none", confirmed: "no" })).toBe(
    "not known, never confirmed",
  );
  expect(recoveryText({ ...record, recoveryMs: null, recovery: "not-run" })).toBe("–");
});

test("one recovery that never ended is the longest; one whose end is not known is said beside it", () => {
  const run = sampleRun();
  const faults = run.verdict.faults.map((fault, index) => {
    if (index === 0) return { ...fault, recovery: "undecided" as const, recoveryMs: { low: 0, high: null } };
    return index === 1
      ? { ...fault, recovery: "censored" as const, recoveryMs: { low: 9, high: null } }
      : fault;
  });
  const [finding] = run.verdict.findings;
  const longest = (from: typeof faults, ...status: ("fail" | "inconclusive")[]): object => {
    const about = status.map((each) => ({ ...finding!, id: `recovery/${from[1]!.id}`, status: each }));
    const others = run.verdict.findings.filter(({ id }) => !id.startsWith("recovery/"));
    const findings = [...others, ...about];
    return keyNumbers(buildReportModel({ ...run, verdict: { ...run.verdict, faults: from, findings } }))[1]!;
  };
  expect(longest(faults, "fail")).toMatchObject({ value: "never ended", note: "limit 15 s; 1 not known" });
  expect(longest(faults, "inconclusive")).toMatchObject({ value: "3.90 s", note: "limit 15 s; 2 not known" });
  expect(longest(faults.toSpliced(1, 1))).toMatchObject({ value: "3.90 s", note: "limit 15 s; 1 not known" });
});
