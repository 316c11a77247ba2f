// Whose CPU time it is, told with real programs that burn some.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, expect, it, vi } from "vitest";
import { runMarker } from "../support/run-marker.ts";
import { processStat, ticksPerSecond } from "../support/process-identity.ts";
import { ownCpuMeter } from "./foreign-cpu-probe.ts";

const runId = "20261121-000000-foreign-1";
/** Half a second of one core: far above what an idle process uses between two looks. */
const muchTicks = ticksPerSecond / 2;
const started: number[] = [];

afterEach(() => {
  for (const pid of started.splice(0)) if (processStat(pid) !== undefined) process.kill(pid, "SIGKILL");
});

/** A program that burns until it is killed; its parent has died, so that only its environment tells whose it is. */
async function orphan(env: Record<string, string>): Promise<number> {
  const script = `"${process.execPath}" -e "for (;;);" >&2 & echo $!`;
  const shell = spawn("/bin/sh", ["-c", script], { env, stdio: ["ignore", "pipe", "ignore"] });
  const line = (await once(createInterface(shell.stdout), "line")) as [string];
  const pid = Number(line[0]);
  started.push(pid);
  await vi.waitFor(() => expect(processStat(pid)?.parentPid).not.toBe(shell.pid), { timeout: 20_000 });
  return pid;
}

async function burnt(pid: number): Promise<void> {
  const before = processStat(pid)?.cpuTicks ?? 0;
  await vi.waitFor(() => expect((processStat(pid)?.cpuTicks ?? 0) - before).toBeGreaterThan(muchTicks), {
    timeout: 60_000,
    interval: 50,
  });
}

it("counts what carries the run's marker, however long it has lived, and nothing the first time", async () => {
  const pid = await orphan({ [runMarker]: runId });
  const meter = ownCpuMeter({ runId, harnessPid: -1 });
  await burnt(pid);
  expect(meter()).toBe(0);
  await burnt(pid);
  expect(meter()).toBeGreaterThan(muchTicks);
  const late = await orphan({ [runMarker]: runId });
  process.kill(pid, "SIGKILL");
  await vi.waitFor(() => expect(processStat(pid)).toBeUndefined(), { timeout: 20_000 });
  meter();
  await burnt(late);
  expect(meter()).toBeGreaterThan(muchTicks);
});

it("does not count another run's, nor anybody else's", async () => {
  const pids = [await orphan({ [runMarker]: `${runId}2` }), await orphan({})];
  const meter = ownCpuMeter({ runId, harnessPid: -1 });
  meter();
  for (const pid of pids) await burnt(pid);
  expect(meter()).toBe(0);
});

it("counts children of the harness without a marker", async () => {
  const child = spawn(process.execPath, ["-e", "for (;;);"], { env: {}, stdio: "ignore" });
  const pid = child.pid ?? 0;
  started.push(pid);
  const meter = ownCpuMeter({ runId, harnessPid: process.pid });
  meter();
  await burnt(pid);
  expect(meter()).toBeGreaterThan(muchTicks);
});
