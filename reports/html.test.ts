import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { drawStrip } from "./html/fault-strip.ts";
import { htmlRenderer } from "./html.ts";
import { buildReportModel } from "./model.ts";
import { sampleJourneys } from "./testing/sample-journeys.ts";
import { sampleRun } from "./testing/sample-run.ts";

const now = new Date(0);
const html = htmlRenderer.render(buildReportModel({ ...sampleRun({ outcome: "fail" }), now }));

test("the content policy holds the hash of each script and style, and of nothing else", () => {
  const policy =
    /Content-Security-Policy" content="([^"]+)"/
      .exec(html)?.[1]
      ?.replaceAll("&#x27;", "'")
      .replaceAll("&#x3D;", "=") ?? "";
  const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  const scripts = [...html.matchAll(/<script(?: type="module")?>([\s\S]*?)<\/script>/g)].map(
    ([, text = ""]) => hash(text),
  );
  const styles = [...html.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, text = ""]) => hash(text));
  expect(scripts).toHaveLength(5);
  expect(policy).toBe(
    `default-src 'none'; script-src ${scripts.join(" ")}; style-src ${styles.join(" ")}; img-src data:; base-uri 'none'; form-action 'none'`,
  );
});

test("nothing is loaded from elsewhere and no style or handler stands in the markup", () => {
  const markup = html.replaceAll(/<(script|style)[^>]*>[\s\S]*?<\/\1>/g, "");
  expect(markup).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  expect(markup).not.toMatch(/<link(?! rel="icon" href="data:,")/);
  expect(markup).not.toMatch(/ (?:style|on[a-z]+)=/);
});

test("without script the words are all there, in the order of the questions", () => {
  const words = html.replaceAll(/<(script|style)[^>]*>[\s\S]*?<\/\1>/g, "").replaceAll(/<[^>]+>/g, " ");
  const order = [
    "Do not release.",
    "Findings",
    "The run on one axis",
    "12,800 of 12,800 planned requests were started",
    "Faults",
    "19.4\u00A0s to 20.4\u00A0s",
    "Trends",
    "Never tested",
    "How it was run",
    "npx kiln run smoke --seed 42",
  ];
  const places = order.map((text) => words.lastIndexOf(text));
  expect(places.every((place) => place >= 0)).toBe(true);
  expect(words.indexOf("Do not release.")).toBeLessThan(words.indexOf("First failure 00:02:20.2"));
});

test("journeys: steps, and failures with their pictures as links into the run folder, their words as text", () => {
  const { plan, verdict, evidence } = sampleRun();
  const page = htmlRenderer.render(
    buildReportModel({ plan, verdict: { ...verdict, journeys: sampleJourneys }, evidence, now }),
  );
  expect(page).toContain("Browser journeys");
  expect(page).toContain('href="journeys/journey-0002.png"');
  expect(page).toContain("12 of 13 visits in calm succeeded");
  expect(page).toContain("&lt;b&gt;timeout&lt;/b&gt;");
  expect(page).toContain('href="#f07-kill"');
  expect(html).not.toContain("Browser journeys");
});

test("data in the data block cannot end it", () => {
  const { plan, verdict, evidence } = sampleRun();
  const faults = plan.faults.map((step, index) =>
    index === 0 ? { ...step, id: "f01-</script><script>alert(1)</script>" } : step,
  );
  const records = verdict.faults.map((record, index) =>
    index === 0 ? { ...record, id: faults[0]!.id } : record,
  );
  const text = htmlRenderer.render(
    buildReportModel({ plan: { ...plan, faults }, verdict: { ...verdict, faults: records }, evidence, now }),
  );
  expect(text).not.toContain("<script>alert");
  const block = /<script type="application\/json" id="report-data">(.*?)<\/script>/.exec(text)?.[1] ?? "";
  const data = JSON.parse(block) as { readonly bands: readonly { readonly label: string }[] };
  expect(data.bands.map(({ label }) => label)).toContain(faults[0]!.id);
});

test("48 hours stay below 6 MB", { timeout: 120_000 }, () => {
  const long = htmlRenderer.render(buildReportModel({ ...sampleRun({ durationMs: 48 * 3_600_000 }), now }));
  expect(Buffer.byteLength(long)).toBeLessThan(6_000_000);
});

test("instants are drawn to scale and their letters do not touch", () => {
  const record = sampleRun().verdict.faults.at(-1)!;
  const strip = drawStrip(record, 8_000);
  const at = (name: string): number => strip?.marks.find((mark) => mark.name === name)?.x ?? Number.NaN;
  expect(at("injected")).toBe(8);
  // 3.9 s after the plan's start, injected 4 ms late, on 396 units for 8 s.
  expect(at("recovered")).toBeCloseTo(8 + (3_896 / 8_000) * 396, 1);
  const letters = strip?.marks.map(({ letterX }) => letterX) ?? [];
  letters.slice(1).forEach((x, index) => expect(x - (letters[index] ?? 0)).toBeGreaterThanOrEqual(10.99));
  expect(drawStrip({ ...record, injected: null }, 8_000)).toBeNull();
});

test("a momentary fault has no healed of its own, unless Kiln had to rescue the stack", () => {
  const record = { ...sampleRun().verdict.faults.at(-1)!, healed: { atMs: 150_000, errorMs: 1 } };
  const letters = (rescued: boolean): string =>
    drawStrip({ ...record, rescued }, 20_000)
      ?.marks.map(({ letter }) => letter)
      .join("") ?? "";
  expect(letters(false)).toBe("IEDAR");
  expect(letters(true)).toBe("IEDARH");
});

test("the file opens in standards mode", () => {
  expect(html.startsWith("<!doctype html>\n<html")).toBe(true);
});
