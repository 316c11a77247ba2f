// What is left of a plan's load when a run goes on after its harness died: the running segment from a boundary on, and all later ones, on
// exactly the grid that they were planned on. And the books of what lies before that boundary and has no accounts yet. Pure.
import type { SegmentAccounts } from "../journal/events.ts";
import type { LoadTotals } from "../journal/sample-store.ts";
import type { LoadSegment } from "../plan/plan.ts";
import { plannedBefore, slotMs } from "./grid.ts";

/** A planned segment, or what is left of it. */
export interface RunSegment extends LoadSegment {
  /** Number, in the planned segment, of the start that comes first here; 0 by default. */
  readonly first?: number;
}

/** All starts planned at or after `fromMs` (plan time). */
export function remainingFrom(segments: readonly LoadSegment[], fromMs: number): RunSegment[] {
  return segments.flatMap((segment): RunSegment[] => {
    const first = plannedBefore(segment, fromMs);
    if (first === 0) return [segment];
    if (first >= segment.starts) return [];
    return [{ ...segment, first, startMs: slotMs(segment, first), starts: segment.starts - first }];
  });
}

/** Plan time before which every planned start is in some account. */
export function bookedUntil(segments: readonly LoadSegment[], accounts: readonly SegmentAccounts[]): number {
  let untilMs = 0;
  for (const segment of segments) {
    const booked = bookedOf(segment, accounts);
    if (booked < segment.starts) return booked === 0 ? untilMs : slotMs(segment, booked);
    untilMs = segment.endMs;
  }
  return untilMs;
}

function bookedOf({ index }: LoadSegment, accounts: readonly SegmentAccounts[]): number {
  return accounts.filter((account) => account.index === index).reduce((sum, { planned }) => sum + planned, 0);
}

export interface LostLoad {
  readonly segments: readonly LoadSegment[];
  /** Accounts that the journal holds. */
  readonly accounts: readonly SegmentAccounts[];
  /** All that was recorded before the boundary. */
  readonly totals: LoadTotals;
  /** The gap, plan time; `toMs` is the boundary. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** A start that was due at the edge of the gap may have come a moment later, and so be in it. */
const edgeStarts = 1;

/**
 * Closes the books up to the boundary: for each segment with starts before it that no account covers, one account. What was recorded and
 * belongs to no account is theirs, in the order of the segments; what is missing from the gap was `missed`, and from elsewhere has no
 * excuse.
 */
export function accountsOfGap({ segments, accounts, totals, fromMs, toMs }: LostLoad): SegmentAccounts[] {
  const booked = (pick: (account: SegmentAccounts) => number): number =>
    accounts.reduce((sum, account) => sum + pick(account), 0);
  const left = {
    started: Math.max(0, totals.started - booked(({ started }) => started)),
    completed: Math.max(0, totals.completed - booked(({ completed }) => completed)),
    dropped: Math.max(0, totals.dropped - booked(({ dropped }) => dropped)),
  };
  const open = segments.flatMap((segment) => {
    const done = bookedOf(segment, accounts);
    const until = plannedBefore(segment, toMs);
    const inGap = until - Math.max(done, Math.min(until, plannedBefore(segment, fromMs)));
    return until > done ? [{ segment, planned: until - done, inGap }] : [];
  });
  return open.map(({ segment, planned, inGap }, index) => {
    const take = (kind: keyof typeof left, room: number): number => {
      // The last one takes all: what was recorded must not vanish from the books.
      const taken = index === open.length - 1 ? left[kind] : Math.min(left[kind], room);
      left[kind] -= taken;
      return taken;
    };
    const completed = take("completed", planned);
    const dropped = take("dropped", planned - completed);
    const missing = planned - completed - dropped;
    const missed = Math.min(Math.max(0, missing), inGap + edgeStarts);
    return {
      index: segment.index,
      planned,
      started: take("started", planned),
      completed,
      dropped,
      interrupted: 0,
      missed,
      unaccounted: missing - missed,
      users: segment.users,
      usersNeeded: segment.usersNeeded,
      exitCode: null,
      cpuMs: 0,
      peakRssBytes: 0,
    };
  });
}
