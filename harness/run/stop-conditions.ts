// Stop conditions of a scenario, looked at once a second: a stack that stays down for longer than `stopWhen.unavailableFor` ends the run,
// because nothing after that would be evidence.
import type { LoadDriver } from "../load/load-driver.ts";
import type { Plan } from "../plan/plan.ts";
import type { Clock } from "../support/clock.ts";
import { formatDuration } from "../support/duration.ts";

export interface StopWatch {
  readonly plan: Plan;
  readonly load: Pick<LoadDriver, "live">;
  /** Counts in plan time. */
  readonly clock: Clock;
  readonly stop: (reason: string) => void;
}

/** A check to call once a second; it calls `stop` at most once. */
export function watchForStop({ plan, load, clock, stop }: StopWatch): () => void {
  const limitMs = plan.stopWhen.unavailableForMs;
  let lastGoodMs = 0;
  let stopped = false;
  return () => {
    if (limitMs === null || stopped) return;
    const { startedLastSecond, failedLastSecond } = load.live();
    const nowMs = clock.nowMs();
    if (startedLastSecond > failedLastSecond || nowMs < 0) lastGoodMs = Math.max(0, nowMs);
    if (nowMs - lastGoodMs < limitMs) return;
    stopped = true;
    stop(`no request succeeded for ${formatDuration(limitMs)} (stopWhen.unavailableFor)`);
  };
}
