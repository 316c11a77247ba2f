// From a stop to the last fault healed: under 5 s, at whatever moment it comes, and with Toxiproxy frozen as well. KILN_STOP_ROUNDS sets how
// often (default 12), KILN_STOP_SEED at which moments.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createActiveFault } from "../faults/active-fault.ts";
import { faultTable } from "../faults/index.ts";
import { openRun } from "../journal/run-folder.ts";
import type { FaultStep, Plan } from "../plan/plan.ts";
import { bringUp } from "../stack/process-stack.ts";
import { readStackRecord } from "../stack/record.ts";
import type { LiveStack } from "../stack/stack.ts";
import { echoStack } from "../stack/testing/echo-stack.ts";
import { clockFrom, deadline, systemClock } from "../support/clock.ts";
import type { Json } from "../support/json.ts";
import { listenerOn, signalProcess } from "../support/process-identity.ts";
import { seededRng } from "../support/rng.ts";
import { loadTools, projectRoot } from "../support/tools.ts";
import { cli, makeRunsDir, newestRun, readVerdict, startKiln } from "../testing/kiln-process.ts";
import { createFaultLedger } from "./fault-ledger.ts";
import { carryOutFaults } from "./fault-schedule.ts";
import { type Ledger, openFaults, openLedger, readLedger } from "./ledger.ts";
import { createSpawner } from "./spawn.ts";

const rounds = Number(process.env["KILN_STOP_ROUNDS"] ?? "12");
const seed = process.env["KILN_STOP_SEED"] ?? "1";
const limitMs = 5_000;

describe(`faults on a real stack, stopped ${rounds} times (seed ${seed})`, () => {
  const runId = `stopped-e2e-${process.pid}`;
  let runDir: string;
  let ledger: Ledger;
  let stack: LiveStack;
  beforeAll(async () => {
    runDir = join(mkdtempSync(join(tmpdir(), "kiln-stack-")), "run");
    mkdirSync(runDir);
    ledger = await openLedger(runDir);
    const spawn = createSpawner({ ledger, runId, runDir, logsDir: join(runDir, "logs") });
    const tools = loadTools();
    stack = await bringUp(echoStack, { runDir, runId, spawn, tools, signal: deadline(60_000) });
  });
  afterAll(async () => {
    await stack?.down();
    await ledger?.close();
    rmSync(join(runDir, ".."), { recursive: true, force: true });
  });

  const step = (
    round: string,
    name: string,
    startMs: number,
    options: { readonly link: string; readonly [key: string]: Json },
  ): FaultStep => ({
    id: `${round}-${name}`,
    fault: name.replace(/\d$/, ""),
    kind: "held",
    target: `link:${options.link}`,
    options,
    startMs,
    healMs: 60_000,
    settleUntilMs: 60_000,
    expect: {
      recovery: { atLeast: "none", atMost: "soft" },
      service: null,
      actWithinMs: null,
      restarts: false,
      unavailableMs: 0,
    },
  });

  /** Three faults that come in one after the other, stopped after `stopMs`: milliseconds from there to all healed. */
  async function stopAfter(round: string, stopMs: number, freeze: boolean): Promise<number> {
    const clock = clockFrom(systemClock.nowMs());
    const stopping = new AbortController();
    const faults = [
      step(round, "latency1", 300, { link: "front", delayMs: 150 }),
      step(round, "link-down", 400, { link: "redis" }),
      step(round, "latency2", 500, { link: "postgres", delayMs: 300 }),
    ];
    const journal = { write: (body: object) => body as never, close: () => undefined };
    const plan = { faults, objectives: {} } as unknown as Plan;
    const faultLedger = createFaultLedger(ledger, { planMs: 0, journalMs: 0 });
    const activate = (of: FaultStep) =>
      createActiveFault({
        step: of,
        table: faultTable,
        stack: stack.handle,
        journal,
        ledger: faultLedger,
        clock,
      });
    const done = carryOutFaults({ plan, stack, journal, clock, signal: stopping.signal, activate });
    await clock.sleepUntil(stopMs);
    const toxiproxy = listenerOn(readStackRecord(runDir)!.toxiproxyPort)!;
    if (freeze) signalProcess(toxiproxy, "SIGSTOP");
    const fromMs = systemClock.nowMs();
    stopping.abort(new Error("a stop condition was met"));
    await done;
    return systemClock.nowMs() - fromMs;
  }

  test("are healed in time each time", async () => {
    const rng = seededRng(`stops ${seed}`);
    const tookMs: number[] = [];
    for (let n = 0; n < rounds; n++) {
      // From before the first is injected to after all have been confirmed; every fourth time Toxiproxy freezes at that very moment.
      tookMs.push(await stopAfter(`r${n}`, rng.int(100, 3_000), n % 4 === 3));
      expect(openFaults(readLedger(runDir))).toEqual([]);
      for (const { name } of echoStack.links)
        expect(await stack.handle.proxy(name).state()).toEqual({ enabled: true, toxics: [] });
    }
    const sorted = tookMs.toSorted((a, b) => a - b);
    const at = (share: number): number => Math.round(sorted[Math.ceil(share * rounds) - 1] ?? Number.NaN);
    process.stderr.write(`stop to healed, ms: p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)}\n`);
    expect(at(1)).toBeLessThan(limitMs);
  });
});

describe("a whole run", () => {
  let runs: ReturnType<typeof makeRunsDir>;
  beforeAll(() => {
    runs = makeRunsDir();
  });
  afterAll(() => runs.remove());

  test("that breaches its stop condition says why, heals in time and never passes", async () => {
    const scenario = join(projectRoot, "fixtures", "defects", "never-comes-back", "scenario.ts");
    const { code, stdout, stderr } = await startKiln([cli, "run", scenario], { runsDir: runs.path }).ended;
    const runDir = newestRun(runs.path);
    const { evidence, close } = openRun(runDir);
    const [stopping] = evidence.eventsOf("stopping");
    const healed = evidence.eventsOf("fault").filter(({ state }) => state === "healed");
    close();
    expect(stopping?.reason, stdout + stderr).toMatch(
      / of requests failed over 4s, more than 30 % \(stopWhen/,
    );
    expect(healed.map(({ id }) => id).toSorted()).toEqual(["f01-link-down", "f02-latency"]);
    for (const { atMs } of healed) {
      expect(atMs).toBeGreaterThan(stopping!.atMs);
      expect(atMs - stopping!.atMs).toBeLessThan(limitMs);
    }
    const verdict = readVerdict(runDir);
    expect(verdict.status).not.toBe("pass");
    expect(verdict.findings.find(({ id }) => id === "evidence/complete")?.title).toContain("outcome stopped");
    expect(readFileSync(join(runDir, "report.json"), "utf8")).toMatch(/stopping: [^"]+; all faults healed /);
    expect(code).toBe(2);
  });
});
