// The probe with a child that writes what it is told to, in place of the one with the browser: what the probe does with results, an absent
// browser, a child that dies and a harness that takes over.
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { JournalBody } from "../journal/events.ts";
import { deadline, systemClock } from "../support/clock.ts";
import type { SpawnRequest, Spawned } from "../support/spawner.ts";
import { journeyProbes } from "./browser-journey.ts";
import type { ChildSettings, JourneyResult } from "./journey/contract.ts";
import type { ProbeContext } from "./probe.ts";

let runDir: string;
beforeEach(() => {
  runDir = mkdtempSync(join(tmpdir(), "kiln-journal-"));
});
afterEach(() => rmSync(runDir, { recursive: true, force: true }));

interface Child {
  readonly settings: ChildSettings;
  readonly request: SpawnRequest;
  end(code: number): Promise<void>;
}

function start(changes: { chromium?: string | null; known?: number; zeroMs?: number | null } = {}) {
  const children: Child[] = [];
  const journal: (JournalBody & { atMs: number | undefined })[] = [];
  const samples: [name: string, atMs: number, value: number][] = [];
  const spawn = (request: SpawnRequest): Promise<Spawned> => {
    const { promise: exited, resolve } = Promise.withResolvers<Awaited<Spawned["exited"]>>();
    const end = async (code: number): Promise<void> => {
      resolve({ code, signal: null });
      await exited;
    };
    children.push({ settings: JSON.parse(request.args.at(-1) ?? "") as ChildSettings, request, end });
    // No living process has this identity: signals go nowhere.
    const identity = { pid: 1, startTicks: -1, bootId: "none" };
    return Promise.resolve({ name: request.name, identity, child: undefined as never, exited });
  };
  const zero = { planMs: changes.zeroMs === undefined ? 60_000 : changes.zeroMs };
  const context = {
    stack: { origin: (service: string) => `http://127.0.0.1:1/${service}` },
    journal: { write: (body: JournalBody, atMs?: number) => journal.push({ ...body, atMs }) },
    samples: {
      sample: (name: string, _unit: string, atMs: number, value: number) => samples.push([name, atMs, value]),
    },
    clock: systemClock,
    zeroMonotonicMs: 50_000,
    runDir,
    ...(changes.known === undefined
      ? {}
      : { seen: { processes: new Map(), watchdogLines: 0, journeys: changes.known } }),
    journeys: {
      plan: {
        durationMs: 600_000,
        warmUpMs: 8_000,
        journeys: { script: "journeys/web.ts", service: "web", everyMs: 60_000, succeed: 0.95 },
      },
      scriptPath: "/scenarios/journeys/web.ts",
      chromium: changes.chromium === undefined ? "/usr/bin/chromium" : changes.chromium,
      spawn,
      planZeroMs: () => zero.planMs,
    },
  } as unknown as ProbeContext;
  const [probe] = journeyProbes(context);
  const look = async (): Promise<void> => probe!.look(0, deadline(1_000));
  return { probe: probe!, look, children, journal, samples, zero };
}

const right: JourneyResult = {
  number: 1,
  atMonotonicMs: 68_000,
  outcome: "ok",
  tookMs: 900,
  pageMs: 210,
  steps: [{ name: "load the page", tookMs: 210 }],
};

function tell(...results: readonly (JourneyResult | string)[]): void {
  mkdirSync(join(runDir, "journeys"), { recursive: true });
  for (const result of results)
    appendFileSync(
      join(runDir, "journeys", "journeys.ndjson"),
      `${typeof result === "string" ? result : JSON.stringify(result)}\n`,
    );
}

test("there is none where the plan asks for none", () => {
  expect(journeyProbes({} as ProbeContext)).toEqual([]);
});

test("starts its child with the load, at low priority, on the plan's grid, with a place of its own for the browser", async () => {
  const { look, children, zero } = start({ zeroMs: null });
  await look();
  expect(children).toEqual([]);
  zero.planMs = 60_000;
  await look();
  await look();
  expect(children).toHaveLength(1);
  const { settings, request } = children[0]!;
  expect([request.command, ...request.args.slice(0, 2)]).toEqual(["nice", "-n", "19"]);
  expect(settings).toMatchObject({
    script: "/scenarios/journeys/web.ts",
    url: "http://127.0.0.1:1/web",
    runId: basename(runDir),
    outDir: join(runDir, "journeys"),
    firstMs: 68_000,
    everyMs: 60_000,
    untilMs: 660_000,
    withinMs: 45_000,
    parentPid: process.pid,
  });
  expect(request.env).toEqual({ HOME: settings.browserDir, TMPDIR: settings.browserDir });
  expect(request.folders).toEqual([settings.browserDir]);
  // A browser makes a socket some 60 characters below it, and no socket's path may be longer than 107.
  expect(settings.browserDir.length).toBeLessThan(45);
});

test("copies results at their own time into journal and samples", async () => {
  const { look, journal, samples } = start();
  await look();
  const picture = { failedAt: "create", error: "no answer", screenshot: "journey-0002.png" };
  tell(right, {
    ...right,
    number: 2,
    atMonotonicMs: 128_000,
    outcome: "failed",
    pageMs: null,
    steps: [],
    ...picture,
  });
  tell("not a result", { ...right, number: 3, outcome: "no-browser", pageMs: null });
  await look();
  expect(journal).toMatchObject([
    { type: "journey", service: "web", number: 1, outcome: "ok", atMs: 18_000 },
    { type: "journey", number: 2, failedAt: "create", screenshot: "journeys/journey-0002.png", atMs: 78_000 },
    { type: "note", level: "warning" },
    { type: "journey", number: 3, outcome: "no-browser" },
  ]);
  expect(samples).toEqual([
    ["journey.web.total", 18_000, 900],
    ["journey.web.page", 18_000, 210],
    ["journey.web.total", 78_000, 900],
  ]);
});

test("what another harness has journalled is not told again", async () => {
  tell(right, { ...right, number: 2 });
  const { look, journal } = start({ known: 1 });
  await look();
  expect(journal).toMatchObject([{ type: "journey", number: 2 }]);
});

test("without a browser it says so once and starts nothing", async () => {
  const { look, children, journal } = start({ chromium: null });
  await look();
  await look();
  expect(children).toEqual([]);
  expect(journal).toHaveLength(1);
  expect(journal[0]).toMatchObject({ type: "journey", number: 0, outcome: "no-browser" });
  expect(JSON.stringify(journal[0])).toContain("KILN_CHROMIUM");
});

test("a child that dies is started again, not for ever; one that has come to its end is not", async () => {
  const dying = start();
  for (let death = 1; death <= 6; death += 1) {
    await dying.look();
    await dying.children.at(-1)!.end(1);
  }
  expect(dying.children).toHaveLength(4);
  expect(dying.journal.map(({ type }) => type)).toEqual(["note", "note", "note", "journey"]);
  expect(dying.journal.at(-1)).toMatchObject({ outcome: "no-browser" });

  const done = start();
  await done.look();
  await done.children[0]!.end(0);
  await done.look();
  expect(done.children).toHaveLength(1);
  expect(done.journal).toEqual([]);
});

test("ends its child with the run, removes the browser's folder, and starts none afterwards", async () => {
  const { probe, look, children } = start();
  await look();
  const { settings, end } = children[0]!;
  mkdirSync(settings.browserDir, { recursive: true });
  const closed = probe.close!();
  await end(0);
  await closed;
  expect(existsSync(settings.browserDir)).toBe(false);
  await look();
  expect(children).toHaveLength(1);
});
