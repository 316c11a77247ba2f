// The process that makes the journeys: `node child.ts '<ChildSettings as JSON>'`, started by the probe under `nice`. Writes a line for each into
// the run folder. Ends on SIGTERM, when the last journey is over, and within a second of the harness's death; the browser, which hangs on
// a pipe to this process, ends with it in any case.
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "playwright-core";
import { everyTick, systemClock } from "../../support/clock.ts";
import { messageOf } from "../../support/errors.ts";
import { KeptBrowser } from "./browser.ts";
import { resultsFileName, type ChildSettings, type Journey, type JourneyResult } from "./contract.ts";
import { visit } from "./visit.ts";

const settings = JSON.parse(process.argv[2] ?? "") as ChildSettings;
const { outDir, browserDir, firstMs, everyMs, untilMs, parentPid } = settings;
const lookAtParentMs = 1_000;
/** A journey that is late by less is still made: this process may be slow to start. */
const graceMs = everyMs / 4;
/** Pictures of later failures would only fill the disk. */
const mostPictures = 50;
/** A browser that could not be had so often in a row will not be. */
const mostBroken = 3;

const ending = new AbortController();
const end = (): void => ending.abort();
process.once("SIGTERM", end);
process.once("SIGINT", end);
void everyTick(
  lookAtParentMs,
  () => {
    if (process.ppid !== parentPid) end();
  },
  ending.signal,
);

const browser = new KeptBrowser(settings.chromium);
// A journey that is under way fails at once then, instead of keeping this process for as long as it may take.
ending.signal.addEventListener("abort", () => void browser.close());
let pictures = 0;
let broken = 0;

keepLow();
rmSync(browserDir, { recursive: true, force: true });
mkdirSync(browserDir, { mode: 0o700 });
try {
  const journey = await loadJourney();
  for (let number = nextNumber(); !ending.signal.aborted; number = Math.max(number + 1, nextNumber())) {
    const dueMs = firstMs + (number - 1) * everyMs;
    if (dueMs >= untilMs) break;
    await sleepUntil(dueMs);
    if (ending.signal.aborted) break;
    const result = await makeJourney(journey, number);
    // One that was cut off by the end of the run is none.
    if (!ending.signal.aborted) tell(result);
    broken = result.outcome === "no-browser" ? broken + 1 : 0;
    if (broken >= mostBroken) break;
  }
} finally {
  end();
  await browser.close();
  rmSync(browserDir, { recursive: true, force: true });
}

/** The journey that is due next: one whose time passed while nobody was here is left out. */
function nextNumber(): number {
  return Math.max(1, Math.ceil((systemClock.nowMs() - graceMs - firstMs) / everyMs) + 1);
}

async function sleepUntil(atMs: number): Promise<void> {
  try {
    await systemClock.sleepUntil(atMs, ending.signal);
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  }
}

/** What goes wrong with the browser is not held against the page. */
async function makeJourney(journey: Journey, number: number): Promise<JourneyResult> {
  const startMs = systemClock.nowMs();
  try {
    await browser.ready();
    ending.signal.throwIfAborted();
    const result = await browser.withPage((page) => onPage(journey, page, number));
    const isBroken = !browser.isConnected || /\bcrashed\b/.test(result.error ?? "");
    return result.outcome === "failed" && isBroken ? { ...result, outcome: "no-browser" } : result;
  } catch (error) {
    return {
      number,
      atMonotonicMs: startMs,
      outcome: "no-browser",
      tookMs: Math.round(systemClock.nowMs() - startMs),
      pageMs: null,
      steps: [],
      error: `no page could be had of the browser: ${messageOf(error)}`.slice(0, 1_000),
    };
  }
}

function onPage(journey: Journey, page: Page, number: number): Promise<JourneyResult> {
  return visit({
    journey,
    page,
    url: settings.url,
    id: `${settings.runId}-${number}`.replaceAll(/[^A-Za-z0-9-]+/g, "-"),
    number,
    withinMs: settings.withinMs,
    picture: (signal) => takePicture(page, number, signal),
    clock: systemClock,
  });
}

/** Whole lines only: the probe may be reading, and another child of this run may go on after this one. */
function tell(result: JourneyResult): void {
  appendFileSync(join(outDir, resultsFileName), `${JSON.stringify(result)}\n`);
}

async function takePicture(page: Page, number: number, signal: AbortSignal): Promise<string | undefined> {
  if (pictures >= mostPictures || ending.signal.aborted) return undefined;
  const name = `journey-${String(number).padStart(4, "0")}.png`;
  const over = Promise.withResolvers<undefined>();
  signal.addEventListener("abort", () => over.resolve(undefined), { once: true });
  try {
    const bytes = await Promise.race([page.screenshot({ animations: "disabled" }), over.promise]);
    if (bytes === undefined) return undefined;
    writeFileSync(join(outDir, name), bytes);
  } catch {
    return undefined; // the page is beyond pictures; its error says more
  }
  pictures += 1;
  return name;
}

async function loadJourney(): Promise<Journey> {
  const loaded = (await import(pathToFileURL(settings.script).href)) as { readonly default?: unknown };
  if (typeof loaded.default === "function") return loaded.default as Journey;
  throw new Error(
    `${settings.script}: expected a journey as default export, such as \`export default journey\``,
  );
}

/**
 * `nice` alone says how this process ranks within its own session; where the kernel groups processes by session, the group has a value of
 * its own (sched(7), autogroup), which its members share.
 */
function keepLow(): void {
  try {
    writeFileSync("/proc/self/autogroup", "19");
  } catch {
    // No such grouping here, or no Linux: then nice is all there is, and enough.
  }
}
