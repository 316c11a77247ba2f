// Faults and patterns at fixed times (`chaos.planned`): resolved and checked against the run's ends, the warm-up, the quiet stretch and each
// other. They may lie in a spike: whoever plans one there wants it there.
import type { Scenario } from "../scenario/scenario.ts";
import { formatDuration } from "../support/duration.ts";
import { overlap, type Interval } from "../support/intervals.ts";
import type { Rng } from "../support/rng.ts";
import type { Problems } from "./problems.ts";
import type { KnownFaults } from "./resolve-fault.ts";
import { checkUnit, endOf, inForce, type PlacedUnit } from "./units.ts";

export function checkPlanned(
  scenario: Scenario,
  durationMs: number,
  known: KnownFaults,
  rng: Rng,
  problems: Problems,
): PlacedUnit[] {
  const placed = scenario.chaos.planned.flatMap((choice, index): PlacedUnit[] => {
    const key = `chaos.planned[${index}]`;
    const drawable = checkUnit(choice, key, scenario, known, problems);
    if (drawable === undefined) return [];
    return [{ unit: drawable.draw(rng.stream(String(index))), key, startMs: choice.atMs }];
  });
  for (const fault of placed) checkTime(fault, scenario, durationMs, problems);
  const inOrder = placed.toSorted((a, b) => a.startMs - b.startMs);
  for (const [index, later] of inOrder.entries()) {
    const before = inOrder.slice(0, index);
    if (!checkOverlap(later, before, scenario, problems)) continue;
    checkAtOnce(later, before, scenario, problems);
  }
  return placed;
}

function nameOf({ unit }: PlacedUnit): string {
  return unit.pattern ?? unit.steps[0]?.resolved.fault.name ?? "";
}

function checkTime(
  fault: PlacedUnit,
  { warmUpMs, chaos }: Scenario,
  durationMs: number,
  problems: Problems,
): void {
  const { key, startMs, unit } = fault;
  const at = formatDuration(startMs);
  const end = formatDuration(endOf(fault));
  if (startMs < warmUpMs) {
    problems.add(
      "plan-in-warm-up",
      `${key}.at`,
      `expected ${formatDuration(warmUpMs)} or later, after the warm-up, got ${at}`,
    );
  }
  const lastMs = durationMs - chaos.finalSettleMs;
  if (endOf(fault) > lastMs) {
    const before =
      chaos.finalSettleMs === 0
        ? `before the load does at ${formatDuration(durationMs)}`
        : `before the final settle begins at ${formatDuration(lastMs)}`;
    problems.add(
      "plan-past-end",
      `${key}.at`,
      `expected the fault and its settle time to end ${before}, but they end at ${end}`,
      "Lengthen the duration, plan it earlier, or shorten its hold, chaos.settle or chaos.finalSettle.",
    );
  }
  const quietFromMs = durationMs - (chaos.quietStretchMs ?? 0);
  const [restart] = unit.restarts;
  if (chaos.quietStretchMs !== null && restart !== undefined && endOf(fault) > quietFromMs) {
    problems.add(
      "plan-in-quiet-stretch",
      `${key}.at`,
      `"${nameOf(fault)}" restarts ${restart.service}; expected it to be over before the quiet stretch begins at ${formatDuration(quietFromMs)}, but it ends at ${end}`,
    );
  }
}

/**
 * On one target the next fault must wait until the one before has settled: nobody could say whose harm and whose recovery it is. Beside a
 * pattern there may be nothing at all.
 */
function checkOverlap(
  later: PlacedUnit,
  before: readonly PlacedUnit[],
  { chaos }: Scenario,
  problems: Problems,
): boolean {
  for (const earlier of before) {
    if (endOf(earlier) <= later.startMs) continue;
    const shared = later.unit.targets.find((target) => earlier.unit.targets.includes(target));
    const alone = earlier.unit.pattern !== null || later.unit.pattern !== null;
    if (!alone && (shared === undefined || chaos.sameTarget === "allow")) continue;
    const where = shared === undefined ? "" : ` on ${shared}`;
    const why = alone ? `; nothing may lie beside a pattern` : "";
    problems.add(
      "plan-overlap",
      `${later.key}.at`,
      `overlaps ${earlier.key}${where}: expected ${formatDuration(endOf(earlier))} or later ("${nameOf(earlier)}" from ${formatDuration(earlier.startMs)}, with hold and settle time${why}), got ${formatDuration(later.startMs)}`,
      "Move one of the two, or shorten its hold or chaos.settle.",
    );
    return false;
  }
  return true;
}

/** Whether too many would be in force when this one begins. Inside a pattern its own rule holds. */
function checkAtOnce(
  later: PlacedUnit,
  before: readonly PlacedUnit[],
  { chaos }: Scenario,
  problems: Problems,
): void {
  const instant: Interval = { startMs: later.startMs, endMs: later.startMs + 1 };
  const there = before.filter((earlier) =>
    earlier.unit.steps.some((step) => overlap(inForce(step, earlier.startMs), instant)),
  );
  if (later.unit.pattern !== null || there.length < chaos.atMostAtOnce) return;
  const beside = there.map((earlier) => `${earlier.key} ("${nameOf(earlier)}")`).join(", ");
  problems.add(
    "plan-too-many-at-once",
    `${later.key}.at`,
    `would be in force beside ${beside}; expected at most ${chaos.atMostAtOnce} at once (chaos.atMostAtOnce)`,
    "Move it, shorten a hold, or raise chaos.atMostAtOnce.",
  );
}
