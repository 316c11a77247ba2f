import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { registerSecret } from "../harness/support/redact.ts";
import { renderAll, renderers } from "./index.ts";
import { buildReportModel } from "./model.ts";
import type { Renderer } from "./renderer.ts";
import { sampleRun } from "./testing/sample-run.ts";

const folder = mkdtempSync(join(tmpdir(), "kiln-reports-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const hostile = `</script><img src=x onerror=alert(1)> & "quoted" 'it' | @all \`x\` \u0007 ]]>`;
const model = buildReportModel({ ...sampleRun({ outcome: "fail" }), now: new Date(0) });

function place(name: string): string {
  const dir = join(folder, name);
  mkdirSync(dir);
  return dir;
}

test("writes every report whole and leaves no temporary file", async () => {
  const dir = place("all");
  await renderAll(model, dir);
  expect(readdirSync(dir).toSorted()).toEqual(["junit.xml", "report.html", "report.json", "report.md"]);
  expect(JSON.parse(readFileSync(join(dir, "report.json"), "utf8"))).toEqual(
    JSON.parse(JSON.stringify(model)),
  );
});

test("a renderer that throws is named, and the others are still written", async () => {
  const dir = place("one-fails");
  const broken: Renderer = {
    name: "broken",
    file: "broken.txt",
    render: () => {
      throw new TypeError("no such column");
    },
  };
  await expect(renderAll(model, dir, [broken, ...renderers])).rejects.toThrow("broken.txt: no such column");
  expect(readdirSync(dir)).toHaveLength(renderers.length);
});

test("a folder that is not there is an error, not silence", async () => {
  await expect(renderAll(model, join(folder, "missing"))).rejects.toThrow("report.html: ENOENT");
});

test("secrets are gone from every report", async () => {
  const dir = place("secrets");
  registerSecret("hunter2-hunter2");
  await renderAll(
    { ...model, because: "login with hunter2-hunter2 at redis://kiln:pa55word@127.0.0.1 failed" },
    dir,
  );
  for (const name of readdirSync(dir)) {
    const text = readFileSync(join(dir, name), "utf8");
    expect(text, name).not.toContain("hunter2-hunter2");
    expect(text, name).not.toContain("pa55word");
  }
});

// The contract of every renderer in the table.
test.each(renderers)("$name: shows the verdict, takes any run, and reads data as text", ({ render }) => {
  expect(render(model)).toContain("f07-kill");
  for (const options of [
    {},
    { load: false },
    { faults: false },
    { endMs: 70_000 },
    { outcome: "inconclusive" },
    { longNames: true },
  ] as const) {
    expect(render(buildReportModel(sampleRun(options))).length).toBeGreaterThan(500);
  }
  const { plan, verdict, evidence } = sampleRun({ outcome: "fail" });
  const findings = verdict.findings.map((finding) => ({ ...finding, title: hostile, detail: hostile }));
  const text = render(
    buildReportModel({
      plan: { ...plan, scenario: hostile, description: hostile },
      verdict: { ...verdict, because: hostile, findings },
      evidence,
    }),
  );
  // JSON, and what stands in a code span of Markdown, is text already.
  const markup = text.startsWith("{") ? "" : text.replaceAll(/`[^`\n]+`/g, "");
  expect(markup).not.toContain("<img");
});
