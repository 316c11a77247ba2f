// When the stack is well again after something that was none of its doing.
import type { LoadIndex } from "./load-index.ts";

/** Pools, breakers and watchdogs need their time after every connection broke. At least so long, more where the load is not well by then … */
const settleAtLeastMs = 5_000;
/** … but no longer: what still fails then does not come right by itself, and whose fault that is has to be asked. */
const settleAtMostMs = 30_000;
/** Good seconds in a row that show the load to be well again. */
const goodRun = 3;

/** Plan time from which what users see is the stack's own again, after a disturbance that ended at `backMs`. */
export function settledMs(load: LoadIndex, backMs: number): number {
  const first = Math.ceil(backMs / 1_000);
  const last = Math.floor((backMs + settleAtMostMs) / 1_000);
  const isGood = (second: number): boolean => load.seconds[second]?.state === "good";
  for (let second = Math.max(0, first); second < last; second++) {
    const well = Array.from({ length: goodRun }, (_, n) => isGood(second + n)).every(Boolean);
    if (well) return Math.max(backMs + settleAtLeastMs, second * 1_000);
  }
  return backMs + settleAtMostMs;
}
