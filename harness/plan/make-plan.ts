// A scenario and a seed make a plan: pure, no clock, no network, no file. The same scenario and seed give the same bytes on every machine;
// what cannot be carried out or cannot meet its own objective is refused here rather than found out after 40 hours.
import type { DrillTable } from "../drills/drill.ts";
import type { FaultTable } from "../faults/fault.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { MachineLimits } from "../scenario/stack-spec.ts";
import { formatDuration } from "../support/duration.ts";
import { usageError } from "../support/errors.ts";
import { seededRng } from "../support/rng.ts";
import { planBudget } from "./budget.ts";
import { planHash } from "./hash.ts";
import { capabilitiesOf } from "./capabilities.ts";
import type { Plan } from "./plan.ts";
import { drillSteps, placeDrills } from "./place-drills.ts";
import { checkPlanned } from "./planned-faults.ts";
import { Problems } from "./problems.ts";
import type { KnownFaults } from "./resolve-fault.ts";
import { loadSegments } from "./segments.ts";
import { limitAtOnce, plannedDuty, stepsOf } from "./steps.ts";
import { checkUnit } from "./units.ts";
import { windowFaults, type Windows } from "./window-faults.ts";

/** Goes up whenever the same scenario and seed would give another timeline: it is part of the hash. */
const plannerVersion = 2;

export interface PlanOptions {
  /** The scenario file as messages name it. */
  readonly file?: string;
  /** What this machine cannot carry; default: nothing. It never changes the hash, only what is skipped or refused. */
  readonly limits?: MachineLimits;
  /** The drills of this Kiln; default: none. */
  readonly drills?: DrillTable;
}

/** @throws KilnError of kind usage with a line `file: key: what was expected` for each reason why the plan is impossible. */
export function makePlan(
  scenario: Scenario,
  seed: string,
  faultTable: FaultTable,
  options: PlanOptions = {},
): Plan {
  checkSeed(seed);
  const problems = new Problems();
  const segments = loadSegments(scenario);
  const durationMs = segments.at(-1)?.endMs ?? 0;
  checkTimes(scenario, durationMs, problems);

  const rng = seededRng(seed).stream(`plan of ${scenario.name}`);
  const known: KnownFaults = {
    table: faultTable,
    offered: capabilitiesOf(scenario.stack),
    limits: options.limits ?? {},
  };
  const planned = checkPlanned(scenario, durationMs, known, rng.stream("planned"), problems);
  const drills = placeDrills({ scenario, durationMs, planned }, options.drills ?? new Map(), problems);
  const choices = scenario.chaos.faults.map((choice, index) =>
    checkUnit(choice, `chaos.faults[${index}]`, scenario, known, problems),
  );
  const drawable = choices.filter((choice) => choice !== undefined);
  const drawn: Windows = problems.any
    ? { windows: [], placed: [] }
    : windowFaults({ scenario, durationMs, drawable, planned, drills }, rng, problems);

  const faults = stepsOf([...planned, ...drawn.placed]);
  const budget = planBudget(scenario.objectives, durationMs, faults, problems);
  if (problems.any) throw problems.toError(options.file ?? scenario.name);

  const came = new Set(drawn.placed.map(({ key }) => key));
  const notDrawn = drawable.filter(({ key }) => !came.has(key)).map(({ key, name }) => `${name} (${key})`);
  const asked = scenario.chaos.pick === "shuffled" ? scenario.chaos.dutyCycle : null;
  const duty = plannedDuty(faults, drawn.windows, asked);
  const plan: Plan = {
    v: 1,
    plannerVersion,
    scenario: scenario.name,
    description: scenario.description,
    seed,
    hash: "",
    durationMs,
    preflightMs: scenario.preflightMs,
    warmUpMs: scenario.warmUpMs,
    load: { script: scenario.load.script, timeoutMs: scenario.load.timeoutMs, segments },
    windows: drawn.windows,
    ...(duty === undefined ? {} : { duty }),
    finalSettleMs: scenario.chaos.finalSettleMs,
    ...(notDrawn.length === 0 ? {} : { notDrawn }),
    faults,
    ...(drills.length === 0 ? {} : { drills: drillSteps(drills, scenario) }),
    atMostAtOnce: limitAtOnce(faults, scenario.chaos.atMostAtOnce),
    budget,
    ...(scenario.journeys === undefined ? {} : { journeys: scenario.journeys }),
    objectives: scenario.objectives,
    stopWhen: scenario.stopWhen,
    stack: scenario.stack,
  };
  return { ...plan, hash: planHash(plan, scenario) };
}

/** An empty seed is a variable that was not set, and no choice of anybody's. */
function checkSeed(seed: string): void {
  if (seed.trim() !== "") return;
  throw usageError("plan-bad-seed", `seed: expected text that is not empty, got ${JSON.stringify(seed)}`, {
    hint: "Give any text, such as --seed 7, or leave --seed out.",
  });
}

function checkTimes(
  { load, chaos, warmUpMs, durationMs: askedMs }: Scenario,
  durationMs: number,
  problems: Problems,
): void {
  const end = `the load ends at ${formatDuration(askedMs)}`;
  if (durationMs === 0)
    problems.add(
      "plan-does-not-fit",
      "duration",
      `expected at least one request at ${load.steadyRps}/s, got ${formatDuration(askedMs)}`,
    );
  if (warmUpMs >= askedMs)
    problems.add(
      "plan-past-end",
      "warmUp",
      `expected less than the duration: ${end}, the warm-up is ${formatDuration(warmUpMs)}`,
    );
  const firsts = [
    ["load.spike", load.spike?.firstAtMs, load.spike?.forMs],
    ["chaos.window", chaos.window?.firstAtMs[1], chaos.window?.forMs],
  ] as const;
  for (const [key, firstAtMs, forMs] of firsts) {
    if (firstAtMs === undefined || forMs === undefined || firstAtMs + forMs <= durationMs) continue;
    problems.add(
      "plan-past-end",
      key,
      `expected to lie within the load: ${end}, the first one lasts from ${formatDuration(firstAtMs)} to ${formatDuration(firstAtMs + forMs)}`,
      "Lengthen the duration, or set an earlier firstAt.",
    );
  }
  if (chaos.quietStretchMs !== null && chaos.quietStretchMs > durationMs) {
    problems.add(
      "plan-past-end",
      "chaos.quietStretch",
      `expected at most the duration: ${end}, the stretch is ${formatDuration(chaos.quietStretchMs)}`,
    );
  }
}
