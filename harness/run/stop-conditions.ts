// Stop conditions of a scenario, looked at once a second: a run whose stack stays down, or answers mostly with failures, is ended, because
// nothing after that would be evidence. What they see is seconds old: a request may take its whole time-out before it counts as failed.
import type { LoadDriver } from "../load/load-driver.ts";
import type { Plan } from "../plan/plan.ts";
import type { Clock } from "../support/clock.ts";
import { formatDuration } from "../support/duration.ts";

export interface StopWatch {
  readonly plan: Pick<Plan, "stopWhen">;
  readonly load: Pick<LoadDriver, "live">;
  /** Counts in plan time. */
  readonly clock: Clock;
  /** Plan time from which this load is watched; 0 but for a resumed run. */
  readonly fromMs?: number;
  readonly stop: (reason: string) => void;
}

/** A look at the load's last second: the reason to stop, where there is one. */
type Condition = (live: ReturnType<LoadDriver["live"]>, nowMs: number) => string | undefined;

/** A check to call once a second; it calls `stop` at most once. */
export function watchForStop({ plan, load, clock, fromMs = 0, stop }: StopWatch): () => void {
  const { unavailableForMs, failedShare } = plan.stopWhen;
  const conditions: Condition[] = [];
  if (unavailableForMs !== null) conditions.push(unavailableFor(unavailableForMs, fromMs));
  if (failedShare !== undefined) conditions.push(mostlyFailing(failedShare, fromMs));
  let stopped = false;
  return () => {
    if (stopped || conditions.length === 0) return;
    const live = load.live();
    const nowMs = clock.nowMs();
    // Each is asked each time: they count.
    const [reason] = conditions.flatMap((condition) => condition(live, nowMs) ?? []);
    if (reason === undefined) return;
    stopped = true;
    stop(reason);
  };
}

function unavailableFor(limitMs: number, fromMs: number): Condition {
  let lastGoodMs = fromMs;
  return ({ startedLastSecond, failedLastSecond }, nowMs) => {
    if (startedLastSecond > failedLastSecond || nowMs < 0) lastGoodMs = Math.max(0, nowMs);
    if (nowMs - lastGoodMs < limitMs) return undefined;
    return `no request succeeded for ${formatDuration(limitMs)} (stopWhen.unavailableFor)`;
  };
}

function mostlyFailing(
  { overMs, above }: { readonly overMs: number; readonly above: number },
  fromMs: number,
): Condition {
  const first = fromMs / 1_000;
  const seconds = new Map<number, { readonly started: number; readonly failed: number }>();
  return ({ second, startedLastSecond, failedLastSecond }) => {
    if (second < first) return undefined;
    seconds.set(second, { started: startedLastSecond, failed: failedLastSecond });
    const length = Math.max(1, Math.round(overMs / 1_000));
    for (const known of seconds.keys()) if (known <= second - length) seconds.delete(known);
    // Before so much time has passed the share would rest on less than was asked for.
    if (second + 1 - first < length) return undefined;
    const sum = (pick: "started" | "failed"): number =>
      [...seconds.values()].reduce((total, one) => total + one[pick], 0);
    const share = sum("started") === 0 ? 0 : sum("failed") / sum("started");
    if (share <= above) return undefined;
    const percent = (value: number): string => `${Math.round(value * 1_000) / 10} %`;
    return `${percent(share)} of requests failed over ${formatDuration(overMs)}, more than ${percent(above)} (stopWhen.failedShare)`;
  };
}
