// Notices that the machine slept. CLOCK_MONOTONIC, on which everything here is timed, stands still meanwhile; the kernel's uptime
// (CLOCK_BOOTTIME) does not, so the difference of the two grows by as long as it slept. Resolution: the uptime's ticks of 10 ms.
import { readFileSync } from "node:fs";
import { systemClock, type Clock } from "./clock.ts";
import { readTogether } from "./wall-join.ts";

/** Less than this may be the ticks, and a reading that was held up. */
const noticeMs = 100;

/** Milliseconds since boot, suspend included. */
function uptimeMs(): number {
  return Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 1_000;
}

/** A look to take once a second: for how long the machine slept since the last one, milliseconds; undefined when it did not. */
export function createSuspendWatch(
  clock: Clock = systemClock,
  readUptimeMs: () => number = uptimeMs,
): () => number | undefined {
  const aheadMs = (): number => -readTogether(clock, readUptimeMs);
  let knownMs = aheadMs();
  return () => {
    const nowMs = aheadMs();
    const sleptMs = nowMs - knownMs;
    if (sleptMs < noticeMs) return undefined;
    knownMs = nowMs;
    return sleptMs;
  };
}
