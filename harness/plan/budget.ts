// What the faults may cost against what the availability objective allows. A plan that cannot meet its own objective is refused.
import type { ObjectivesInput } from "../scenario/scenario.ts";
import { formatDuration } from "../support/duration.ts";
import type { Budget, FaultStep } from "./plan.ts";
import type { Problems } from "./problems.ts";

/** Skipped steps cost nothing. Adds a problem when the faults may cost more than is allowed. */
export function planBudget(
  { availability }: ObjectivesInput,
  durationMs: number,
  faults: readonly FaultStep[],
  problems: Problems,
): Budget {
  const costs = faults.filter(({ skipped }) => skipped === undefined);
  const plannedMs = costs.reduce((sum, { expect }) => sum + expect.unavailableMs, 0);
  const allowedMs = availability === undefined ? null : Math.round((1 - availability) * durationMs);
  if (availability !== undefined && allowedMs !== null && plannedMs > allowedMs) {
    const reachable = Math.floor((1 - plannedMs / durationMs) * 100_000) / 100_000;
    problems.add(
      "plan-over-budget",
      "objectives.availability",
      `faults may cost ${seconds(plannedMs)}, but ${percent(availability)} of ${formatDuration(durationMs)} allows ${seconds(allowedMs)}: ${seconds(plannedMs - allowedMs)} over (${costliest(costs)})`,
      `Plan fewer of the costliest faults, lengthen the run, or lower objectives.availability to ${Math.max(0, reachable)}.`,
    );
  }
  return { allowedMs, plannedMs };
}

export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

export function percent(share: number): string {
  return `${Number((share * 100).toFixed(4))} %`;
}

/** "6 x kill: 18.0 s, 6 x memory-leak: 12.0 s", dearest first. */
export function costliest(faults: readonly FaultStep[]): string {
  const sums = new Map<string, { count: number; costMs: number }>();
  for (const { fault, expect } of faults.filter((step) => step.expect.unavailableMs > 0)) {
    const { count, costMs } = sums.get(fault) ?? { count: 0, costMs: 0 };
    sums.set(fault, { count: count + 1, costMs: costMs + expect.unavailableMs });
  }
  return [...sums]
    .toSorted(([, a], [, b]) => b.costMs - a.costMs)
    .map(([fault, { count, costMs }]) => `${count} x ${fault}: ${seconds(costMs)}`)
    .join(", ");
}
