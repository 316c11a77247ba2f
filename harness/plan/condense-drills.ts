// Drills of a condensed plan: the same operations in the same order, with the times that the stack asks for with quick thresholds.
import type { DrillTable } from "../drills/drill.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { PlacedDrill } from "./place-drills.ts";
import type { DrillStep } from "./plan.ts";
import type { Problems } from "./problems.ts";
import { resolveDrill } from "./resolve-drill.ts";

export interface Placement {
  readonly fromMs: number;
  /** Service -> when it was restarted last. */
  readonly restarted: ReadonlyMap<string, number>;
  readonly short: Scenario;
  readonly table: DrillTable;
  readonly problems: Problems;
}

/** As early as the distance to other restarts allows. Undefined where the quick stack cannot carry it, which is reported. */
export function placeAgain(
  { id, fault, options }: DrillStep,
  { fromMs, restarted, short, table, problems }: Placement,
): PlacedDrill | undefined {
  const choice = { drill: fault, options, when: { atMs: fromMs }, holdMs: null };
  const key = `drills (${id})`;
  const resolved = resolveDrill(choice, key, short, table, problems);
  if (resolved === undefined) return undefined;
  const waits = resolved.restarts.map(
    (service) => (restarted.get(service) ?? -Infinity) + short.chaos.restartSpacingMs,
  );
  const startMs = Math.max(fromMs, ...waits);
  return { key, resolved, startMs, endMs: startMs + resolved.lengthMs };
}
