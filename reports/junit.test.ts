import { expect, test } from "vitest";
import { junitRenderer } from "./junit.ts";
import { buildReportModel } from "./model.ts";
import { sampleRun } from "./testing/sample-run.ts";

const at = new Date(0);

test("one suite a checker, fail is a failure, inconclusive an error, and nothing is skipped", () => {
  const failed = junitRenderer.render(buildReportModel({ ...sampleRun({ outcome: "fail" }), now: at }));
  expect(failed).toContain(
    '<testsuites name="kiln smoke" tests="14" failures="2" errors="0" skipped="0" time="180.000">',
  );
  expect(failed).toMatch(/<testsuite name="recovery" tests="7" failures="1" errors="0"/);
  expect(failed).toContain(
    '<testcase classname="kiln.smoke.recovery" name="recovery/f07-kill" time="0"><failure message="f07-kill: service was back only',
  );
  const doubtful = junitRenderer.render(
    buildReportModel({ ...sampleRun({ outcome: "inconclusive" }), now: at }),
  );
  expect(doubtful).toContain('failures="0" errors="2"');
  expect(doubtful).toContain('<error message="f03-upstream-errors was injected but never seen to bite."');
});

test("a verdict that no finding shows gets a test case of its own", () => {
  const { plan, verdict, evidence } = sampleRun({ endMs: 70_000 });
  const text = junitRenderer.render(
    buildReportModel({ plan, verdict: { ...verdict, findings: [] }, evidence, now: at }),
  );
  expect(text).toContain('tests="1" failures="0" errors="1"');
  expect(text).toContain('name="verdict" time="0"><error');
});

test("characters that XML cannot hold do not break it", () => {
  const { plan, verdict, evidence } = sampleRun({ outcome: "fail" });
  const findings = [
    { ...verdict.findings[0]!, title: "bell \u0007, half \uD800, nul \u0000, fine \u{1F525} <&\"'>" },
  ];
  // The model holds no control characters; the renderer does not count on that.
  const model = buildReportModel({ plan, verdict, evidence, now: at });
  const text = junitRenderer.render({ ...model, findings });
  expect(text).toContain("bell \uFFFD, half \uFFFD, nul \uFFFD, fine \u{1F525} &lt;&amp;&quot;&apos;&gt;");
});
