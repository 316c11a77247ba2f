// Where the zero of a run's journal lies on this machine's monotonic clock, for a process that goes on with it. In the same boot that is the
// same number. After a reboot the monotonic clock began anew, and time goes on by the wall clock: uncertain by as much as that may be wrong.
import type { JournalEvent } from "../journal/events.ts";
import { eventsIn } from "../journal/journal-reader.ts";

export interface Axis {
  /** CLOCK_MONOTONIC at atMs = 0. */
  readonly zeroMonotonicMs: number;
  readonly bootChanged: boolean;
  /** The true time since the last event may differ by so much. */
  readonly uncertaintyMs: number;
}

export interface Now {
  readonly bootId: string;
  readonly monotonicMs: number;
  readonly wallMs: number;
}

/** A hardware clock counts whole seconds: one may be lost where it is set at shutdown, and one where it is read at boot. */
const hardwareClockMs = 2_000;

/** Undefined for a journal without a header. */
export function axisOf(events: readonly JournalEvent[], now: Now): Axis | undefined {
  const [header] = eventsIn(events, "run-started");
  if (header === undefined) return undefined;
  const known = eventsIn(events, "resumed").at(-1) ?? header;
  if (known.bootId === now.bootId)
    return { zeroMonotonicMs: known.monotonicZeroMs, bootChanged: false, uncertaintyMs: 0 };
  const clocks = eventsIn(events, "clock");
  const pair = clocks.at(-1) ?? { atMs: header.atMs, wallMs: Date.parse(header.wallStart) };
  const byWallMs = pair.atMs + (now.wallMs - pair.wallMs);
  // A wall clock that went back must not take the journal back with it.
  const lastMs = events.reduce((last, { atMs }) => Math.max(last, atMs), 0);
  const nowMs = Math.max(lastMs, byWallMs);
  const stepMs = Math.max(0, ...clocks.map((clock) => Math.abs(clock.stepMs ?? 0)));
  return {
    zeroMonotonicMs: now.monotonicMs - nowMs,
    bootChanged: true,
    uncertaintyMs: hardwareClockMs + stepMs + (nowMs - byWallMs),
  };
}
