// What is placed on the timeline as a whole: one fault, or a pattern with its steps. A pattern's own rules (how many at once, on which
// targets) are checked here, at the longest holds and the shortest gaps, so that a refusal does not depend on the seed.
import type { Chosen, ChosenFault, ChosenPattern, Scenario } from "../scenario/scenario.ts";
import { coveredMs, mostAtOnce, overlap, type Interval } from "../support/intervals.ts";
import type { Rng } from "../support/rng.ts";
import { drawnBy } from "./draw-options.ts";
import type { Problems } from "./problems.ts";
import {
  checkChoice,
  drawMs,
  type DrawableFault,
  type KnownFaults,
  type ResolvedFault,
} from "./resolve-fault.ts";

export interface UnitStep {
  readonly resolved: ResolvedFault;
  /** From the start of the unit. */
  readonly offsetMs: number;
}

export interface ResolvedUnit {
  /** The pattern's name; null for a fault alone. */
  readonly pattern: string | null;
  readonly steps: readonly UnitStep[];
  /** From start to the end of the last settle time. */
  readonly lengthMs: number;
  /** Time under fault: what it uses of a window's duty cycle. */
  readonly dutyMs: number;
  readonly restarts: readonly { readonly service: string; readonly offsetMs: number }[];
  readonly targets: readonly string[];
}

/** A choice that passed every check and can be drawn as often as needed. */
export interface DrawableUnit {
  /** Key path of the choice. */
  readonly key: string;
  /** Of the fault or the pattern. */
  readonly name: string;
  readonly weight: number;
  readonly atLeast: number | null;
  readonly restarts: boolean;
  readonly longestMs: number;
  readonly longestDutyMs: number;
  draw(rng: Rng): ResolvedUnit;
}

export interface PlacedUnit {
  readonly unit: ResolvedUnit;
  readonly key: string;
  readonly startMs: number;
}

export function endOf({ startMs, unit }: PlacedUnit): number {
  return startMs + unit.lengthMs;
}

/** When a step of a unit that starts at `startMs` is in force. */
export function inForce({ offsetMs, resolved }: UnitStep, startMs = 0): Interval {
  return { startMs: startMs + offsetMs, endMs: startMs + offsetMs + resolved.dutyMs };
}

/** Undefined when the choice has problems, which are then reported under `key`. */
export function checkUnit(
  choice: Chosen,
  key: string,
  scenario: Scenario,
  known: KnownFaults,
  problems: Problems,
): DrawableUnit | undefined {
  if ("pattern" in choice) return checkPattern(choice, key, scenario, known, problems);
  const fault = checkChoice(choice, key, scenario, known, problems);
  if (fault === undefined) return undefined;
  const { weight, atLeast } = choice;
  return {
    key,
    name: choice.fault,
    weight,
    atLeast,
    restarts: fault.ends.some(({ restarts }) => restarts !== null),
    longestMs: Math.max(...fault.ends.map(({ lengthMs }) => lengthMs)),
    longestDutyMs: Math.max(...fault.ends.map(({ dutyMs }) => dutyMs)),
    draw: (rng) => unitOf(null, [{ resolved: fault.draw(rng), offsetMs: 0 }]),
  };
}

function checkPattern(
  choice: ChosenPattern,
  key: string,
  scenario: Scenario,
  known: KnownFaults,
  problems: Problems,
): DrawableUnit | undefined {
  const check = (step: ChosenFault, index: number): DrawableFault | undefined =>
    choice.pattern === "flapping"
      ? checkChoice(step, key, scenario, known, problems, key)
      : checkChoice(step, stepKey(key, index), scenario, known, problems);
  const faults = choice.steps.map(check).filter((fault) => fault !== undefined);
  if (faults.length < choice.steps.length) return undefined;
  const longest = faults.map(({ ends }) =>
    ends.reduce((a, b) =>
      b.dutyMs > a.dutyMs || (b.dutyMs === a.dutyMs && b.lengthMs > a.lengthMs) ? b : a,
    ),
  );
  const row = Array.from({ length: choice.times }, () => longest).flat();
  const widest = unitOf(
    choice.pattern,
    layOut(row, choice, () => choice.gapMs[1]),
  );
  const tightest = layOut(row, choice, () => choice.gapMs[0]);
  if (!fewEnough(tightest, choice, key, scenario, problems)) return undefined;
  if (!targetsDiffer(tightest, faults, key, scenario, problems)) return undefined;
  return {
    key,
    name: choice.pattern,
    weight: choice.weight,
    atLeast: choice.atLeast,
    restarts: faults.some(({ ends }) => ends.some(({ restarts }) => restarts !== null)),
    longestMs: widest.lengthMs,
    longestDutyMs: widest.dutyMs,
    draw: (rng) => drawPattern(choice, faults, rng),
  };
}

