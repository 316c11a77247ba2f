// How many tests passed and failed, read from the JSON reports of vitest and Playwright. Pure. A skipped test counts as failed (set-up
// brings everything that a test could lack), and so does a runner that ended badly or left no report.

/** {passed, failed, notes} of a check that has no tests of its own. */
export function countCheck(exitCode) {
  return exitCode === 0 ? { passed: 1, failed: 0, notes: [] } : { passed: 0, failed: 1, notes: [] };
}

/** Counts vitest's JSON report (undefined when there is none). */
export function countVitest(report, exitCode) {
  if (report === undefined) return { passed: 0, failed: 1, notes: ["vitest left no report"] };
  const passed = report.numPassedTests;
  const skipped = report.numPendingTests + (report.numTodoTests ?? 0);
  // A file that cannot be loaded fails without any test.
  const broken = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some(isFailed),
  ).length;
  return settle(passed, report.numFailedTests + broken, skipped, exitCode);
}

/** Counts Playwright's JSON report (undefined when there is none). A flaky test counts as failed. */
export function countPlaywright(report, exitCode) {
  if (report === undefined) return { passed: 0, failed: 1, notes: ["Playwright left no report"] };
  const { expected, unexpected, flaky, skipped } = report.stats;
  return settle(expected, unexpected + flaky, skipped, exitCode);
}

function isFailed(result) {
  return result.status === "failed";
}

function settle(passed, failed, skipped, exitCode) {
  const notes = [];
  if (skipped > 0) notes.push(`${skipped} skipped, counted as failed`);
  let total = failed + skipped;
  if (total === 0 && passed === 0) {
    notes.push("no tests found");
    total = 1;
  } else if (total === 0 && exitCode !== 0) {
    notes.push(`the runner ended with exit code ${exitCode}`);
    total = 1;
  }
  return { passed, failed: total, notes };
}

/** The last line of `npm test`. */
export function totalLine(results) {
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  return `${sum("passed")} passed, ${sum("failed")} failed`;
}
