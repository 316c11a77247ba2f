// Two settings that are easily taken for one, both asked and measured: how much of the windows' time was under fault (duty cycle), and how
// many calls failed while a service was told to fail some (fault rate). Reported, not judged. Definitions: docs/verdict.md.
import type { Plan } from "../plan/plan.ts";
import { clipped, coveredMs, type Interval } from "../support/intervals.ts";
import type { DutyCycle, FaultRate, FaultRecord } from "./verdict.ts";

/** What a momentary fault counts at least: as in the plan. */
const leastMs = 1_000;

/** Null for a plan without windows. */
export function dutyOf(plan: Plan, faults: readonly FaultRecord[], endMs: number): DutyCycle | null {
  if (plan.duty === undefined) return null;
  const seen = plan.windows
    .map(({ startMs, endMs: windowEndMs }) => ({ startMs, endMs: Math.min(windowEndMs, endMs) }))
    .filter((window) => window.startMs < window.endMs);
  const windowMs = seen.reduce((sum, window) => sum + window.endMs - window.startMs, 0);
  const inForce = faults.flatMap((record) => inForceOf(record, endMs));
  const measured = windowMs === 0 ? null : coveredMs(clipped(inForce, seen)) / windowMs;
  return { ...plan.duty, measured };
}

/** From effective to healed; for what the stack mends itself, to recovered. Only what was confirmed was in force. */
function inForceOf(record: FaultRecord, endMs: number): Interval[] {
  const startMs = (record.effective ?? record.injected)?.atMs;
  if (record.confirmed !== "yes" || startMs === undefined) return [];
  if (record.kind === "held") return [{ startMs, endMs: record.healed?.atMs ?? endMs }];
  return [{ startMs, endMs: Math.max(startMs + leastMs, record.recovered?.atMs ?? startMs) }];
}

/** One for each rate that was asked of a service, the measured ones being means over the looks that confirmed them. */
export function faultRatesOf(plan: Plan, faults: readonly FaultRecord[]): FaultRate[] {
  const looks = faults.flatMap((record) => {
    const asked = plan.faults.find(({ id }) => id === record.id)?.options["rate"];
    const { magnitude, fault, confirmed } = record;
    if (fault !== "upstream-errors" || typeof asked !== "number" || confirmed !== "yes") return [];
    return magnitude === null ? [] : [{ asked, measured: magnitude.measured }];
  });
  const byRate = Map.groupBy(looks, ({ asked }) => asked);
  return [...byRate]
    .toSorted(([a], [b]) => a - b)
    .map(([asked, all]) => ({
      asked,
      measured: all.reduce((sum, { measured }) => sum + measured, 0) / all.length,
      faults: all.length,
    }));
}
