// From a scenario's name and the command's options to the plan, for every command that makes one.
import { drillTable } from "../drills/index.ts";
import type { FaultTable } from "../faults/fault.ts";
import { condensePlan } from "../plan/condense.ts";
import { makePlan } from "../plan/make-plan.ts";
import type { Plan } from "../plan/plan.ts";
import { loadScenario, type LoadedScenario } from "../scenario/load-scenario.ts";
import { machineLimits } from "../stack/machine-limits.ts";
import { usageError } from "../support/errors.ts";

export interface PlanChoice {
  readonly seed: string;
  /** Calm cut, holds shortened, quick thresholds: for a look at a long suite in minutes. */
  readonly condense?: boolean;
}

export interface ChosenPlan {
  readonly plan: Plan;
  readonly loaded: LoadedScenario;
}

/**
 * @param name A scenario's name or the path of its file.
 * @throws KilnError of kind usage when the scenario cannot be loaded or the plan is impossible.
 */
export async function planFor(name: string, options: PlanChoice, faults: FaultTable): Promise<ChosenPlan> {
  const loaded = await loadScenario(name, { cwd: process.cwd() });
  const { shownFile, scenario, quick } = loaded;
  const limits = await machineLimits(scenario, faults);
  const known = { file: shownFile, limits, drills: drillTable };
  const plan = makePlan(scenario, options.seed, faults, known);
  if (options.condense !== true) return { plan, loaded };
  if (quick === undefined) {
    const text = `${shownFile}: stack: expected a function of { thresholds } to condense, got a stack with fixed thresholds`;
    throw usageError("plan-not-condensable", text, {
      hint: "Shorter holds need a watchdog that is as much quicker: give the stack as a function that makes it with quick thresholds.",
    });
  }
  return { plan: condensePlan(plan, quick, faults, known), loaded };
}
