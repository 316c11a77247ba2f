// What a service was seen to serve of a configuration file, and for how long. Readings are journalled when something changed (and while
// something is bad), so each one holds until the look before the next.
import type { EventOf } from "../journal/events.ts";
import type { Evidence } from "../journal/evidence.ts";
import { watchTime } from "./watchdog-log.ts";

export type Reading = EventOf<"config">;

/** One answer of the service, from the reading that first showed it to the last look that did. */
export interface Serve {
  readonly seq: number;
  readonly atMs: number;
  readonly lastSeenMs: number;
  readonly served: NonNullable<Reading["served"]>;
}

/** Readings of the load and settle phases, and the last one before them: it is the good state that the run began with. */
export function readingsOf(evidence: Evidence, file: string): Reading[] {
  const { fromMs, toMs } = watchTime(evidence);
  const all = evidence.eventsOf("config").filter((reading) => reading.file === file && reading.atMs <= toMs);
  const before = all.findLast(({ atMs }) => atMs < fromMs);
  return [...(before === undefined ? [] : [before]), ...all.filter(({ atMs }) => atMs >= fromMs)];
}

export function servesOf(evidence: Evidence, file: string, readings: readonly Reading[]): Serve[] {
  return readings.flatMap(({ seq, atMs, served }, index) => {
    if (served === null) return [];
    const next = readings[index + 1];
    // The look before the next reading still showed the same.
    const untilMs =
      next === undefined ? lastAnswerMs(evidence, file, atMs) : next.atMs - next.sincePreviousMs;
    return [{ seq, atMs, lastSeenMs: Math.max(atMs, untilMs), served }];
  });
}

/** The last look that the service answered; nothing has changed since the last reading. */
function lastAnswerMs(evidence: Evidence, file: string, fromMs: number): number {
  let lastMs = fromMs;
  for (const { atMs, value } of evidence.samples(`config.${file}.read`, fromMs, watchTime(evidence).toMs))
    if (value > 0) lastMs = Math.max(lastMs, atMs);
  return lastMs;
}
