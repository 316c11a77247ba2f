// The machine and the harness itself, once a second: whether the evidence can be trusted depends on both.
import { readFileSync, statfsSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { processStat, ticksPerSecond } from "../support/process-identity.ts";
import type { Probe, ProbeFactory } from "./probe.ts";

/** Busy, stolen and total CPU time of all cores since boot, in ticks (proc(5), first line of /proc/stat). What a hypervisor stole is busy, too. */
export function cpuTicks(): { busy: number; stolen: number; total: number } {
  const fields = (readFileSync("/proc/stat", "utf8").split("\n")[0] ?? "")
    .trim()
    .split(/\s+/)
    .slice(1, 9)
    .map(Number);
  const total = fields.reduce((sum, value) => sum + value, 0);
  const idle = (fields[3] ?? 0) + (fields[4] ?? 0);
  return { busy: total - idle, stolen: fields[7] ?? 0, total };
}

/** Bytes that this user may still write on the file system of a folder. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

export function memoryAvailableBytes(): number {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"));
  return Number(match?.[1] ?? Number.NaN) * 1_024;
}

export const systemProbes: ProbeFactory = ({ samples, runDir }) => {
  let last = cpuTicks();
  const system: Probe = {
    name: "system",
    everyMs: 1_000,
    look(atMs) {
      const now = cpuTicks();
      const ticks = now.total - last.total;
      if (ticks > 0) {
        samples.sample("system.cpu", "ratio", atMs, (now.busy - last.busy) / ticks);
        samples.sample("system.steal", "ratio", atMs, (now.stolen - last.stolen) / ticks);
      }
      last = now;
      samples.sample("system.memory-available", "bytes", atMs, memoryAvailableBytes());
      samples.sample("system.disk-free", "bytes", atMs, freeBytes(runDir));
    },
  };
  const loop = monitorEventLoopDelay({ resolution: 20 });
  loop.enable();
  let lastTicks = processStat(process.pid)?.cpuTicks ?? 0;
  const self: Probe = {
    name: "harness",
    everyMs: 1_000,
    look(atMs) {
      samples.sample("harness.rss", "bytes", atMs, process.memoryUsage.rss());
      const ticks = processStat(process.pid)?.cpuTicks ?? lastTicks;
      samples.sample("harness.cpu", "ratio", atMs, (ticks - lastTicks) / ticksPerSecond);
      lastTicks = ticks;
      samples.sample("harness.event-loop-delay-max", "ms", atMs, loop.max / 1e6);
      loop.reset();
    },
  };
  return [system, self];
};
