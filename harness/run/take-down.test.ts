// The forced end and the reconciliation of abandoned runs, on small real processes.
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Expectation, Fault, FaultTable } from "../faults/fault.ts";
import { membersOf } from "../stack/membership.ts";
import { writeStackRecord } from "../stack/record.ts";
import type { StackRecord } from "../stack/stack.ts";
import { isAlive, bootId, identify } from "../support/process-identity.ts";
import type { Spawner } from "../support/spawner.ts";
import { healRun, isAbandoned, reconcileRuns } from "./heal-run.ts";
import { type Ledger, isTornDown, openFaults, openLedger, readLedger } from "./ledger.ts";
import { createSpawner } from "./spawn.ts";
import { takeDown } from "./take-down.ts";

let base: string;
let runDir: string;
let ledger: Ledger;
let spawn: Spawner;
const runId = `take-down-${process.pid}`;
/** A harness that is no more. */
const dead = { pid: 4_194_000, startTicks: 5, bootId: bootId() };

beforeEach(async () => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "kiln-down-")));
  runDir = join(base, "runs", runId);
  mkdirSync(runDir, { recursive: true });
  ledger = await openLedger(runDir);
  await ledger.append({ op: "open", runId, bootId: bootId(), harness: dead });
  spawn = createSpawner({ ledger, runId, runDir, logsDir: join(runDir, "logs") });
});

afterEach(async () => {
  await ledger.close();
  await takeDown({ runDir, by: "heal" });
  rmSync(base, { recursive: true, force: true });
});

const record = (): StackRecord => ({
  v: 1,
  runId,
  runDir,
  spec: { name: "s", driver: "processes", services: [], links: [] },
  toxiproxyPort: 20_000,
  servicePorts: {},
  linkPorts: {},
  agentToken: "t",
  controlToken: "c",
});

test("ends everything, also what ignores signals, is stopped, or starts its like anew", async () => {
  const stubborn = "trap '' TERM INT HUP; while :; do sleep 600 & wait; done";
  const first = await spawn({ name: "stubborn", command: "bash", args: ["-c", stubborn], cwd: runDir });
  const second = await spawn({ name: "stopped", command: "sleep", args: ["600"], cwd: runDir });
  process.kill(second.identity.pid, "SIGSTOP");
  const report = await takeDown({ runDir, by: "heal" });
  expect(report.ended.map(({ identity }) => identity)).toEqual(
    expect.arrayContaining([first.identity, second.identity]),
  );
  expect(isAlive(first.identity) || isAlive(second.identity)).toBe(false);
  expect(membersOf({ runId, runDir })).toEqual([]);
  expect(isTornDown(readLedger(runDir))).toBe(true);
  expect((await takeDown({ runDir, by: "heal" })).ended).toEqual([]);
});

test("removes noted folders, but never one that holds the run folder", async () => {
  const outside = join(base, "outside");
  mkdirSync(outside);
  await ledger.append({ op: "folder", path: outside });
  await ledger.append({ op: "folder", path: join(base, "runs") });
  await ledger.append({ op: "folder", path: runDir });
  expect((await takeDown({ runDir, by: "reaper" })).folders).toEqual([outside]);
  expect(existsSync(outside)).toBe(false);
  expect(existsSync(runDir)).toBe(true);
});

test("an unreadable stack record is reported and does not keep processes alive", async () => {
  writeFileSync(join(runDir, "stack.json"), "{");
  const { identity } = await spawn({ name: "s", command: "sleep", args: ["600"], cwd: base });
  const { problems } = await takeDown({ runDir, by: "heal" });
  expect(problems).toEqual([expect.stringContaining("cannot read")]);
  expect(isAlive(identity)).toBe(false);
});

