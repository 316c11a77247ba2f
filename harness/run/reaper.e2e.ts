// SIGKILL of a harness that holds a real stack with a fault in force: everything is gone within 10 s, and the ledger says what was done.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { processHandle } from "../stack/process-handle.ts";
import { portsOf, readStackRecord } from "../stack/record.ts";
import { deadline, eventually, systemClock } from "../support/clock.ts";
import { signalProcess } from "../support/process-identity.ts";
import { isTornDown, openFaults, readLedger, startedProcesses } from "./ledger.ts";
import { isHeld, readLock } from "./lock.ts";
import { type DoomedRun, startDoomedRun } from "./testing/doomed-run.ts";
import { orphanedMemory, residuesOfRun as residues } from "../testing/residues.ts";

let run: DoomedRun;
let before: readonly string[];

beforeEach(() => {
  before = orphanedMemory();
});

afterEach(async () => run.discard());

async function killedAt(moment: string): Promise<{ readonly tookMs: number }> {
  await run.said(moment);
  const fromMs = systemClock.nowMs();
  run.child.kill("SIGKILL");
  await eventually(() => (existsSync(run.lockFile) ? undefined : true), deadline(30_000), 20);
  return { tookMs: systemClock.nowMs() - fromMs };
}

test("after SIGKILL the fault is healed and nothing of the run is left within 10 s", async () => {
  run = startDoomedRun();
  const { tookMs } = await killedAt("up");
  expect(tookMs).toBeLessThan(10_000);
  const record = readStackRecord(run.runDir)!;
  const query = { runId: run.runId, runDir: run.runDir, ports: portsOf(record) };
  expect(await residues(query, before)).toEqual([]);
  const entries = readLedger(run.runDir);
  expect(isTornDown(entries)).toBe(true);
  expect(entries.filter(({ op }) => op === "healed")).toMatchObject([{ id: "f1", by: "reaper" }]);
  expect(openFaults(entries)).toEqual([]);
  expect(existsSync(join(run.runDir, "stack", "postgres", "data"))).toBe(false);
  expect(readFileSync(join(run.runDir, "logs", "reaper.log"), "utf8")).toContain("done");
});

test("a stopped database and a dead watchdog do not keep it from leaving nothing", async () => {
  run = startDoomedRun();
  await run.said("up");
  const started = startedProcesses(readLedger(run.runDir));
  const named = (name: string) => started.find((entry) => entry.name === name)!.identity;
  signalProcess(named("postgres"), "SIGSTOP");
  signalProcess(named("keeper"), "SIGKILL");
  const { tookMs } = await killedAt("up");
  expect(tookMs).toBeLessThan(10_000);
  const record = readStackRecord(run.runDir)!;
  expect(await residues({ runId: run.runId, runDir: run.runDir, ports: portsOf(record) }, before)).toEqual(
    [],
  );
});

test("a frozen Toxiproxy costs the reaper its deadline, and nothing is left within 10 s all the same", async () => {
  run = startDoomedRun();
  await run.said("up");
  const { identity } = startedProcesses(readLedger(run.runDir)).find(({ name }) => name === "toxiproxy")!;
  signalProcess(identity, "SIGSTOP");
  // A second fault there: they are healed side by side, so their deadlines are not added up.
  const line = { seq: 900, op: "fault", id: "f2", fault: "link-down", options: { link: "redis" } };
  appendFileSync(join(run.runDir, "ledger.ndjson"), `${JSON.stringify(line)}\n`);
  const { tookMs } = await killedAt("up");
  expect(tookMs).toBeGreaterThan(2_000);
  expect(tookMs).toBeLessThan(10_000);
  const entries = readLedger(run.runDir);
  const errors = entries.flatMap((entry) => (entry.op === "heal-failed" ? [entry.error] : []));
  expect(errors.filter((text) => text.includes("no answer within 2000 ms"))).toHaveLength(2);
  expect(isTornDown(entries)).toBe(true);
  const record = readStackRecord(run.runDir)!;
  const left = await residues({ runId: run.runId, runDir: run.runDir, ports: portsOf(record) }, before);
  expect(left.filter((line) => /^(?:process|port) /.test(line))).toEqual([]);
});

test.each(["toxiproxy", "postgres-initdb", "postgres", "keeper"])(
  "killed in the middle of bring-up, just after the start of %s",
  async (part) => {
    run = startDoomedRun();
    await eventually(
      () => (startedProcesses(readLedger(run.runDir)).some(({ name }) => name === part) ? true : undefined),
      deadline(60_000),
      1,
    );
    const { tookMs } = await killedAt("reaper");
    expect(tookMs).toBeLessThan(10_000);
    const record = readStackRecord(run.runDir)!;
    expect(await residues({ runId: run.runId, runDir: run.runDir, ports: portsOf(record) }, before)).toEqual(
      [],
    );
  },
);

test("a PostgreSQL that was killed before leaves no System V segment", async () => {
  run = startDoomedRun();
  await run.said("up");
  const postgres = processHandle(readStackRecord(run.runDir)!).process("postgres").find()!;
  signalProcess(postgres, "SIGKILL");
  const orphan = () => orphanedMemory().find((line) => line.startsWith("System V") && !before.includes(line));
  await eventually(orphan, deadline(10_000));
  await killedAt("up");
  expect(readFileSync(join(run.runDir, "logs", "reaper.log"), "utf8")).toContain("removed System V segment");
  expect(await residues({ runId: run.runId, runDir: run.runDir }, before)).toEqual([]);
});

test("a harness that is stopped for 15 s has its faults healed and its stack left alone", async () => {
  run = startDoomedRun();
  await run.said("up");
  const proxy = processHandle(readStackRecord(run.runDir)!).proxy("postgres");
  expect((await proxy.state()).toxics).toEqual(["f1"]);
  run.child.kill("SIGSTOP");
  await eventually(
    () => (openFaults(readLedger(run.runDir)).length === 0 ? true : undefined),
    deadline(30_000),
  );
  expect((await proxy.state()).toxics).toEqual([]);
  expect(readLedger(run.runDir).filter(({ op }) => op === "epoch")).toMatchObject([
    { epoch: 1, by: "reaper" },
  ]);
  expect(await proxy.exchange(deadline(5_000))).toBeGreaterThan(0);
  run.child.kill("SIGCONT");
  expect(isHeld(readLock(run.lockFile)!)).toBe(true);
});
