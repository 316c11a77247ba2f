// SIGKILL of harness, reaper and Toxiproxy, alone and in pairs, at every named point of a fault's life, for every kind of fault: a pairwise
// covering set (each kind meets each point, each point and each kind meets each set of victims). Nothing may be left within the lease
// plus 5 s; where harness and reaper die together, what is inside a process ends by its own deadline, and the next `kiln heal` leaves
// nothing. KILN_CRASH_SHARE=n takes every n-th case (default: all).
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { faultTable } from "../faults/index.ts";
import { isValidState } from "../probes/config-probe.ts";
import { reapersOf } from "../stack/membership.ts";
import { processHandle } from "../stack/process-handle.ts";
import { configPath, portsOf, readStackRecord } from "../stack/record.ts";
import { deadline, eventually, systemClock } from "../support/clock.ts";
import { crashPoints, type CrashPoint } from "../support/crash-point.ts";
import { identify, processStat, signalProcess } from "../support/process-identity.ts";
import { reconcileRuns } from "./heal-run.ts";
import { readLedger, startedProcesses } from "./ledger.ts";
import { crashKinds, type CrashKind } from "./testing/crash-kinds.ts";
import { orphanedMemory, residuesOfRun as residues } from "../testing/residues.ts";

const victimSets = [
  ["harness"],
  ["reaper"],
  ["toxiproxy"],
  ["harness", "reaper"],
  ["harness", "toxiproxy"],
  ["reaper", "toxiproxy"],
] as const;
type Victim = (typeof victimSets)[number][number];

/** No byte for 15 s while the pipe is open is the lease (reaper.ts); a dead harness is noticed at once. */
const leaseMs = 15_000;
const goneWithinMs = leaseMs + 5_000;

interface Case {
  readonly kind: CrashKind;
  readonly point: CrashPoint;
  readonly victims: readonly Victim[];
}

const share = Number(process.env["KILN_CRASH_SHARE"] ?? "1");
const all = crashKinds.flatMap((kind, row) =>
  crashPoints.map((point, column): Case => {
    const victims = victimSets[(row + column) % victimSets.length] ?? ["harness"];
    return { kind, point, victims };
  }),
);
// A stride that shares no factor with the number of points walks over all of them.
const cases = all.filter((_, index) => index % share === 0);

const took: { readonly ms: number; readonly left: number; readonly victims: string }[] = [];
let base: string;
/** What others have left on this machine. */
let before: readonly string[] = [];

beforeAll(() => {
  before = orphanedMemory();
  base = realpathSync(mkdtempSync(join(tmpdir(), "kiln-runs-")));
});

afterAll(() => {
  rmSync(base, { recursive: true, force: true });
  const slowest = Math.max(...took.map(({ ms }) => ms));
  const left = took.reduce((sum, one) => sum + one.left, 0);
  process.stdout.write(
    `${took.length} kills, ${left} residues, cleaned up in at most ${Math.round(slowest)} ms\n`,
  );
});

interface MiniRun {
  readonly runDir: string;
  readonly child: ChildProcess;
  readonly lockFile: string;
  readonly exited: Promise<void>;
  output(): string;
}

function startMiniRun({ kind, point }: Case): MiniRun {
  const folder = mkdtempSync(join(base, "case-"));
  const runDir = join(folder, `mini-${folder.slice(-6)}`);
  mkdirSync(runDir);
  const lockFile = join(folder, "kiln.lock");
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "testing", "mini-run.ts"), runDir, JSON.stringify(kind)],
    {
      env: { ...process.env, KILN_LOCK_FILE: lockFile, KILN_CRASH_POINT: point },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (part: string) => (text += part));
  const exited = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
  return { runDir, child, lockFile, exited, output: () => text };
}

/** True when it stopped at its point, false when it ended without passing it. */
function atItsPoint({ child, output }: MiniRun): Promise<boolean> {
  const look = (): boolean | undefined => {
    if (child.exitCode !== null || child.signalCode !== null) return false;
    return processStat(child.pid ?? 0)?.state === "T" ? true : undefined;
  };
  return eventually(look, deadline(60_000), 20).catch((error: unknown) => {
    throw new Error(`it neither stopped nor ended: ${output()}`, { cause: error });
  });
}

