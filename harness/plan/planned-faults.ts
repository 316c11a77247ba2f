// Faults at fixed times (`chaos.planned`): resolved and checked against the run's ends, the warm-up, the quiet stretch and each other. They may
// lie in a spike: whoever plans one there wants it there.
import type { FaultTable } from "../faults/fault.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { formatDuration } from "../support/duration.ts";
import type { Rng } from "../support/rng.ts";
import type { PlacedFault } from "./draw-window.ts";
import type { Problems } from "./problems.ts";
import { checkChoice } from "./resolve-fault.ts";

export function checkPlanned(
  scenario: Scenario,
  durationMs: number,
  table: FaultTable,
  rng: Rng,
  problems: Problems,
): PlacedFault[] {
  const placed = scenario.chaos.planned.flatMap((choice, index): PlacedFault[] => {
    const key = `chaos.planned[${index}]`;
    const drawable = checkChoice(choice, key, scenario, table, problems);
    if (drawable === undefined) return [];
    return [{ resolved: drawable.draw(rng.stream(String(index))), key, startMs: choice.atMs }];
  });
  for (const fault of placed) checkTime(fault, scenario, durationMs, problems);
  checkOverlaps(placed, problems);
  return placed;
}

function endOf({ startMs, resolved }: PlacedFault): number {
  return startMs + resolved.lengthMs;
}

function checkTime(
  fault: PlacedFault,
  { warmUpMs, chaos }: Scenario,
  durationMs: number,
  problems: Problems,
): void {
  const { key, startMs, resolved } = fault;
  const at = formatDuration(startMs);
  const end = formatDuration(endOf(fault));
  if (startMs < warmUpMs) {
    problems.add(
      "plan-in-warm-up",
      `${key}.at`,
      `expected ${formatDuration(warmUpMs)} or later, after the warm-up, got ${at}`,
    );
  }
  if (endOf(fault) > durationMs) {
    problems.add(
      "plan-past-end",
      `${key}.at`,
      `expected the fault and its settle time to end before the load does at ${formatDuration(durationMs)}, but they end at ${end}`,
    );
  }
  const quietFromMs = durationMs - (chaos.quietStretchMs ?? 0);
  if (chaos.quietStretchMs !== null && resolved.restarts !== null && endOf(fault) > quietFromMs) {
    problems.add(
      "plan-in-quiet-stretch",
      `${key}.at`,
      `"${resolved.fault.name}" restarts ${resolved.restarts}; expected it to be over before the quiet stretch begins at ${formatDuration(quietFromMs)}, but it ends at ${end}`,
    );
  }
}

/** On one target the next fault must wait until the one before has settled: nobody could say whose harm and whose recovery it is. */
function checkOverlaps(placed: readonly PlacedFault[], problems: Problems): void {
  const inOrder = placed.toSorted((a, b) => a.startMs - b.startMs);
  for (const [index, later] of inOrder.entries()) {
    const earlier = inOrder
      .slice(0, index)
      .find((other) => other.resolved.target === later.resolved.target && endOf(other) > later.startMs);
    if (earlier === undefined) continue;
    problems.add(
      "plan-overlap",
      `${later.key}.at`,
      `overlaps ${earlier.key} on ${later.resolved.target}: expected ${formatDuration(endOf(earlier))} or later ("${earlier.resolved.fault.name}" from ${formatDuration(earlier.startMs)}, with hold and settle time), got ${formatDuration(later.startMs)}`,
      "Move one of the two, or shorten its hold or chaos.settle.",
    );
  }
}