function stepKey(key: string, index: number): string {
  return `${key}.steps[${index}]`;
}

function drawPattern(choice: ChosenPattern, faults: readonly DrawableFault[], rng: Rng): ResolvedUnit {
  const first = faults.map((fault) => fault.draw(rng));
  // The same link goes down each time: only how long it stays down differs.
  const row = Array.from({ length: choice.times }, (_, round) =>
    round === 0 ? first : faults.map((fault, index) => fault.draw(rng, first[index])),
  ).flat();
  return unitOf(
    choice.pattern,
    layOut(row, choice, () => drawMs(choice.gapMs, drawnBy(rng))),
  );
}

function layOut(
  row: readonly ResolvedFault[],
  { gapFrom }: Pick<ChosenPattern, "gapFrom">,
  gapMs: () => number,
): UnitStep[] {
  const steps: UnitStep[] = [];
  for (const resolved of row) {
    const last = steps.at(-1);
    const fromMs =
      last === undefined ? 0 : last.offsetMs + (gapFrom === "end" ? last.resolved.dutyMs : 0) + gapMs();
    steps.push({ resolved, offsetMs: fromMs });
  }
  return steps;
}

function unitOf(pattern: string | null, steps: readonly UnitStep[]): ResolvedUnit {
  return {
    pattern,
    steps,
    lengthMs: Math.max(...steps.map(({ offsetMs, resolved }) => offsetMs + resolved.lengthMs)),
    dutyMs: coveredMs(steps.map((step) => inForce(step))),
    restarts: steps.flatMap(({ offsetMs, resolved: { restarts } }) =>
      restarts === null ? [] : [{ service: restarts, offsetMs }],
    ),
    targets: [...new Set(steps.map(({ resolved }) => resolved.target))],
  };
}

function fewEnough(
  steps: readonly UnitStep[],
  { pattern, atMostAtOnce }: ChosenPattern,
  key: string,
  { chaos }: Scenario,
  problems: Problems,
): boolean {
  const most = mostAtOnce(steps.map((step) => inForce(step)));
  const allowed = Math.max(chaos.atMostAtOnce, atMostAtOnce ?? 0);
  if (most <= allowed) return true;
  problems.add(
    "plan-too-many-at-once",
    key,
    `"${pattern}" has up to ${most} faults in force at once; expected at most ${allowed} (${allowed > chaos.atMostAtOnce ? "its own atMostAtOnce" : "chaos.atMostAtOnce"})`,
    `Set atMostAtOnce: ${most} on the pattern, or for all under chaos; or shorten the holds, or lengthen the gap.`,
  );
  return false;
}

/** Two steps may not be in force on one target at once, whichever entries of their lists are drawn. */
function targetsDiffer(
  steps: readonly UnitStep[],
  faults: readonly DrawableFault[],
  key: string,
  { chaos }: Scenario,
  problems: Problems,
): boolean {
  if (chaos.sameTarget === "allow") return true;
  const targets = steps.map((_, index) => {
    const ends = faults[index % faults.length]?.ends ?? [];
    return new Set(ends.map(({ target }) => target));
  });
  let differ = true;
  for (const [later, step] of steps.entries()) {
    for (const [earlier, other] of steps.slice(0, later).entries()) {
      const shared = [...(targets[later] ?? [])].find((target) => targets[earlier]?.has(target) === true);
      if (shared === undefined || !overlap(inForce(step), inForce(other))) continue;
      problems.add(
        "plan-overlap",
        stepKey(key, later),
        `"${step.resolved.fault.name}" may hit ${shared} while step ${earlier + 1} ("${other.resolved.fault.name}") is in force there; expected another target, or a start after its end`,
        `Change a target, shorten the hold, lengthen the gap, or set chaos.sameTarget: "allow".`,
      );
      differ = false;
    }
  }
  return differ;
}
