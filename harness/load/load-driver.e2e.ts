// The driver with the real k6 against small real servers: accounts, arrivals at the boundary, a hanging target, a killed k6.
import { spawn as spawnChild } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { JournalBody, JournalEvent, JournalWriter, SegmentAccounts } from "../journal/events.ts";
import type { LoadCell, LoadSecond } from "../journal/evidence.ts";
import type { SampleWriter } from "../journal/sample-writer.ts";
import type { LoadSegment, Plan } from "../plan/plan.ts";
import { deadline, eventually, everyTick, systemClock } from "../support/clock.ts";
import { identify } from "../support/process-identity.ts";
import type { Spawner } from "../support/spawner.ts";
import { loadTools, projectRoot } from "../support/tools.ts";
import { freePort } from "../support/free-ports.ts";
import { slotMs } from "./grid.ts";
import { createLoadDriver, type LoadDriver, type LoadDriverOptions } from "./load-driver.ts";

const never = new AbortController().signal;
let workDir: string;
const servers: Server[] = [];

beforeEach(() => {
  workDir = mkdtempSync(join(tmpdir(), "kiln-load-"));
});

afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(workDir, { recursive: true, force: true });
});

/** Spawns without a ledger; stderr goes to a file of the work folder. */
const spawner: Spawner = async ({ name, command, args, env, cwd }) => {
  const logFile = join(workDir, `${name}.log`);
  const log = openSync(logFile, "a");
  const { PATH = "", HOME = "" } = process.env;
  const child = spawnChild(command, args, {
    cwd,
    env: { PATH, HOME, ...env },
    stdio: ["ignore", "pipe", log],
  });
  closeSync(log);
  await once(child, "spawn");
  const identity = identify(child.pid ?? 0);
  if (identity === undefined) throw new Error(`${name} was gone at once`);
  const exited = once(child, "close").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }));
  return { name, identity, child, logFile, exited };
};

/** A server that answers as the gateway would, or never; arrivals are stamped on the monotonic clock. */
async function startServer(
  answers: boolean,
): Promise<{ url: string; arrivalsMs: number[]; createdIds: string[] }> {
  const arrivalsMs: number[] = [];
  const createdIds: string[] = [];
  const server = createServer((request, response) => {
    arrivalsMs.push(systemClock.nowMs());
    request.resume();
    if (!answers) return;
    const id = /frameworks\/([^?]+)/.exec(request.url ?? "")?.[1] ?? "none";
    if (request.method === "PUT") createdIds.push(id);
    const created = request.method === "PUT" || request.url?.endsWith("/register") === true;
    response.writeHead(created ? 201 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify({ id }));
  });
  const port = await freePort(`load ${process.pid}`);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return { url: `http://127.0.0.1:${port}`, arrivalsMs, createdIds };
}

function segment(
  index: number,
  startMs: number,
  endMs: number,
  rps: number,
  users = Math.ceil(1.25 * rps * 2),
): LoadSegment {
  const usersNeeded = Math.ceil(1.25 * rps * 2);
  return {
    index,
    kind: "steady",
    startMs,
    endMs,
    rps,
    starts: ((endMs - startMs) * rps) / 1_000,
    usersNeeded,
    users,
  };
}

function planOf(segments: readonly LoadSegment[], timeoutMs = 2_000): Plan {
  const durationMs = segments.at(-1)?.endMs ?? 0;
  return {
    v: 1,
    plannerVersion: 1,
    scenario: "load-test",
    description: "",
    seed: "7",
    hash: "",
    durationMs,
    preflightMs: 0,
    warmUpMs: 0,
    load: { script: "load/gateway.ts", timeoutMs, segments },
    windows: [],
    faults: [],
    budget: { allowedMs: null, plannedMs: 0 },
    objectives: {},
    stopWhen: { unavailableForMs: null },
    stack: { name: "none", driver: "processes", services: [], links: [] } as unknown as Plan["stack"],
  };
}