test("a run whose folder was removed under it is ended by the marker of its processes", async () => {
  const child = await spawn({
    name: "orphan",
    command: process.execPath,
    args: ["-e", "setInterval(() => {}, 1e6)"],
    cwd: "/",
  });
  rmSync(runDir, { recursive: true });
  const { ended } = await takeDown({ runDir, by: "reaper" });
  expect(ended.map(({ identity }) => identity.pid)).toContain(child.identity.pid);
  expect(isAlive(child.identity)).toBe(false);
  expect(existsSync(runDir)).toBe(false);
});

test("a folder without a ledger is no run", async () => {
  await expect(takeDown({ runDir: base, by: "heal" })).rejects.toMatchObject({ code: "run-unknown" });
});

interface Calls {
  readonly healed: { id: string; options: object; memory: unknown }[];
}

function table(calls: Calls): FaultTable {
  const fault = (name: string, heal: Fault["heal"]): [string, Fault] => [
    name,
    {
      name,
      summary: "",
      needs: [],
      options: z.object({}),
      kind: "held",
      target: () => "x",
      expect: (): Expectation => ({
        recovery: { atLeast: "none", atMost: "none" },
        service: null,
        actWithinMs: null,
        restarts: false,
        unavailableMs: 0,
      }),
      confirmWithinMs: 1_000,
      inject: () => Promise.resolve(),
      confirm: () => Promise.resolve({ effective: true, saw: "" }),
      heal,
    },
  ];
  return new Map([
    fault(
      "good",
      async (ctx, options) => void calls.healed.push({ id: ctx.id, options, memory: ctx.recall() }),
    ),
    fault("bad", () => Promise.reject(new Error("no such file"))),
    fault("hangs", () => new Promise(() => {})),
  ]);
}

test("healRun heals what is open with its options and memory, and one failure does not hold up the rest", async () => {
  writeStackRecord(record());
  for (const [id, fault] of [
    ["a", "good"],
    ["b", "bad"],
    ["c", "hangs"],
    ["d", "unheard-of"],
    ["e", "good"],
  ] as const) {
    await ledger.append({ op: "fault", id, fault, options: { n: 1 } });
  }
  await ledger.append({ op: "memory", id: "a", memory: { hash: "h" } });
  await ledger.append({ op: "healed", id: "e", by: "harness" });
  const calls: Calls = { healed: [] };
  const report = await healRun(runDir, { by: "heal", faults: table(calls), deadlineMs: 300 });
  expect(calls.healed).toEqual([{ id: "a", options: { n: 1 }, memory: { hash: "h" } }]);
  expect(report.healed.map(({ id }) => id)).toEqual(["a"]);
  expect(report.failed.map(({ fault, error }) => [fault.id, error])).toEqual([
    ["d", "this Kiln knows no fault unheard-of"],
    ["c", "heal did not end in time"],
    ["b", "no such file"],
  ]);
  expect(openFaults(readLedger(runDir)).map(({ id }) => id)).toEqual(["d", "c", "b"]);
});

test("a start reconciles abandoned runs only: not a living one's, not one that was taken down", async () => {
  const calls: Calls = { healed: [] };
  const options = { by: "heal" as const, faults: table(calls) };
  writeStackRecord(record());
  await ledger.append({ op: "fault", id: "a", fault: "good", options: {} });
  const { identity } = await spawn({ name: "s", command: "sleep", args: ["600"], cwd: base });
  const living = join(base, "runs", "living");
  mkdirSync(living);
  const other = await openLedger(living);
  await other.append({ op: "open", runId: "living", bootId: bootId(), harness: identify(process.pid)! });
  await other.close();
  mkdirSync(join(base, "runs", "no-run"));
  expect(isAbandoned(living)).toBe(false);
  const reconciled = await reconcileRuns(join(base, "runs"), options);
  expect(reconciled.map((one) => one.runDir)).toEqual([runDir]);
  expect(calls.healed).toHaveLength(1);
  expect(isAlive(identity)).toBe(false);
  expect(await reconcileRuns(join(base, "runs"), options)).toEqual([]);
  expect(await reconcileRuns(join(base, "nowhere"), options)).toEqual([]);
});
