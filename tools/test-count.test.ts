import { expect, test } from "vitest";
import { countCheck, countPlaywright, countVitest, totalLine } from "./test-count.mjs";

const vitest = (passed: number, failed: number, pending: number, files: object[] = []) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: pending,
  numTodoTests: 0,
  testResults: files,
});

test("tests are summed over runners, a check counts as one", () => {
  const playwright = { stats: { expected: 2, unexpected: 0, flaky: 1, skipped: 0 } };
  const results = [
    countCheck(0),
    countCheck(1),
    countVitest(vitest(5, 1, 0), 1),
    countPlaywright(playwright, 1),
  ];
  expect(totalLine(results)).toBe("8 passed, 3 failed");
});

test("a skipped test counts as failed", () => {
  expect(countVitest(vitest(3, 0, 2), 0)).toMatchObject({ passed: 3, failed: 2 });
  expect(countPlaywright({ stats: { expected: 1, unexpected: 0, flaky: 0, skipped: 1 } }, 0)).toMatchObject({
    failed: 1,
  });
});

test("a file that cannot be loaded counts as one failure, a file with failed tests only as those", () => {
  const broken = { status: "failed", assertionResults: [] };
  const failing = { status: "failed", assertionResults: [{ status: "failed" }, { status: "passed" }] };
  expect(countVitest(vitest(1, 1, 0, [broken, failing]), 1)).toMatchObject({ passed: 1, failed: 2 });
});

test("no report, no tests, and a bad end with nothing failed are failures", () => {
  expect(countVitest(undefined, 0)).toMatchObject({ passed: 0, failed: 1 });
  expect(countPlaywright(undefined, 0)).toMatchObject({ passed: 0, failed: 1 });
  expect(countVitest(vitest(0, 0, 0), 0)).toMatchObject({ passed: 0, failed: 1 });
  expect(countVitest(vitest(4, 0, 0), 1)).toMatchObject({ passed: 4, failed: 1 });
  expect(countVitest(vitest(4, 0, 0), 0)).toMatchObject({ passed: 4, failed: 0 });
});
