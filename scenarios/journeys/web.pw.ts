// The journey of web.ts as a run makes it: by the process that the harness starts, in a real browser, against the real page before a small
// gateway. What it writes down, what it leaves behind, and that it ends when nobody is there any more.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@playwright/test";
import { test } from "../../fixtures/stack/web/testing/around-page.ts";
import {
  resultsFileName,
  type ChildSettings,
  type JourneyResult,
} from "../../harness/probes/journey/contract.ts";
import { monotonicMs } from "../../harness/support/clock.ts";
import { allPids, commandLine } from "../../harness/support/process-identity.ts";
import { projectRoot } from "../../harness/support/tools.ts";

interface Running {
  readonly child: ChildProcess;
  readonly settings: ChildSettings;
  results(): JourneyResult[];
}

let folder: string;
test.beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kiln-journal-"));
});
test.afterEach(() => rmSync(folder, { recursive: true, force: true }));

function start(url: string, chromium: string, changes: Partial<ChildSettings> = {}): Running {
  const settings: ChildSettings = {
    script: join(projectRoot, "scenarios/journeys/web.ts"),
    url,
    runId: "20261121-micro-1",
    chromium,
    outDir: folder,
    browserDir: join(folder, "b"),
    firstMs: monotonicMs(),
    everyMs: 3_000,
    untilMs: monotonicMs() + 600_000,
    withinMs: 8_000,
    parentPid: process.pid,
    ...changes,
  };
  const child = spawn(
    "nice",
    [
      "-n",
      "19",
      process.execPath,
      join(projectRoot, "harness/probes/journey/child.ts"),
      JSON.stringify(settings),
    ],
    {
      cwd: folder,
      env: { ...process.env, HOME: settings.browserDir, TMPDIR: settings.browserDir },
      stdio: "inherit",
    },
  );
  const results = (): JourneyResult[] => {
    const file = join(folder, resultsFileName);
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line) as JourneyResult);
  };
  return { child, settings, results };
}

/** Processes of the browser that lives in that folder. */
function browsersIn(browserDir: string): string[] {
  return allPids()
    .map((pid) => commandLine(pid))
    .filter((command) => command.includes(`--user-data-dir=${browserDir}`));
}

test("visits the page again and again in one browser; a failure is named and shown; nothing is left behind", async ({
  gateway,
  web,
  launchOptions,
}) => {
  test.slow();
  const { child, settings, results } = start(web.url, launchOptions.executablePath ?? "");
  const ended = once(child, "exit");
  await expect.poll(() => results().length, { timeout: 30_000 }).toBeGreaterThanOrEqual(2);
  for (const result of results()) {
    expect(result, result.error).toMatchObject({ outcome: "ok" });
    expect(result.steps.map(({ name }) => name)).toEqual([
      "load the page",
      "register",
      "create",
      "see it in the list",
      "see a live update",
    ]);
    expect(result.pageMs).toBe(result.steps[0]?.tookMs);
  }
  const browsers = new Set(browsersIn(settings.browserDir).map((command) => command.split(" ")[0]));
  expect(browsers.size).toBe(1);

  gateway.isMute = true;
  const failure = (): JourneyResult | undefined => results().find(({ outcome }) => outcome === "failed");
  await expect.poll(failure, { timeout: 30_000 }).toBeDefined();
  expect(failure()).toMatchObject({ failedAt: "see a live update" });
  const picture = readFileSync(join(folder, failure()?.screenshot ?? ""));
  expect(picture.subarray(1, 4).toString("latin1")).toBe("PNG");
  gateway.isMute = false;
  const number = failure()?.number ?? 0;
  await expect
    .poll(() => results().some((one) => one.number > number && one.outcome === "ok"), { timeout: 30_000 })
    .toBe(true);

  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  expect(existsSync(settings.browserDir)).toBe(false);
  expect(browsersIn(settings.browserDir)).toEqual([]);
  const names = readdirSync(folder).filter((name) => name !== resultsFileName);
  expect(names.every((name) => /^journey-\d+\.png$/.test(name))).toBe(true);
});

test("ends with the browser, and cleans up, when its parent is gone", async ({ web, launchOptions }) => {
  // Started as by a harness that has died since: its parent is another process than it was told.
  const { child, settings } = start(web.url, launchOptions.executablePath ?? "", { parentPid: 1 });
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
  expect(existsSync(settings.browserDir)).toBe(false);
  expect(browsersIn(settings.browserDir)).toEqual([]);
});

test("a browser that cannot be started is told three times, and then no more is tried", async ({ web }) => {
  const { child, results } = start(web.url, "/nonexistent/chromium", { everyMs: 200 });
  expect(((await once(child, "exit")) as [number | null])[0]).toBe(0);
  expect(results().map(({ outcome }) => outcome)).toEqual(["no-browser", "no-browser", "no-browser"]);
  expect(results()[0]?.error).toContain("no page could be had of the browser");
});

test("a browser that is killed is no failure of the page, and the next journey has another", async ({
  web,
  launchOptions,
}) => {
  const { child, settings, results } = start(web.url, launchOptions.executablePath ?? "");
  await expect.poll(() => results().length, { timeout: 30_000 }).toBeGreaterThanOrEqual(1);
  const mains = allPids().filter(
    (pid) =>
      commandLine(pid).includes(`--user-data-dir=${settings.browserDir}`) &&
      !commandLine(pid).includes("--type="),
  );
  for (const pid of mains) process.kill(pid, "SIGKILL");
  const known = results().length;
  await expect
    .poll(
      () =>
        results()
          .slice(known)
          .some(({ outcome }) => outcome === "ok"),
      { timeout: 30_000 },
    )
    .toBe(true);
  expect(results().map(({ outcome }) => outcome)).not.toContain("failed");
  child.kill("SIGTERM");
  await once(child, "exit");
});
