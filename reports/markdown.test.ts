import { expect, test } from "vitest";
import { markdownRenderer } from "./markdown.ts";
import { buildReportModel } from "./model.ts";
import { sampleJourneys } from "./testing/sample-journeys.ts";
import { sampleRun } from "./testing/sample-run.ts";

test("verdict first, then numbers, findings and faults", () => {
  const text = markdownRenderer.render(buildReportModel(sampleRun({ outcome: "fail" })));
  expect(text.split("\n")[0]).toBe("# ✘ FAIL: smoke");
  expect(text).toContain("**Do not release.** After f07-kill");
  expect(text).toContain("| Availability | 98.912 % | objective 95 % |");
  expect(text).toContain("| ✘ fail | f07-kill: service was back only after more than 15 s");
  expect(text).toContain("12 checks passed.");
  expect(text).toContain(
    "| f07-kill | service:gateway | confirmed, rescued by Kiln | +476 ms | +566 ms | +20.8 s | 19.4 s to 20.4 s | 198 |",
  );
  expect(text).toContain("- Again: `npx kiln run smoke --seed 42`");
});

test("text of a run cannot break a table or become markup", () => {
  const { plan, verdict, evidence } = sampleRun();
  const text = markdownRenderer.render(
    buildReportModel({ plan, verdict: { ...verdict, because: "a | b\n# c *d* <e> @f [g](h)" }, evidence }),
  );
  expect(text).toContain(String.raw`a \| b \# c \*d\* &lt;e&gt; &#64;f \[g\](h)`);
});

test("journeys of a browser: how many, how fast, and the first failure", () => {
  const { plan, verdict, evidence } = sampleRun();
  const text = markdownRenderer.render(
    buildReportModel({ plan, verdict: { ...verdict, journeys: sampleJourneys }, evidence }),
  );
  expect(text).toContain("| in calm | 13 | 1 |");
  expect(text).toContain("Page: median 340 ms, slowest 810 ms.");
  expect(text).toContain("First failure 00:00:20, at create: &lt;b&gt;timeout&lt;/b&gt; of 12 s");
  expect(text).toContain("1 time without a browser: no page could be had of the browser: it had crashed");
});

test("the table of faults of a long run is cut with a note", () => {
  const { plan, verdict, evidence } = sampleRun();
  const many = Array.from({ length: 80 }, (_, index) => ({ ...plan.faults[0]!, id: `f${index}-latency` }));
  const text = markdownRenderer.render(
    buildReportModel({ plan: { ...plan, faults: many }, verdict, evidence }),
  );
  expect(text).toContain("20 more faults in report.html.");
});
