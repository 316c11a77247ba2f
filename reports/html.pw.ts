// The HTML report in a real browser, opened from disk with the network shut: verdict visible, charts drawn, links zoom, nothing is
// fetched, nothing is complained about, and a reader without mouse, colours or script still gets the answer.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test, type Page } from "@playwright/test";
import { htmlRenderer } from "./html.ts";
import { buildReportModel } from "./model.ts";
import type { SampleOptions } from "./testing/sample-plan.ts";
import { sampleRun } from "./testing/sample-run.ts";

interface Watched {
  readonly requests: string[];
  readonly complaints: string[];
}

/** Opens a sample report; every request but that for the file itself is refused and kept, as is whatever the console says. */
async function open(
  page: Page,
  dir: string,
  options: SampleOptions,
  rewrite = (html: string): string => html,
): Promise<Watched> {
  mkdirSync(dir, { recursive: true });
  const file = join(dir, "report.html");
  const url = pathToFileURL(file).href;
  writeFileSync(
    file,
    rewrite(htmlRenderer.render(buildReportModel({ ...sampleRun(options), now: new Date(0) }))),
  );
  const watched: Watched = { requests: [], complaints: [] };
  page.on("console", (message) => watched.complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => watched.complaints.push(error.message));
  await page.route("**/*", (route) => {
    if (route.request().url() === url) return route.continue();
    watched.requests.push(route.request().url());
    return route.abort();
  });
  await page.goto(url);
  return watched;
}

/** Number of different colours in the canvas of a chart; an empty canvas has one. */
function coloursOf(page: Page, chart: string): Promise<number> {
  return page.locator(`#${chart}-plot canvas`).evaluate((canvas: HTMLCanvasElement) => {
    const pixels = new Uint32Array(
      canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data.buffer ??
        new ArrayBuffer(0),
    );
    return new Set(pixels).size;
  });
}

const charts = ["load", "latency", "failures", "memory", "cpu"];

test("opens from disk: verdict and reason first, charts drawn, nothing fetched, nothing complained about", async ({
  page,
}, info) => {
  const watched = await open(page, info.outputDir, { outcome: "fail" });
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/fail\s+Do not release\./);
  await expect(page.getByText("needed between 19.4\u00A0s and 20.4\u00A0s to recover")).toBeInViewport();
  for (const chart of charts) expect(await coloursOf(page, chart), chart).toBeGreaterThan(8);
  await expect(page.locator("#lanes text", { hasText: "f07-kill" })).toBeVisible();
  expect(watched).toEqual({ requests: [], complaints: [] });
});

test("the content policy holds: a script that was smuggled in does not run", async ({ page }, info) => {
  const watched = await open(page, info.outputDir, {}, (html) =>
    html.replace(
      "</main>",
      "<script>document.title = 'owned'</script><img src='https://example.com/x.png'></main>",
    ),
  );
  await expect(page.locator("#load-plot canvas")).toBeVisible();
  expect(await page.title()).toContain("pass: smoke");
  expect(watched.complaints.join("\n")).toContain("Content Security Policy");
  expect(watched.requests).toEqual([]);
});

