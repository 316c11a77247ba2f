// The once-a-second duties of a run: make samples durable, tell the reaper that the harness lives, keep wall and monotonic time joined,
// notice when the process itself was stopped or the machine slept.
import type { JournalWriter } from "../journal/events.ts";
import type { SampleWriter } from "../journal/sample-writer.ts";
import { everyTick, type Clock } from "../support/clock.ts";
import { createSuspendWatch } from "../support/suspend.ts";
import type { WallJoin } from "../support/wall-join.ts";
import { capLogs } from "./log-cap.ts";

/** A tick later than this means that nobody was watching meanwhile. */
const gapLimitMs = 2_000;
const clockEventEveryMs = 60_000;
/** How often the logs are measured. */
const logLookEveryMs = 60_000;

export interface PulseRequest {
  readonly journal: JournalWriter;
  readonly samples: SampleWriter;
  /** Counts from the journal's zero. */
  readonly clock: Clock;
  readonly wall: WallJoin;
  readonly logsDir: string;
  /** Called after a stretch in which the process did not run: the reaper may have healed behind its back. */
  readonly onGap: () => void;
  /** For how long the machine slept since the last call, where it did. */
  readonly suspended?: () => number | undefined;
  /** Runs each second before the commit: load flush, progress, stop conditions. */
  readonly duties: () => void;
}

/** Beats until `stop`; a duty that throws ends the pulse, and `failed` rejects with its error. */
export function startPulse(request: PulseRequest): {
  stop(): Promise<void>;
  readonly failed: Promise<never>;
} {
  const { journal, samples, clock, wall, logsDir, onGap, duties } = request;
  const suspended = request.suspended ?? createSuspendWatch(clock);
  const ending = new AbortController();
  let lastMs = clock.nowMs();
  let nextClockMs = lastMs;
  let nextLogMs = lastMs + logLookEveryMs;
  const tick = (): void => {
    const nowMs = clock.nowMs();
    if (nowMs - lastMs > 1_000 + gapLimitMs) {
      journal.write({ type: "gap", what: "the harness did not run", lengthMs: nowMs - lastMs });
      onGap();
    }
    lastMs = nowMs;
    const stepMs = wall.observe();
    const suspendedMs = suspended();
    if (stepMs !== undefined || suspendedMs !== undefined || nowMs >= nextClockMs) {
      const step = stepMs === undefined ? {} : { stepMs };
      const sleep = suspendedMs === undefined ? {} : { suspendedMs };
      journal.write({ type: "clock", wallMs: clock.wallMs(), ...step, ...sleep });
      nextClockMs = nowMs + clockEventEveryMs;
    }
    if (nowMs >= nextLogMs) {
      for (const name of capLogs(logsDir))
        journal.write({ type: "note", level: "info", text: `log ${name} was rotated` });
      nextLogMs = nowMs + logLookEveryMs;
    }
    duties();
    samples.commit();
  };
  const loop = everyTick(1_000, tick, ending.signal, clock);
  const failed = new Promise<never>((_, reject) => {
    loop.catch(reject);
  });
  // Whoever awaits the run races `failed`; without a listener at the very end it must not become an unhandled rejection.
  failed.catch(() => {});
  return {
    failed,
    async stop() {
      ending.abort();
      // Its error, if any, went to whoever raced `failed`.
      await loop.catch(() => {});
    },
  };
}
