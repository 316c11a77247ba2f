// The process stack on the real servers: up, exchanges through proxies, toxics that bite, restarts, and nothing left after down.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Ledger, openLedger, readLedger, startedProcesses } from "../run/ledger.ts";
import { createSpawner } from "../run/spawn.ts";
import { echoStack } from "./testing/echo-stack.ts";
import { orphanedMemory, residuesOfRun as residues } from "../testing/residues.ts";
import { deadline, eventually } from "../support/clock.ts";
import { isAlive, signalProcess, type ProcessIdentity } from "../support/process-identity.ts";
import { loadTools } from "../support/tools.ts";
import { bringUp } from "./process-stack.ts";
import { processHandle } from "./process-handle.ts";
import { portsOf, readStackRecord } from "./record.ts";
import type { LiveStack, StackRecord } from "./stack.ts";
import { startScriptPath } from "./start-script.ts";

const runId = `stack-e2e-${process.pid}`;
let runDir: string;
let ledger: Ledger;
let stack: LiveStack;
let record: StackRecord;
let before: string[];

const within = (ms = 5_000) => deadline(ms);

beforeAll(async () => {
  runDir = join(mkdtempSync(join(tmpdir(), "kiln-stack-")), "run");
  const { mkdirSync } = await import("node:fs");
  mkdirSync(runDir);
  before = orphanedMemory();
  ledger = await openLedger(runDir);
  const spawn = createSpawner({ ledger, runId, runDir, logsDir: join(runDir, "logs") });
  stack = await bringUp(echoStack, { runDir, runId, spawn, tools: loadTools(), signal: within(60_000) });
  record = readStackRecord(runDir)!;
});

/** As the stack's own watchdog would; what is left of a killed PostgreSQL keeps a new one from starting for a moment. */
function byScript(name: string): Promise<ProcessIdentity> {
  const attempt = async (): Promise<ProcessIdentity | undefined> => {
    const env = { PATH: process.env["PATH"] ?? "" };
    const child = spawn(startScriptPath(runDir, name), [], { detached: true, stdio: "ignore", env });
    child.unref();
    const look = (): ProcessIdentity | null | undefined =>
      child.exitCode === null ? stack.handle.process(name).find() : null;
    const found = await eventually(look, within(20_000));
    return found === null || found.pid !== child.pid ? undefined : found;
  };
  return eventually(attempt, within(40_000), 200);
}

afterAll(async () => {
  await stack?.down();
  await ledger?.close();
  rmSync(join(runDir, ".."), { recursive: true, force: true });
});