function killVictims({ runDir, child }: MiniRun, victims: readonly Victim[]): void {
  const find = {
    harness: () => identify(child.pid ?? 0),
    reaper: () => reapersOf(runDir)[0],
    toxiproxy: () =>
      startedProcesses(readLedger(runDir)).findLast(({ name }) => name === "toxiproxy")?.identity,
  };
  for (const victim of victims) {
    const identity = find[victim]();
    expect(identity, victim).toBeDefined();
    if (identity !== undefined) expect(signalProcess(identity, "SIGKILL"), victim).toBe(true);
  }
}

/** All that is left of the run, in words. */
async function leftOf({ runDir, lockFile }: MiniRun): Promise<string[]> {
  const record = readStackRecord(runDir);
  const ports = record === undefined ? [] : portsOf(record);
  const runId = runDir.split("/").at(-1) ?? "";
  const found = await residues({ runId, runDir, ports }, before);
  const reapers = reapersOf(runDir).map(({ pid }) => `reaper ${pid}`);
  const config = record?.spec.configFiles?.map((file) => configPath(runDir, file)) ?? [];
  const corrupt = config
    .filter((path) => existsSync(path) && !isValidState(readFileSync(path, "utf8")))
    .map((path) => `corrupt ${path}`);
  return [...found, ...reapers, ...corrupt, ...(existsSync(lockFile) ? ["lock"] : [])];
}

async function expectNothingWithin(run: MiniRun, limitMs: number): Promise<void> {
  const look = async (): Promise<true | undefined> => ((await leftOf(run)).length === 0 ? true : undefined);
  const limit = deadline(limitMs);
  await eventually(look, limit, 100).catch((error: unknown) => {
    // What is left is told below.
    if (!limit.aborted) throw error;
  });
  expect(await leftOf(run), run.output()).toEqual([]);
}

/** Nobody is left to heal it: what is in the service's own process must end there by its deadline (2 s of hold and 2 s of slack). */
async function expectEndsByItself({ runDir }: MiniRun, { fault, options }: CrashKind): Promise<void> {
  const record = readStackRecord(runDir);
  if (record === undefined) throw new Error("the stack has a record");
  const handle = processHandle(record);
  const service = z.string().parse(options["service"]);
  const quiet = async (): Promise<true | undefined> => {
    if (handle.process(service).find() === undefined) return true;
    if (fault.startsWith("upstream")) {
      const state = (await handle.control(service).get(deadline(2_000))) as { readonly errorRate?: number };
      return state.errorRate === 0 ? true : undefined;
    }
    const { jobs } = (await handle.agent(service).call("status", {}, deadline(2_000))) as {
      readonly jobs: readonly unknown[];
    };
    return jobs.length === 0 ? true : undefined;
  };
  await eventually(quiet, deadline(20_000), 200);
}

async function expectSurvived(one: Case): Promise<void> {
  const { kind, point, victims } = one;
  const run = startMiniRun(one);
  try {
    const stopped = await atItsPoint(run);
    // Only what a fault does not do can be passed by: it remembers nothing.
    expect(stopped || (point.startsWith("ledger-memory") && !kind.remembers), run.output()).toBe(true);
    const fromMs = systemClock.nowMs();
    if (stopped) killVictims(run, victims);
    const both = stopped && victims.includes("harness") && victims.includes("reaper");
    if (stopped && !victims.includes("harness")) run.child.kill("SIGCONT");
    await run.exited;
    if (both) {
      if (kind.inside === true) await expectEndsByItself(run, kind);
      await reconcileRuns(join(run.runDir, ".."), { by: "heal", faults: faultTable });
      // A new run takes a stale lock over; nobody else removes it.
      rmSync(run.lockFile, { force: true });
    }
    await expectNothingWithin(run, goneWithinMs);
    if (stopped)
      took.push({
        ms: systemClock.nowMs() - fromMs,
        left: (await leftOf(run)).length,
        victims: victims.join("+"),
      });
  } finally {
    run.child.kill("SIGKILL");
    await run.exited;
    await reconcileRuns(join(run.runDir, ".."), { by: "heal", faults: faultTable });
  }
}

describe(`SIGKILL at named points, ${cases.length} of ${all.length} cases`, () => {
  const named = cases.map((one) => ({ ...one, name: one.kind.fault, who: one.victims.join(" and ") }));
  test.concurrent.each(named.filter(({ kind }) => kind.postgres !== true))("$name, at $point: $who", (one) =>
    expectSurvived(one),
  );
  // Alone: shared memory is the machine's, and one PostgreSQL would be taken for another's residue.
  test.each(named.filter(({ kind }) => kind.postgres === true))("$name, at $point: $who", (one) =>
    expectSurvived(one),
  );
});
