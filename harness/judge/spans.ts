// The stretch of time that belongs to a fault, and what is left: calm. Shared by every checker that treats the two differently.
import type { Plan } from "../plan/plan.ts";
import type { LoadIndex } from "./load-index.ts";

export interface Span {
  readonly fault: string;
  /** When injecting began. */
  readonly fromMs: number;
  /** When the stack had to be, or was, itself again: the latest of end of settle, healed, recovered. */
  readonly toMs: number;
}

export function spanAt(spans: readonly Span[], atMs: number): Span | undefined {
  return spans.find(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);
}

/**
 * Calm seconds: after warm-up and wholly outside every fault's span. A span reaches one request time-out back, because requests in flight
 * when a fault strikes may fail by it. Load spikes are calm: they are no harm. Seconds of missing evidence are not.
 */
export function calmSeconds(plan: Plan, load: LoadIndex, spans: readonly Span[]): ReadonlySet<number> {
  const calm = new Set<number>();
  for (const { second, missing } of load.seconds) {
    const fromMs = second * 1_000;
    if (fromMs < plan.warmUpMs || missing === true) continue;
    const touched = spans.some(
      (span) => fromMs + 1_000 > span.fromMs - plan.load.timeoutMs && fromMs <= span.toMs,
    );
    if (!touched) calm.add(second);
  }
  return calm;
}
