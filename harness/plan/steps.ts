// From placed units to the steps of the timeline: in order of time, with ids, patterns and groups.
import { clipped, coveredMs, mostAtOnce, type Interval } from "../support/intervals.ts";
import type { FaultStep, PlannedDuty } from "./plan.ts";
import type { ResolvedFault } from "./resolve-fault.ts";
import type { PlacedUnit } from "./units.ts";

type Pattern = NonNullable<FaultStep["pattern"]>;

/** A resolved fault at its time; ids, patterns and groups are given when all of them are known. */
export interface TimedFault {
  readonly resolved: ResolvedFault;
  readonly startMs: number;
  readonly pattern?: Pattern;
}

export function stepsOf(placed: readonly PlacedUnit[]): FaultStep[] {
  const units = placed.toSorted((a, b) => a.startMs - b.startMs);
  const patterns = units.filter(({ unit }) => unit.pattern !== null);
  const timed = units.flatMap((one) => {
    const { unit, startMs } = one;
    const id = `p${numbered(patterns.indexOf(one), patterns.length)}-${unit.pattern ?? ""}`;
    return unit.steps.map(({ resolved, offsetMs }, index): TimedFault => {
      const at = { resolved, startMs: startMs + offsetMs };
      if (unit.pattern === null) return at;
      return { ...at, pattern: { id, name: unit.pattern, index: index + 1, of: unit.steps.length } };
    });
  });
  return timeline(timed);
}

/** Steps in order of time. */
export function timeline(timed: readonly TimedFault[]): FaultStep[] {
  const inOrder = timed.toSorted((a, b) => a.startMs - b.startMs);
  const steps = inOrder.map(({ resolved, startMs, pattern }, index): FaultStep => ({
    id: `f${numbered(index, inOrder.length)}-${resolved.fault.name}`,
    fault: resolved.fault.name,
    kind: resolved.fault.kind,
    target: resolved.target,
    options: resolved.options,
    startMs,
    healMs: startMs + resolved.holdMs,
    settleUntilMs: startMs + resolved.settledMs,
    expect: resolved.expect,
    ...(resolved.skipped === undefined ? {} : { skipped: resolved.skipped }),
    ...(pattern === undefined ? {} : { pattern }),
  }));
  return grouped(steps);
}

/** A number from 1, as wide as the last one, at least two digits. */
export function numbered(index: number, count: number): string {
  return String(index + 1).padStart(Math.max(2, String(count).length), "0");
}

/** Steps of one pattern belong together, and so do those that overlap, settle times included. */
function grouped(steps: readonly FaultStep[]): FaultStep[] {
  const lists: FaultStep[][] = [];
  for (const step of steps) {
    const last = lists.at(-1);
    const together = last?.some(
      (other) =>
        step.startMs < overAndSettledMs(other) ||
        (step.pattern !== undefined && step.pattern.id === other.pattern?.id),
    );
    if (last === undefined || together !== true) lists.push([step]);
    else last.push(step);
  }
  const several = lists.filter(({ length }) => length > 1);
  return lists.flatMap((list) => {
    if (list.length === 1) return list;
    const group = `g${numbered(several.indexOf(list), several.length)}`;
    return list.map((step) => ({ ...step, group }));
  });
}

/** How long a planned step is in force: to heal, or for momentary faults as long as it may cost, at least a second. */
function inForce({ startMs, healMs, kind, expect }: FaultStep): Interval {
  return { startMs, endMs: kind === "held" ? healMs : startMs + Math.max(1_000, expect.unavailableMs) };
}

/** When a step is over and the time after it, too. */
export function overAndSettledMs(step: FaultStep): number {
  return Math.max(step.settleUntilMs, inForce(step).endMs);
}

/** What the run is to be held to: the scenario's limit, or more where a pattern has a limit of its own that the timeline makes use of. */
export function limitAtOnce(faults: readonly FaultStep[], allowed: number): number {
  return Math.max(allowed, mostAtOnce(faults.map(inForce)));
}

/** @param asked Null: what the plan adds up to. Undefined without windows. */
export function plannedDuty(
  faults: readonly FaultStep[],
  windows: readonly Interval[],
  asked: number | null,
): PlannedDuty | undefined {
  const windowMs = windows.reduce((sum, { startMs, endMs }) => sum + endMs - startMs, 0);
  if (windowMs === 0) return undefined;
  const carried = faults.filter(({ skipped }) => skipped === undefined);
  const planned = coveredMs(clipped(carried.map(inForce), windows)) / windowMs;
  return { asked: asked ?? planned, planned };
}
