// Closes the books of a segment: planned = completed + dropped + interrupted + unaccounted. Pure.
import type { SegmentAccounts } from "../journal/events.ts";
import type { LoadSegment } from "../plan/plan.ts";
import type { SegmentCounts } from "./aggregate.ts";
import type { K6End } from "./k6-process.ts";

/** k6 runs on for 50 ms after its segment, on purpose; one start more may fall on the edge. */
const overrunSeconds = 0.05;

/** True when k6 went on for longer than it was asked to: its rate or its duration is not the plan's. */
export function ranOver(segment: LoadSegment, excess: number): boolean {
  return excess > Math.ceil(segment.rps * overrunSeconds) + 1;
}

/**
 * What a segment came to. Where k6 came to its planned end (exit code 0), what is missing has no excuse and is `unaccounted`: starts that
 * never were, iterations that threw, rows that were lost. Where it was ended early, what is missing was `interrupted`.
 */
export function closeAccounts(
  segment: LoadSegment,
  counts: Readonly<Omit<SegmentCounts, "excess">>,
  end: Omit<K6End, "log">,
): SegmentAccounts {
  const { started, completed, dropped } = counts;
  const missing = segment.starts - completed - dropped;
  const endedEarly = end.exitCode !== 0;
  const interrupted = endedEarly ? Math.max(0, missing) : 0;
  return {
    index: segment.index,
    planned: segment.starts,
    started,
    completed,
    dropped,
    interrupted,
    unaccounted: missing - interrupted,
    users: segment.users,
    usersNeeded: segment.usersNeeded,
    exitCode: end.exitCode,
    cpuMs: end.cpuMs,
    peakRssBytes: end.peakRssBytes,
  };
}
