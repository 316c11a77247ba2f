// A condensed run is called that in every report, and is never taken for the long run that it was made from.
import { expect, test } from "vitest";
import { htmlRenderer } from "./html.ts";
import { jsonRenderer } from "./json.ts";
import { junitRenderer } from "./junit.ts";
import { markdownRenderer } from "./markdown.ts";
import { buildReportModel } from "./model.ts";
import { keyNumbers } from "./phrases.ts";
import { terminalSummary } from "./terminal.ts";
import { sampleRun } from "./testing/sample-run.ts";

const run = sampleRun();
const plan = {
  ...run.plan,
  scenario: "condensed 12h",
  condensed: { of: "12h", ofHash: "0".repeat(64), ofDurationMs: 43_200_000, factor: 4 },
};
const model = buildReportModel({ ...run, plan });

test("every report says condensed 12h and how to run it again, and none says 12h burn-in", () => {
  for (const { name, render } of [htmlRenderer, jsonRenderer, junitRenderer, markdownRenderer]) {
    const text = render(model);
    expect(text, name).toContain("condensed 12h");
    expect(text, name).not.toMatch(/(?<!condensed )12h burn-in/);
    expect(text, name).toContain("npx kiln run 12h --seed 42 --condense");
  }
  expect(terminalSummary(model)).toContain("condensed 12h, seed 42");
});

test("what was left out for being short is never tested", () => {
  expect(model.neverTested).toContainEqual({
    what: "Memory drift",
    why: "drift takes hours, and the run was condensed",
  });
  const { neverTested } = buildReportModel(run);
  expect(neverTested).toContainEqual({ what: "Memory drift", why: "the scenario sets no objective" });
  const drawn = { ...run.plan, notDrawn: ["kill (chaos.faults[6])"] };
  expect(buildReportModel({ ...run, plan: drawn }).neverTested).toContainEqual({
    what: "Fault kill (chaos.faults[6])",
    why: "the chaos windows have no room for it",
  });
});

test("duty cycle and fault rate have a line each, asked beside measured, and none where there is nothing to say", () => {
  expect(keyNumbers(model).slice(-2)).toEqual([
    {
      name: "Duty cycle",
      value: "44.7 %",
      note: "of the windows' time under fault; asked 45.0 %, planned 45.0 %",
    },
    { name: "Fault rate", value: "20.5 %", note: "of a service's calls failed; asked 20.0 % (1 fault)" },
  ]);
  const summary = { ...run.verdict.summary, duty: null, faultRates: [] };
  const without = buildReportModel({ ...run, verdict: { ...run.verdict, summary } });
  expect(keyNumbers(without).map(({ name }) => name)).not.toContain("Duty cycle");
  expect(keyNumbers(without)).toHaveLength(keyNumbers(model).length - 2);
});
