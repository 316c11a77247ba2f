// A scenario and a seed make a plan: pure, no clock, no network, no file. The same scenario and seed give the same bytes on every machine;
// what cannot be carried out or cannot meet its own objective is refused here rather than found out after 40 hours.
import type { FaultTable } from "../faults/fault.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { formatDuration } from "../support/duration.ts";
import { seededRng } from "../support/rng.ts";
import { planBudget } from "./budget.ts";
import { planHash } from "./hash.ts";
import type { FaultStep, Plan } from "./plan.ts";
import { checkPlanned } from "./planned-faults.ts";
import { Problems } from "./problems.ts";
import { checkChoice } from "./resolve-fault.ts";
import { loadSegments, occurrences } from "./segments.ts";
import type { PlacedFault } from "./draw-window.ts";
import { windowFaults } from "./window-faults.ts";

/** Goes up whenever the same scenario and seed would give another timeline: it is part of the hash. */
const plannerVersion = 1;

export interface PlanOptions {
  /** The scenario file as messages name it. */
  readonly file?: string;
}

/** @throws KilnError of kind usage with a line `file: key: what was expected` for each reason why the plan is impossible. */
export function makePlan(
  scenario: Scenario,
  seed: string,
  faultTable: FaultTable,
  options: PlanOptions = {},
): Plan {
  const problems = new Problems();
  const segments = loadSegments(scenario);
  const durationMs = segments.at(-1)?.endMs ?? 0;
  const windows = occurrences(scenario.chaos.window, durationMs);
  checkTimes(scenario, durationMs, problems);

  const rng = seededRng(seed).stream(`plan of ${scenario.name}`);
  const planned = checkPlanned(scenario, durationMs, faultTable, rng.stream("planned"), problems);
  const choices = scenario.chaos.faults.map((choice, index) =>
    checkChoice(choice, `chaos.faults[${index}]`, scenario, faultTable, problems),
  );
  const drawable = choices.filter((choice) => choice !== undefined);
  const drawn = problems.any
    ? []
    : windowFaults({ scenario, durationMs, windows, drawable, planned }, rng, problems);

  const faults = steps([...planned, ...drawn]);
  const budget = planBudget(scenario.objectives, durationMs, faults, problems);
  if (problems.any) throw problems.toError(options.file ?? scenario.name);

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
    windows,
    faults,
    budget,
    objectives: scenario.objectives,
    stopWhen: scenario.stopWhen,
    stack: scenario.stack,
  };
  return { ...plan, hash: planHash(plan, scenario) };
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
  for (const [key, recurring] of [
    ["load.spike", load.spike],
    ["chaos.window", chaos.window],
  ] as const) {
    if (recurring === null || recurring.firstAtMs + recurring.forMs <= durationMs) continue;
    const firstEnd = formatDuration(recurring.firstAtMs + recurring.forMs);
    const first = formatDuration(recurring.firstAtMs);
    problems.add(
      "plan-past-end",
      key,
      `expected to lie within the load: ${end}, the first one lasts from ${first} to ${firstEnd}`,
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

function steps(placed: readonly PlacedFault[]): FaultStep[] {
  const inOrder = placed.toSorted((a, b) => a.startMs - b.startMs);
  const digits = Math.max(2, String(inOrder.length).length);
  return inOrder.map(({ resolved, startMs }, index) => ({
    id: `f${String(index + 1).padStart(digits, "0")}-${resolved.fault.name}`,
    fault: resolved.fault.name,
    kind: resolved.fault.kind,
    target: resolved.target,
    options: resolved.options,
    startMs,
    healMs: startMs + resolved.holdMs,
    settleUntilMs: startMs + resolved.lengthMs,
    expect: resolved.expect,
    ...(resolved.skipped === undefined ? {} : { skipped: resolved.skipped }),
  }));
}
