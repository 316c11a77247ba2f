// Each service's process as the operating system sees it, once a second: who it is (appeared, gone), memory, CPU, descriptors.
import { readdirSync, readFileSync } from "node:fs";
import { hasErrno } from "../support/errors.ts";
import { isAlive, processStat, ticksPerSecond, type ProcessIdentity } from "../support/process-identity.ts";
import type { Probe, ProbeContext, ProbeFactory } from "./probe.ts";

export const processProbes: ProbeFactory = (context) =>
  context.stack.spec.services.map((service) => processProbe(context, service.name));

function processProbe(context: ProbeContext, service: string): Probe {
  let current: ProcessIdentity | undefined = context.seen?.processes.get(service);
  let lastCpu: { ticks: number; atMs: number } | undefined;
  const { samples, journal, clock } = context;

  const refresh = (): void => {
    if (current !== undefined && isAlive(current)) return;
    if (current !== undefined) {
      journal.write({ type: "process", service, change: "gone", identity: current });
      current = undefined;
      lastCpu = undefined;
    }
    const found = context.stack.process(service).find();
    if (found === undefined) return;
    current = found;
    const startedAtMs = startMonotonicMs(found) - context.zeroMonotonicMs;
    journal.write({ type: "process", service, change: "appeared", identity: found, startedAtMs });
  };

  return {
    name: `process.${service}`,
    everyMs: 1_000,
    look(atMs) {
      refresh();
      if (current === undefined) return;
      const stat = processStat(current.pid);
      if (stat === undefined || stat.identity.startTicks !== current.startTicks) return;
      samples.sample(`process.${service}.rss`, "bytes", atMs, stat.rssBytes);
      const nowMs = clock.nowMs();
      if (lastCpu !== undefined && nowMs > lastCpu.atMs) {
        const seconds = (stat.cpuTicks - lastCpu.ticks) / ticksPerSecond;
        samples.sample(`process.${service}.cpu`, "ratio", atMs, seconds / ((nowMs - lastCpu.atMs) / 1_000));
      }
      lastCpu = { ticks: stat.cpuTicks, atMs: nowMs };
      const descriptors = countDescriptors(current.pid);
      if (descriptors !== undefined) samples.sample(`process.${service}.fds`, "count", atMs, descriptors);
    },
  };
}

/** Start time of a process on CLOCK_MONOTONIC, exact to about 20 ms (both sources count hundredths of a second). */
function startMonotonicMs(identity: ProcessIdentity): number {
  const uptimeMs = Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1_000;
  const ageMs = uptimeMs - (identity.startTicks / ticksPerSecond) * 1_000;
  return Number(process.hrtime.bigint()) / 1e6 - ageMs;
}

function countDescriptors(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch (error) {
    if (hasErrno(error, "ENOENT", "EACCES", "ESRCH")) return undefined;
    throw error;
  }
}
