// Before the load: is the machine quiet enough to measure on, and large enough to finish? Too little disk or memory ends the run at once
// (environment error); a noisy machine is journalled, and the judge will not call the evidence sound.
import { availableParallelism } from "node:os";
import type { PreflightCheck } from "../journal/events.ts";
import type { Plan } from "../plan/plan.ts";
import { cpuTicks, freeBytes } from "../probes/system-probe.ts";
import { LatencySketch } from "../support/latency-sketch.ts";
import { environmentError } from "../support/errors.ts";
import { formatDuration } from "../support/duration.ts";
import { monotonicMs, sleep } from "../support/clock.ts";

const mib = 2 ** 20;
/** Share of all cores that may be busy while the stack idles. Above it k6 and the stack compete with something that is not ours. */
const busyLimit = 0.6;
/** A timer that wakes later than this (99th percentile of 10-ms sleeps) means that load would start late as well. */
const wakeLimitMs = 25;
/** Logs are capped at 256 MiB a run; data folders and traces of the stack come on top. */
const diskBaseBytes = 512 * mib;
/** Rows of 100 series at 1 Hz: 19 bytes a sample were measured for this store, 7 MiB an hour; twice that is asked for. */
const diskPerHourBytes = 14 * mib;
/** Shortest time for which a noisy machine is given another chance. */
const patienceMs = 30_000;
const memoryNeededBytes = 512 * mib;

/** Looks for `plan.preflightMs`. Throws an environment error where the run could not finish. */
export async function preflight(
  plan: Pick<Plan, "durationMs" | "preflightMs">,
  runDir: string,
  memoryAvailableBytes: number,
  signal: AbortSignal,
): Promise<PreflightCheck[]> {
  const diskNeeded = diskBaseBytes + (plan.durationMs / 3_600_000) * diskPerHourBytes;
  const diskFree = freeBytes(runDir);
  if (diskFree < diskNeeded) {
    const text = `${runDir}: ${toMib(diskFree)} MiB free, ${toMib(diskNeeded)} MiB needed for ${formatDuration(plan.durationMs)}`;
    throw environmentError("disk-full", text, {
      hint: "free some space (`kiln clean --keep N` removes old run folders) or run in another folder",
    });
  }
  if (memoryAvailableBytes < memoryNeededBytes) {
    const text = `${toMib(memoryAvailableBytes)} MiB of memory available, ${toMib(memoryNeededBytes)} MiB needed beside the stack`;
    throw environmentError("memory-low", text, { hint: "end other programs, or use a larger machine" });
  }
  return [
    ...(plan.preflightMs > 0
      ? quietChecks(await awaitQuiet(plan.preflightMs, signal), plan.preflightMs)
      : []),
    {
      name: "disk",
      ok: true,
      measured: diskFree,
      limit: diskNeeded,
      atLeast: true,
      unit: "bytes",
      text: `${toMib(diskFree)} MiB free`,
    },
    {
      name: "memory",
      ok: true,
      measured: memoryAvailableBytes,
      limit: memoryNeededBytes,
      atLeast: true,
      unit: "bytes",
      text: `${toMib(memoryAvailableBytes)} MiB of memory available`,
    },
  ];
}

function quietChecks({ busy, wakeP99Ms }: Seen, lengthMs: number): PreflightCheck[] {
  const seen = formatDuration(lengthMs);
  return [
    {
      name: "quiet",
      ok: busy <= busyLimit,
      measured: busy,
      limit: busyLimit,
      unit: "ratio",
      text: `${Math.round(busy * 100)} % of ${availableParallelism()} cores busy over ${seen}, with the stack idle`,
    },
    {
      name: "timers",
      ok: wakeP99Ms <= wakeLimitMs,
      measured: wakeP99Ms,
      limit: wakeLimitMs,
      unit: "ms",
      text: `timers woke up to ${wakeP99Ms.toFixed(1)} ms late (p99) over ${seen}`,
    },
  ];
}

interface Seen {
  readonly busy: number;
  readonly wakeP99Ms: number;
}

/** Looks again while the machine is noisy, for half a minute or more in all: a neighbour's burst at the start must not cost a run of hours. */
async function awaitQuiet(lengthMs: number, signal: AbortSignal): Promise<Seen> {
  const giveUpMs = monotonicMs() + Math.max(patienceMs, 3 * lengthMs);
  for (;;) {
    const seen = await watchMachine(lengthMs, signal);
    const quiet = seen.busy <= busyLimit && seen.wakeP99Ms <= wakeLimitMs;
    if (quiet || monotonicMs() + lengthMs > giveUpMs) return seen;
  }
}

async function watchMachine(lengthMs: number, signal: AbortSignal): Promise<Seen> {
  const before = cpuTicks();
  const wake = new LatencySketch();
  const endMs = monotonicMs() + lengthMs;
  while (monotonicMs() < endMs) {
    const dueMs = monotonicMs() + 10;
    await sleep(10, signal);
    wake.record(monotonicMs() - dueMs);
  }
  const after = cpuTicks();
  return {
    busy: (after.busy - before.busy) / Math.max(1, after.total - before.total),
    wakeP99Ms: wake.quantile(0.99),
  };
}

function toMib(bytes: number): number {
  return Math.round(bytes / mib);
}
