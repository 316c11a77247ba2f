// Watches a control group with a CPU quota period by period. The kernel counts a period, and whether the group was throttled in it, when
// the period ends; read often enough, that instant is known to a few milliseconds, and the CPU time between two of them is that period's.
import type { Clock } from "../support/clock.ts";
import { sleep } from "../support/clock.ts";

export interface PeriodsSeen {
  /** Counted by the kernel during the look. */
  readonly periods: number;
  readonly throttled: number;
  readonly passedMs: number;
  /** CPU seconds per second over the whole look. */
  readonly cores: number;
  /** CPU seconds per second in throttled periods whose beginning and end were both seen in time; undefined when there were none. */
  readonly throttledCores: number | undefined;
  readonly measuredPeriods: number;
}

export interface Books {
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly periodMs: number;
}

const lookMs = 3_000;
const readEveryMs = 2;
/** A busy event loop reads late: then that end of a period is not known well enough. */
const latestReadMs = 6;

interface Boundary {
  readonly books: Books;
  readonly times: ReadonlyMap<number, number>;
}

/** `books` undefined: the group is gone. */
export async function watchPeriods(
  books: () => Books | undefined,
  threadTimesNs: () => ReadonlyMap<number, number>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<PeriodsSeen> {
  const need = (): Books => {
    const found = books();
    if (found === undefined) throw new Error("the control group is gone");
    return found;
  };
  const first: Boundary = { books: need(), times: threadTimesNs() };
  const startedMs = clock.nowMs();
  let last = first.books;
  let readAtMs = startedMs;
  let boundary: Boundary | undefined;
  let [usedNs, ownMs, measuredPeriods] = [0, 0, 0];
  while (clock.nowMs() - startedMs < lookMs) {
    await sleep(readEveryMs, signal, clock);
    const now = need();
    const late = clock.nowMs() - readAtMs > latestReadMs;
    readAtMs = clock.nowMs();
    if (now.periods === last.periods) continue;
    last = now;
    const next = { books: now, times: threadTimesNs() };
    if (boundary !== undefined && !late && isOneThrottled(boundary.books, now)) {
      usedNs += usedBetween(boundary.times, next.times);
      ownMs += now.periodMs;
      measuredPeriods += 1;
    }
    boundary = late ? undefined : next;
  }
  const passedMs = clock.nowMs() - startedMs;
  return {
    periods: last.periods - first.books.periods,
    throttled: last.throttledPeriods - first.books.throttledPeriods,
    passedMs,
    cores: usedBetween(first.times, threadTimesNs()) / 1e6 / passedMs,
    throttledCores: measuredPeriods === 0 ? undefined : usedNs / 1e6 / ownMs,
    measuredPeriods,
  };
}

function isOneThrottled(before: Books, after: Books): boolean {
  return after.periods === before.periods + 1 && after.throttledPeriods === before.throttledPeriods + 1;
}

/** CPU time of all threads; of one that ended in between the last part is lost, one that began counts from its beginning. */
function usedBetween(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>): number {
  return [...after].reduce((sum, [tid, ns]) => sum + Math.max(0, ns - (before.get(tid) ?? 0)), 0);
}
