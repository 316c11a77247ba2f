// Drills in the model and in each report that shows them.
import { expect, test } from "vitest";
import { htmlRenderer } from "./html.ts";
import { markdownRenderer } from "./markdown.ts";
import { buildReportModel } from "./model.ts";
import type { ReportModel } from "./model-types.ts";
import { sampleDrills } from "./testing/sample-drills.ts";
import { sampleRun } from "./testing/sample-run.ts";

function model(): ReportModel {
  const { plan, verdict, evidence } = sampleRun();
  const { steps, records, findings } = sampleDrills;
  return buildReportModel({
    plan: { ...plan, drills: steps },
    verdict: { ...verdict, drills: records, findings: [...verdict.findings, ...findings] },
    evidence,
    now: new Date("2026-11-21T03:40:00Z"),
  });
}
const without = (): ReportModel => buildReportModel(sampleRun());

test("each drill is a row with its times and judgement, and what ran a band of the time axis", () => {
  const { drills, bands } = model();
  expect(drills).toMatchObject([
    { asked: "key limits.x, value 20", doneInMs: 1_400, undoneInMs: 1_100, finding: { status: "pass" } },
    { record: { failedRequests: 3 }, finding: { status: "fail" } },
    { doneInMs: null, undoneInMs: null, finding: { status: "inconclusive" } },
  ]);
  expect(bands.filter(({ kind }) => kind === "drill")).toEqual([
    { kind: "drill", fromMs: 15_000, toMs: 24_100, short: "d01", label: "d01-config-update" },
    { kind: "drill", fromMs: 40_000, toMs: 49_100, short: "d02", label: "d02-backup-restore" },
  ]);
  expect(without().drills).toEqual([]);
});

test("their figures stand beside their targets and no longer under what was never tested", () => {
  const { targets, neverTested } = model();
  expect(targets.slice(-2)).toEqual([
    {
      name: "Roll-back of a configuration by an operator",
      target: "under 5 min",
      measured: "1.10 s",
      met: true,
    },
    { name: "Backup and restore", target: "100 %", measured: "0 of 1", met: false },
  ]);
  const what = neverTested.map((one) => `${one.what}: ${one.why}`);
  expect(what.filter((text) => /Roll-back|Backup and restore/.test(text))).toEqual([]);
  expect(what).toContain("Drill d03-blue-green: not carried out: it did not run");
  const bare = without();
  expect(bare.targets.map(({ name }) => name)).not.toContain("Backup and restore");
  expect(bare.neverTested).toEqual(
    expect.arrayContaining([
      {
        what: "Roll-back of a configuration by an operator (target: under 5 min)",
        why: "the plan holds no such drill (config-update)",
      },
      { what: "Backup and restore (target: 100 %)", why: "the plan holds no such drill (backup-restore)" },
    ]),
  );
});

test("a drill that was planned and gave no figure leaves its line where it was", () => {
  const { plan, verdict, evidence } = sampleRun();
  const [, , missed] = sampleDrills.records;
  const unmade = { ...missed, drill: "config-update" };
  const built = buildReportModel({
    plan: { ...plan, drills: sampleDrills.steps },
    verdict: { ...verdict, drills: [unmade] },
    evidence,
  });
  expect(built.neverTested).toContainEqual({
    what: "Roll-back of a configuration by an operator (target: under 5 min)",
    why: "its drill (config-update) gave no figure",
  });
});

test("Markdown has them in a table", () => {
  const text = markdownRenderer.render(model());
  expect(text).toContain("| Drill | At | Done in | Seen in force | Undone in | Failed requests | Result |");
  expect(text).toContain("| d01-config-update | 00:00:15 | 1.40 s | yes | 1.10 s | 0 | ✔ pass |");
  expect(text).toContain("| d02-backup-restore | 00:00:40 | 1.40 s | no | 1.10 s | 3 | ✘ fail |");
  expect(text).toContain("| Drills | 1 of 3 |");
  expect(markdownRenderer.render(without())).not.toContain("Drill");
});

test("the page has a section for them, with their words as text, and none without", () => {
  const page = htmlRenderer.render(model());
  expect(page).toContain('<a href="#drills">Drills</a>');
  expect(page).toMatch(/<tr id="d01-config-update">/);
  expect(page).toContain("seen not to be in force");
  expect(page).toContain("3 drills, 1 of them as planned.");
  expect(page).toContain("&lt;b&gt;in words&lt;/b&gt;");
  expect(page).not.toContain("<b>in words</b>");
  expect(htmlRenderer.render(without())).not.toContain('id="drills"');
});