interface Recorded {
  readonly journal: JournalWriter;
  readonly samples: SampleWriter;
  readonly events: JournalEvent[];
  readonly cells: Map<string, LoadCell>;
  readonly seconds: Map<number, LoadSecond>;
}

function recorder(): Recorded {
  const events: JournalEvent[] = [];
  const cells = new Map<string, LoadCell>();
  const seconds = new Map<number, LoadSecond>();
  const journal: JournalWriter = {
    write(body: JournalBody, atMs = systemClock.nowMs()) {
      const written: JournalEvent = { seq: events.length, atMs, ...body };
      events.push(written);
      return written;
    },
    close: () => undefined,
  };
  const samples: SampleWriter = {
    sample: () => undefined,
    cell: (cell) => void cells.set(`${cell.second} ${cell.route} ${cell.outcome}`, cell),
    second: (second) => void seconds.set(second.second, second),
    commit: () => undefined,
    close: () => undefined,
  };
  return { journal, samples, events, cells, seconds };
}

function driverOf(
  plan: Plan,
  url: string,
  { journal, samples }: Recorded,
  scriptPath = join(projectRoot, "scenarios/load/gateway.ts"),
  more: Pick<LoadDriverOptions, "from"> = {},
): LoadDriver {
  return createLoadDriver({
    plan,
    scriptPath,
    targetUrl: url,
    spawn: spawner,
    k6: loadTools().k6,
    journal,
    samples,
    clock: systemClock,
    workDir,
    ...more,
  });
}

/** Runs the plan with a flush a second, as the conductor does. */
async function drive(
  driver: LoadDriver,
  signal = never,
): Promise<{ zeroMs: number; accounts: readonly SegmentAccounts[] }> {
  await driver.prepare();
  const zeroMs = systemClock.nowMs() + 300;
  const flushing = new AbortController();
  const flushed = everyTick(1_000, () => driver.flush(), flushing.signal);
  try {
    return { zeroMs, accounts: await driver.run(zeroMs, signal) };
  } finally {
    flushing.abort();
    await flushed;
  }
}

function closes(accounts: SegmentAccounts): boolean {
  const { planned, completed, dropped, interrupted, unaccounted } = accounts;
  return planned === completed + dropped + interrupted + unaccounted;
}

function sumOf(recorded: Recorded, outcome?: string): number {
  return [...recorded.cells.values()]
    .filter((cell) => outcome === undefined || cell.outcome === outcome)
    .reduce((sum, { count }) => sum + count, 0);
}

