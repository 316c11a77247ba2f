// Joins wall-clock stamps of other programs (k6, a watchdog's log) to the monotonic axis. The offset starts exact to microseconds
// (performance.timeOrigin) and is then kept inside the bounds that each reading of the whole-millisecond wall clock allows, so that it
// follows slewing; a jump of more than 50 ms is a step and is reported.
import { performance } from "node:perf_hooks";
import { systemClock, type Clock } from "./clock.ts";

/** A wall clock that moves by more than this against the monotonic one was stepped, not slewed. */
const stepLimitMs = 50;

export interface WallJoin {
  /** CLOCK_MONOTONIC in milliseconds of a wall-clock stamp (milliseconds since the Unix epoch). */
  toMonotonicMs(wallMs: number): number;
  /** Reads both clocks; call it once a second. Returns the step in milliseconds when the wall clock jumped. */
  observe(): number | undefined;
}

/** Two readings this far apart were not taken at the same time: the process was held up between them. */
const heldUpMs = 0.2;

/** `clock.nowMs()` minus the other reading, both taken within 0.2 ms; the tightest of a few tries on a machine that is too busy for that. */
export function readTogether(clock: Clock, other: () => number): number {
  let best = { widthMs: Infinity, difference: 0 };
  for (let attempt = 0; attempt < 5 && best.widthMs > heldUpMs; attempt++) {
    const before = clock.nowMs();
    const reading = other();
    const after = clock.nowMs();
    if (after - before < best.widthMs) best = { widthMs: after - before, difference: before - reading };
  }
  return best.difference;
}

export function createWallJoin(clock: Clock = systemClock): WallJoin {
  let offsetMs = performance.timeOrigin - readTogether(clock, () => performance.now());
  const observe = (): number | undefined => {
    // wallMs is cut to whole milliseconds: the true offset lies in [low, low + 1).
    const low = -readTogether(clock, () => clock.wallMs());
    const moved = low + 0.5 - offsetMs;
    if (offsetMs < low) offsetMs = low;
    else if (offsetMs > low + 1) offsetMs = low + 1;
    return Math.abs(moved) > stepLimitMs ? moved : undefined;
  };
  return { observe, toMonotonicMs: (wallMs) => wallMs - offsetMs };
}
