// Toxiproxy frozen and killed under a real stack: replaced on its ports, with the harm that is due and without the harm that was being
// lifted; and nothing left afterwards.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Ledger, openLedger, readLedger, startedProcesses } from "../run/ledger.ts";
import { createSpawner } from "../run/spawn.ts";
import { orphanedMemory, residuesOfRun as residues } from "../testing/residues.ts";
import { deadline, systemClock } from "../support/clock.ts";
import { type ProcessIdentity, isAlive, listenerOn, signalProcess } from "../support/process-identity.ts";
import type { Spawner } from "../support/spawner.ts";
import { loadTools } from "../support/tools.ts";
import type { ControlPlaneChange } from "./control-plane.ts";
import { bringUp } from "./process-stack.ts";
import { processHandle } from "./process-handle.ts";
import { portsOf, readStackRecord } from "./record.ts";
import { replaceControlPlane } from "./replace-control-plane.ts";
import type { LiveStack, StackRecord, Toxic } from "./stack.ts";
import { echoStack } from "./testing/echo-stack.ts";

const runId = `control-plane-e2e-${process.pid}`;
let runDir: string;
let ledger: Ledger;
let spawn: Spawner;
let stack: LiveStack;
let record: StackRecord;
let before: string[];
const changes: ControlPlaneChange[] = [];

beforeAll(async () => {
  runDir = join(mkdtempSync(join(tmpdir(), "kiln-stack-")), "run");
  mkdirSync(runDir);
  before = orphanedMemory();
  ledger = await openLedger(runDir);
  spawn = createSpawner({ ledger, runId, runDir, logsDir: join(runDir, "logs") });
  stack = await bringUp(echoStack, {
    runDir,
    runId,
    spawn,
    tools: loadTools(),
    signal: deadline(60_000),
    onControlPlane: (change) => changes.push(change),
  });
  record = readStackRecord(runDir)!;
});

beforeEach(() => void changes.splice(0));

afterAll(async () => {
  await stack?.down();
  await ledger?.close();
  rmSync(join(runDir, ".."), { recursive: true, force: true });
});

const slow = (name: string, latency: number): Toxic => ({
  name,
  type: "latency",
  stream: "downstream",
  attributes: { latency, jitter: 0 },
});
const serving = (): ProcessIdentity => listenerOn(record.toxiproxyPort)!;
const exchange = (link: string) => stack.handle.proxy(link).exchange(deadline(5_000));

async function timed<T>(work: Promise<T>): Promise<number> {
  const fromMs = systemClock.nowMs();
  await work;
  return systemClock.nowMs() - fromMs;
}

test("frozen while a toxic is being removed: replaced within 5 s, without that toxic and with all others", async () => {
  const [front, postgres, redis] = (["front", "postgres", "redis"] as const).map((name) =>
    stack.handle.proxy(name),
  );
  await front!.addToxic(slow("kept", 120));
  await postgres!.addToxic(slow("lifted", 150));
  await redis!.setEnabled(false);
  const old = serving();
  signalProcess(old, "SIGSTOP");
  const tookMs = await timed(postgres!.removeToxic("lifted"));
  expect(tookMs).toBeGreaterThan(1_900);
  expect(tookMs).toBeLessThan(5_000);
  expect(isAlive(old)).toBe(false);
  expect(await postgres!.state()).toEqual({ enabled: true, toxics: [] });
  expect(await front!.state()).toEqual({ enabled: true, toxics: ["kept"] });
  expect((await redis!.state()).enabled).toBe(false);
  expect(await exchange("front")).toBeGreaterThan(115);
  expect(await exchange("postgres")).toBeLessThan(115);
  await expect(exchange("redis")).rejects.toMatchObject({ code: "exchange-failed" });
  await redis!.setEnabled(true);
  await front!.removeToxic("kept");
  expect(await exchange("redis")).toBeGreaterThan(0);
  expect(changes.map(({ state }) => state)).toEqual(["gone", "replaced"]);
  // The ledger knows the new one, so that a reaper would find it.
  const started = startedProcesses(readLedger(runDir)).filter(({ name }) => name === "toxiproxy");
  expect(started.map(({ identity }) => identity)).toEqual([old, serving()]);
});

test("frozen while a toxic is being added, and by several calls at once: one replacement, and each call did what it should", async () => {
  const postgres = stack.handle.proxy("postgres");
  const redis = stack.handle.proxy("redis");
  signalProcess(serving(), "SIGSTOP");
  await Promise.all([
    postgres.addToxic(slow("a", 130)),
    redis.setEnabled(false),
    postgres.addToxic(slow("b", 10)),
  ]);
  expect(changes.map(({ state }) => state)).toEqual(["gone", "replaced"]);
  expect((await postgres.state()).toxics.toSorted()).toEqual(["a", "b"]);
  expect((await redis.state()).enabled).toBe(false);
  await Promise.all([postgres.removeToxic("a"), postgres.removeToxic("b"), redis.setEnabled(true)]);
  expect(await exchange("postgres")).toBeLessThan(115);
});

test("killed without any call being made: a look finds out and says since when at most", async () => {
  await stack.lookAtProxies();
  const wellMs = systemClock.nowMs();
  signalProcess(serving(), "SIGKILL");
  await stack.lookAtProxies();
  expect(changes.map(({ state }) => state)).toEqual(["gone", "replaced"]);
  expect(changes[1]!.fromMs).toBeLessThan(wellMs);
  expect(changes[1]!.fromMs).toBeGreaterThan(wellMs - 500);
  for (const { name } of echoStack.links) expect(await exchange(name)).toBeGreaterThan(0);
});

test("another process can replace a frozen one from the record alone", async () => {
  signalProcess(serving(), "SIGSTOP");
  const plain = processHandle(record).proxy("postgres");
  await expect(plain.state()).rejects.toMatchObject({ code: "toxiproxy-unanswered" });
  await replaceControlPlane({ record, spawn, tools: loadTools() });
  expect(await plain.state()).toEqual({ enabled: true, toxics: [] });
  for (const { name } of echoStack.links) expect(await exchange(name)).toBeGreaterThan(0);
});

test("down with a frozen one leaves nothing and replaces nothing", async () => {
  const old = serving();
  signalProcess(old, "SIGSTOP");
  const looking = stack.lookAtProxies();
  await stack.down();
  await looking;
  expect(changes.filter(({ state }) => state === "replaced")).toEqual([]);
  expect(await residues({ runId, runDir, ports: portsOf(record) }, before)).toEqual([]);
});