describe("the load driver with k6", () => {
  test("two segments close to the request and join without a gap", async () => {
    const { url, arrivalsMs } = await startServer(true);
    const recorded = recorder();
    const driver = driverOf(planOf([segment(0, 0, 4_000, 65), segment(1, 4_000, 7_000, 65)]), url, recorded);
    const { zeroMs, accounts } = await drive(driver);

    expect(accounts).toMatchObject([
      {
        index: 0,
        planned: 260,
        started: 260,
        completed: 260,
        dropped: 0,
        interrupted: 0,
        unaccounted: 0,
        exitCode: 0,
      },
      {
        index: 1,
        planned: 195,
        started: 195,
        completed: 195,
        dropped: 0,
        interrupted: 0,
        unaccounted: 0,
        exitCode: 0,
      },
    ]);
    expect(accounts.every((one) => one.cpuMs > 0 && one.peakRssBytes > 10e6)).toBe(true);
    expect(recorded.events.map(({ type }) => type)).toEqual([
      "segment-started",
      "segment-started",
      "segment-ended",
      "segment-ended",
    ]);

    expect([...recorded.seconds.keys()].toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    // A machine that held k6 up pushes starts into the next second; k6 itself may move one only.
    const heldUpMs = Math.max(...[...recorded.seconds.values()].map(({ lateness }) => lateness.maxMs));
    for (const second of recorded.seconds.values()) {
      expect(second.planned).toBe(65);
      expect(Math.abs(second.started - 65)).toBeLessThanOrEqual(1 + Math.floor(heldUpMs / (1_000 / 65)));
      expect(second.dropped).toBe(0);
    }
    expect(sumOf(recorded)).toBe(455);
    expect(sumOf(recorded, "ok")).toBe(455);

    // Seen by the server: nothing early, and no gap at the boundary but one interval (15.4 ms) and the lateness on record.
    const planMs = arrivalsMs.map((atMs) => atMs - zeroMs).toSorted((a, b) => a - b);
    expect(planMs).toHaveLength(455);
    expect(planMs[0]).toBeGreaterThan(-0.5);
    const before = planMs.findLast((atMs) => atMs < 3_999) ?? 0;
    const after = planMs.find((atMs) => atMs >= 3_999) ?? 0;
    expect(after - before).toBeLessThan(1_000 / 65 + heldUpMs + 20);
    expect(driver.live()).toMatchObject({ completed: 455, planned: 455, plannedRps: 65 });
  });

  test("a segment that is gone on with has its own grid and its own iterations, and the books of what is left", async () => {
    const { url, arrivalsMs, createdIds } = await startServer(true);
    const recorded = recorder();
    const first = segment(0, 0, 4_000, 65);
    const from = { planMs: 2_000, totals: { started: 120, completed: 120, dropped: 0, failed: 0 } };
    const driver = driverOf(planOf([first, segment(1, 4_000, 5_000, 65)]), url, recorded, undefined, {
      from,
    });
    const { zeroMs, accounts } = await drive(driver);
    expect(
      accounts.map(({ index, planned, completed, unaccounted }) => [index, planned, completed, unaccounted]),
    ).toEqual([
      [0, 130, 130, 0],
      [1, 65, 65, 0],
    ]);
    expect(arrivalsMs).toHaveLength(195);
    const lateMs = arrivalsMs
      .toSorted((a, b) => a - b)
      .slice(0, 130)
      .map((atMs, n) => atMs - zeroMs - slotMs(first, 130 + n));
    // None before its slot; the bulk on it, whatever else this machine has to do.
    expect(Math.min(...lateMs)).toBeGreaterThan(-2);
    expect(lateMs.toSorted((a, b) => a - b)[65]).toBeLessThan(20);
    // An iteration's number is that in the planned segment: what an earlier k6 wrote is not written again.
    const iterations = createdIds
      .filter((id) => id.startsWith("k-7-0-"))
      .map((id) => Number(id.split("-").at(-1)));
    expect(iterations.length).toBeGreaterThan(10);
    expect(Math.min(...iterations)).toBeGreaterThanOrEqual(130);
    expect([...recorded.seconds.keys()].toSorted((a, b) => a - b)[0]).toBe(2);
    expect(driver.live().completed).toBe(120 + 195);
  });

  test("a hanging target: what found no free user is dropped, the rest fails by time-out, all accounted", async () => {
    const { url } = await startServer(false);
    const recorded = recorder();
    // 20 users hold 20 requests for 1 s each: about 20 of 65 a second start, the others are dropped.
    const driver = driverOf(planOf([segment(0, 0, 3_000, 65, 20)], 1_000), url, recorded);
    const { accounts } = await drive(driver);
    const only = accounts[0]!;
    expect(only).toMatchObject({ planned: 195, interrupted: 0, unaccounted: 0, exitCode: 0 });
    expect(only.completed + only.dropped).toBe(195);
    expect(only.completed).toBe(only.started);
    expect(only.dropped).toBeGreaterThan(100);
    expect(sumOf(recorded, "failed")).toBe(only.completed);
    const first = recorded.seconds.get(0)!;
    expect(first.firstFailureMs).toBeLessThan(200);
    expect(first.okAfterFailureMs).toBeNull();
    const seconds = [...recorded.seconds.values()];
    expect(seconds.reduce((sum, { dropped }) => sum + dropped, 0)).toBe(only.dropped);
    expect(seconds.reduce((sum, { started }) => sum + started, 0)).toBe(only.started);
  });

  test("k6 killed amid its segment: the rest is interrupted, the next segment goes on", async () => {
    const { url, arrivalsMs } = await startServer(true);
    const recorded = recorder();
    const driver = driverOf(planOf([segment(0, 0, 4_000, 65), segment(1, 4_000, 6_000, 65)]), url, recorded);
    const done = drive(driver);
    await eventually(() => (arrivalsMs.length >= 100 ? true : undefined), deadline(20_000), 5);
    const started = recorded.events.find((event) => event.type === "segment-started");
    process.kill(started!.pid, "SIGKILL");
    const { accounts } = await done;
    const [killed, next] = accounts as [SegmentAccounts, SegmentAccounts];
    expect(killed.exitCode).toBeNull();
    expect(killed.unaccounted).toBe(0);
    expect(killed.interrupted).toBe(260 - killed.completed);
    expect(killed.completed).toBeGreaterThan(50);
    expect(killed.completed).toBeLessThan(130);
    expect(next).toMatchObject({ planned: 130, completed: 130, interrupted: 0, unaccounted: 0 });
    // The silent seconds are on record, with what was planned.
    expect(recorded.seconds.get(3)).toMatchObject({ planned: 65, started: 0 });
    expect(recorded.events.filter(({ type }) => type === "note")).toHaveLength(1);
  });

  test("an abort ends k6 and closes the accounts as interrupted", async () => {
    const { url, arrivalsMs } = await startServer(true);
    const recorded = recorder();
    const driver = driverOf(
      planOf([segment(0, 0, 60_000, 65), segment(1, 60_000, 90_000, 65)]),
      url,
      recorded,
    );
    const abort = new AbortController();
    const done = drive(driver, abort.signal);
    await eventually(() => (arrivalsMs.length >= 65 ? true : undefined), deadline(20_000), 5);
    const pid = recorded.events.find((event) => event.type === "segment-started")!.pid;
    const abortedAtMs = systemClock.nowMs();
    abort.abort();
    const { accounts } = await done;
    expect(systemClock.nowMs() - abortedAtMs).toBeLessThan(4_000);
    expect(accounts).toHaveLength(1);
    expect(accounts[0]).toMatchObject({ planned: 3_900, unaccounted: 0, exitCode: 105 });
    expect(accounts.every(closes)).toBe(true);
    expect(accounts[0]!.completed).toBeGreaterThan(55);
    expect(identify(pid)).toBeUndefined();
  });

  test("a script that throws in its iterations is unaccounted load, not a failing target", async () => {
    const { url } = await startServer(true);
    const recorded = recorder();
    const script = join(workDir, "throws.ts");
    writeFileSync(
      script,
      `import { kilnOptions, measured, iteration } from ${JSON.stringify(join(projectRoot, "scenarios/load/kiln.ts"))};
       export const options = kilnOptions();
       export default function () { measured("a", "low", true, () => { if (iteration() % 2 === 1) throw new Error("mine"); return "ok"; }); }`,
    );
    const { accounts } = await drive(driverOf(planOf([segment(0, 0, 2_000, 50)]), url, recorded, script));
    expect(accounts[0]).toMatchObject({
      planned: 100,
      started: 100,
      completed: 50,
      unaccounted: 50,
      exitCode: 0,
    });
    expect(sumOf(recorded, "failed")).toBe(0);
  });

  test.each([
    ["export default function () { const a = ; }", /wrong\.ts:1:\d+/],
    [
      'import { kilnOptions } from "./gone.ts";\nexport const options = kilnOptions();\nexport default () => {};',
      /gone\.ts/,
    ],
    ["\nnobody();\nexport default () => {};", /wrong\.ts:2:\d+/],
  ])("a wrong script is named with its line: %j", async (text, place) => {
    const { url } = await startServer(true);
    const script = join(workDir, "wrong.ts");
    writeFileSync(script, text);
    const driver = driverOf(planOf([segment(0, 0, 2_000, 50)]), url, recorder(), script);
    await expect(driver.prepare()).rejects.toMatchObject({
      kind: "usage",
      code: "load-script-failed",
      message: expect.stringMatching(place),
    });
    expect(readFileSync(join(workDir, "k6-0.log"), "utf8")).not.toBe("");
  });
});