describe("a stack of processes", () => {
  test("answers exchanges through every proxy and around it", async () => {
    for (const link of echoStack.links) {
      const proxy = stack.handle.proxy(link.name);
      expect(await proxy.exchange(within())).toBeGreaterThan(0);
      expect(await proxy.exchangeDirect(within())).toBeGreaterThan(0);
    }
    const answer = await stack.handle.http("echo", "/x", { link: "front", signal: within() });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ path: "/x" });
    expect(stack.targetUrl).toBe(`http://127.0.0.1:${record.linkPorts["front"]}`);
  });

  test("fills placeholders and keeps to ports below the ephemeral range", async () => {
    const { body } = await stack.handle.http("keeper", "/", { signal: within() });
    const dir = join(runDir, "stack", "keeper");
    const config = join(runDir, "stack", "echo", "settings.env");
    expect(JSON.parse(body).greeting).toBe(`127.0.0.1:${record.linkPorts["redis"]} ${dir} ${config}`);
    expect(stack.handle.configFile("settings")).toBe(config);
    for (const port of portsOf(record)) expect(port).toBeLessThan(32_000);
    expect(new Set(portsOf(record)).size).toBe(portsOf(record).length);
    expect(statSync(join(runDir, "stack.json")).mode & 0o777).toBe(0o600);
  });

  test("a latency toxic is seen on the data path and gone after its removal, also twice", async () => {
    const proxy = stack.handle.proxy("postgres");
    await proxy.addToxic({
      name: "slow",
      type: "latency",
      stream: "downstream",
      attributes: { latency: 200, jitter: 0 },
    });
    expect(await proxy.exchange(within())).toBeGreaterThan(195);
    expect(await proxy.exchangeDirect(within())).toBeLessThan(150);
    expect(await proxy.state()).toMatchObject({ enabled: true, toxics: ["slow"] });
    await proxy.removeToxic("slow");
    await proxy.removeToxic("slow");
    expect(await proxy.exchange(within())).toBeLessThan(150);
    expect((await proxy.state()).toxics).toEqual([]);
  });

  test("a disabled link refuses, and the handle of another process can enable it", async () => {
    const proxy = stack.handle.proxy("redis");
    await proxy.setEnabled(false);
    await expect(proxy.exchange(within())).rejects.toMatchObject({ code: "exchange-failed" });
    expect(await proxy.exchangeDirect(within())).toBeGreaterThan(0);
    await processHandle(readStackRecord(runDir)!).proxy("redis").setEnabled(true);
    expect(await proxy.exchange(within())).toBeGreaterThan(0);
  });

  test("finds who serves, also a child whose parent is not Kiln, and a server that overwrote its environment", async () => {
    const echo = stack.handle.process("echo").find();
    const { body } = await stack.handle.http("echo", "/", { signal: within() });
    expect(echo?.pid).toBe(JSON.parse(body).pid);
    const started = startedProcesses(readLedger(runDir));
    for (const name of ["postgres", "redis", "keeper"]) {
      expect(stack.handle.process(name).find()).toEqual(
        started.find((entry) => entry.name === name)?.identity,
      );
    }
  });

  test.each(["postgres", "redis", "keeper", "echo"])("restarts a killed %s with its data", async (name) => {
    const handle = stack.handle.process(name);
    const old = handle.find()!;
    signalProcess(old, "SIGKILL");
    await eventually(() => (isAlive(old) ? undefined : true), within());
    await stack.restart(name);
    const now = handle.find()!;
    expect(now.pid).not.toBe(old.pid);
    expect(isAlive(now)).toBe(true);
    const links = echoStack.links
      .filter(({ to }) => to === name)
      .map((link) => stack.handle.proxy(link.name));
    for (const proxy of links) await proxy.exchange(within());
  });

  // The Redis that this leaves is for `down` to end: the driver never started it.
  test.each(["postgres", "redis"])(
    "a killed %s comes back by its start script as a part of the run",
    async (name) => {
      const handle = stack.handle.process(name);
      const killed = handle.find()!;
      for (const round of [1, 2]) {
        handle.signal(handle.find()!, "SIGKILL");
        await eventually(() => (handle.find() === undefined ? true : undefined), within());
        const { pid } = await byScript(name);
        expect(pid, `round ${round}`).not.toBe(killed.pid);
        await eventually(() => stack.handle.exchange(name, within()).catch(() => undefined), within(20_000));
      }
      // The harm of a fault reaches it, and so does the driver's own hand.
      if (name === "redis") return;
      await stack.restart(name);
      await stack.handle.sql(name, "SELECT 1", [], within());
    },
  );

  test("down leaves no process, port, shared memory or data, keeps the logs, and may be repeated", async () => {
    await stack.down();
    await stack.down();
    expect(await residues({ runId, runDir, ports: portsOf(record) }, before)).toEqual([]);
    expect(existsSync(join(runDir, "stack", "postgres", "data"))).toBe(false);
    expect(existsSync(join(runDir, "stack", "redis", "data"))).toBe(false);
    expect(readFileSync(join(runDir, "logs", "keeper.log"), "utf8")).toContain("listening");
  });
});

test("a program that ends early is named with the end of its log, and nothing of the stack stays", async () => {
  const id = `${runId}-early`;
  const dir = join(runDir, "..", "early");
  const { mkdirSync } = await import("node:fs");
  mkdirSync(dir);
  const early = await openLedger(dir);
  const spawn = createSpawner({ ledger: early, runId: id, runDir: dir, logsDir: join(dir, "logs") });
  const command = ["node", "-e", "console.error('no licence'); process.exitCode = 3"];
  const spec = {
    name: "early",
    driver: "processes" as const,
    services: [
      { kind: "redis" as const, name: "redis" },
      { kind: "program" as const, name: "broken", command, readyPath: "/" },
    ],
    links: [{ name: "front", from: "load", to: "broken" }],
  };
  const up = bringUp(spec, { runDir: dir, runId: id, spawn, tools: loadTools(), signal: within(60_000) });
  await expect(up).rejects.toMatchObject({
    code: "service-not-ready",
    message: expect.stringMatching(/broken ended .*exit code 3[\s\S]*no licence/),
  });
  expect(await residues({ runId: id, runDir: dir, ports: portsOf(readStackRecord(dir)!) }, before)).toEqual(
    [],
  );
  await early.close();
});