test("the time range of a finding zooms every chart; the keyboard does it too and goes back", async ({
  page,
}, info) => {
  const watched = await open(page, info.outputDir, { outcome: "fail" });
  await expect(page.locator("#shown")).toHaveText("the whole run");
  const before = await page
    .locator("#memory-plot canvas")
    .evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL());
  await page.locator("#findings a.range").first().click();
  await expect(page.locator("#shown")).toHaveText(/^00:02:1\d(\.\d)? to 00:02:4\d(\.\d)?$/);
  await expect(page.locator("#run-h")).toBeInViewport();
  await expect
    .poll(() =>
      page.locator("#memory-plot canvas").evaluate((canvas: HTMLCanvasElement) => canvas.toDataURL()),
    )
    .not.toBe(before);
  await expect(page.getByRole("button", { name: "Whole run" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("#shown")).toHaveText("the whole run");
  await page.getByRole("button", { name: "Zoom in" }).focus();
  await page.keyboard.press("Space");
  await expect(page.locator("#shown")).toHaveText("00:00:45 to 00:02:15");
  await page.getByRole("button", { name: "Later" }).press("Enter");
  await expect(page.locator("#shown")).toHaveText("00:01:30 to 00:03:00");
  expect(watched.complaints).toEqual([]);
});

test("dragging in one chart zooms all; the cursor in one shows the values of all", async ({ page }, info) => {
  await open(page, info.outputDir, {});
  const plot = page.locator("#load-plot .u-over");
  await plot.scrollIntoViewIfNeeded();
  const box = await plot.boundingBox();
  if (box === null) throw new Error("the load chart has no place on the page");
  const y = box.y + box.height / 2;
  await page.mouse.move(box.x + box.width * 0.25, y);
  await expect(page.locator("#cpu-legend b").first()).toHaveText(/^\d+ %$/);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.75, y, { steps: 4 });
  await page.mouse.up();
  await expect(page.locator("#shown")).toHaveText(/^00:00:4\d(\.\d)? to 00:02:1\d(\.\d)?$/);
  await plot.dblclick();
  await expect(page.locator("#shown")).toHaveText("the whole run");
});

test("headings go down in steps, every graphic and table has a name, ids are single", async ({
  page,
}, info) => {
  await open(page, info.outputDir, { outcome: "inconclusive" });
  const levels = await page
    .locator("h1, h2, h3, h4")
    .evaluateAll((nodes) => nodes.map((node) => Number(node.tagName.slice(1))));
  expect(levels[0]).toBe(1);
  levels.slice(1).forEach((level, index) => expect(level - (levels[index] ?? 0)).toBeLessThanOrEqual(1));
  const unnamed = await page.evaluate(
    () =>
      [...document.querySelectorAll('[role="img"]')].filter(
        (node) => (node.getAttribute("aria-label") ?? "").length < 10,
      ).length,
  );
  expect(unnamed).toBe(0);
  expect(
    await page
      .locator("section > table:not(:has(caption)), details > table.stack:not(:has(caption))")
      .count(),
  ).toBe(0);
  const ids = await page.locator("[id]").evaluateAll((nodes) => nodes.map((node) => node.id));
  expect(new Set(ids).size).toBe(ids.length);
  expect(await page.getAttribute("html", "lang")).toBe("en");
  expect(await page.evaluate(() => document.compatMode)).toBe("CSS1Compat");
});

for (const [name, options] of Object.entries<SampleOptions>({
  "no load": { load: false },
  "no faults": { faults: false },
  "a partial run": { endMs: 70_000 },
  "very long names": { longNames: true, outcome: "fail" },
})) {
  test(`${name}: whole at 390 px, dark, without complaint or sideways scrolling`, async ({ page }, info) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme: "dark" });
    const watched = await open(page, info.outputDir, options);
    await expect(page.locator("#load-plot canvas")).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    expect(watched).toEqual({ requests: [], complaints: [] });
  });
}

test("48 hours with 168 faults: charts drawn, a folded fault is found by its link and zooms", async ({
  page,
}, info) => {
  test.slow();
  const watched = await open(page, info.outputDir, { durationMs: 48 * 3_600_000 });
  expect(await coloursOf(page, "latency")).toBeGreaterThan(8);
  await page.goto(`${page.url()}#f168-kill`);
  await expect(page.locator("#f168-kill")).toBeInViewport();
  await page.locator("#f168-kill a.range").click();
  await expect(page.locator("#lanes text", { hasText: "f168-kill" })).toBeVisible();
  expect(watched.complaints).toEqual([]);
});

test("without script all words and tables are there", async ({ browser }, info) => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await open(page, info.outputDir, { outcome: "fail" });
  await expect(page.getByText("The charts need JavaScript.")).toBeVisible();
  await expect(page.getByText("12,800 of 12,800 planned requests were started")).toBeVisible();
  await expect(page.locator("#faults tbody tr[id]")).toHaveCount(7);
  await expect(page.locator("#faults svg")).toHaveCount(7);
  await context.close();
});
