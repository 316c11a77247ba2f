// A long plan cut down to minutes: the same faults with the same options in the same order, overlapping as they did, with the calm between
// them cut, holds shortened, and the quick thresholds of a stack whose watchdog keeps up with that. It shows recovery, watchdog and
// configuration at work; it shows nothing that needs hours, so memory drift is left out and availability is held to what the plan itself
// may cost (docs/verdict.md).
import type { DrillTable } from "../drills/drill.ts";
import type { FaultTable } from "../faults/fault.ts";
import type { ObjectivesInput, Scenario } from "../scenario/scenario.ts";
import { formatDuration } from "../support/duration.ts";
import { usageError } from "../support/errors.ts";
import { planBudget } from "./budget.ts";
import { capabilitiesOf } from "./capabilities.ts";
import { blocksOf, timesOf, type Block } from "./condense-blocks.ts";
import { placeAgain } from "./condense-drills.ts";
import { planHash } from "./hash.ts";
import type { PlanOptions } from "./make-plan.ts";
import { drillSteps, type PlacedDrill } from "./place-drills.ts";
import type { FaultStep, Plan } from "./plan.ts";
import { Problems } from "./problems.ts";
import { resolveFault, type KnownFaults, type ResolvedFault } from "./resolve-fault.ts";
import { loadSegments, occurrences } from "./segments.ts";
import { limitAtOnce, plannedDuty, timeline, type TimedFault } from "./steps.ts";
import type { Interval } from "../support/intervals.ts";

/** Divides holds and the times between the steps of a group: the suites' 30 to 120 s become 15 to 30 s. */
const holdFactor = 4;
/** Nothing is made shorter than this, and what is shorter stays as it is: the quick watchdog needs about ten seconds to act. */
const floorMs = 15_000;
/** As in active-fault.ts, for faults that do not say how long their confirmation may take. */
const usualConfirmMs = 8_000;
/** 12 h have to be over within half an hour, with bring-up, preflight and reports: 27 min of load. */
const wantedShare = 27 / 720;

interface Pace {
  /** Time in the end for five good seconds in a row, or for three (`recovery-time.ts`), and a watchdog's second attempt. */
  readonly settleMs: number;
  /** Whether no hold ends before the fault's own deadline for confirmation, which most need only a part of. */
  readonly waitForConfirm: boolean;
}

/** The first that is quick enough is taken, else the last. */
const paces: readonly [Pace, ...Pace[]] = [
  { settleMs: 15_000, waitForConfirm: true },
  { settleMs: 15_000, waitForConfirm: false },
  { settleMs: 10_000, waitForConfirm: false },
];
const warmUpMs = 15_000;
/** The judge's baseline needs 30 calm seconds; a span reaches a request time-out back. */
const calmFirstMs = 45_000;
/** Calm between windows: enough for the watchdog to be seen at rest. */
const pauseMs = 5_000;
const spikeMs = 30_000;
/** A run of minutes is not worth going on with when the stack has been gone for this long. */
const unavailableForMs = 90_000;

/**
 * @param full The plan of the same scenario with production thresholds.
 * @param scenario The scenario with its stack's quick thresholds.
 * @throws KilnError of kind usage when it cannot be condensed.
 */
export function condensePlan(
  full: Plan,
  scenario: Scenario,
  faultTable: FaultTable,
  options: PlanOptions = {},
): Plan {
  const file = options.file ?? scenario.name;
  const known: Known = {
    table: faultTable,
    offered: capabilitiesOf(scenario.stack),
    limits: options.limits ?? {},
    drills: options.drills ?? new Map(),
  };
  const problems = new Problems();
  const { short, laid } = atBestPace(full, scenario, known, problems);
  if (problems.any) throw problems.toError(file);
  const segments = loadSegments({ load: short.load, durationMs: laid.endMs }, laid.spikes);
  const durationMs = segments.at(-1)?.endMs ?? 0;
  if (durationMs >= full.durationMs) {
    throw usageError(
      "plan-not-condensable",
      `${file}: nothing to condense: it lasts ${formatDuration(full.durationMs)}, condensed ${formatDuration(durationMs)}`,
      { hint: "Run it as it is." },
    );
  }
  const faults = timeline(laid.timed);
  const objectives = condensedObjectives(scenario.objectives, faults, durationMs);
  const budget = planBudget(objectives, durationMs, faults, problems);
  if (problems.any) throw problems.toError(file);
  const duty = plannedDuty(faults, laid.windows, null);
  const plan: Plan = {
    ...full,
    scenario: short.name,
    description: `${formatDuration(full.durationMs)} condensed to ${formatDuration(durationMs)}: calm cut, holds shortened, quick thresholds. ${full.description}`,
    hash: "",
    durationMs,
    warmUpMs: short.warmUpMs,
    load: { ...full.load, segments },
    windows: laid.windows,
    ...(duty === undefined ? {} : { duty }),
    finalSettleMs: short.chaos.finalSettleMs,
    condensed: {
      of: full.scenario,
      ofHash: full.hash,
      ofDurationMs: full.durationMs,
      factor: holdFactor,
    },
    faults,
    ...(laid.drills.length === 0 ? {} : { drills: drillSteps(laid.drills, short) }),
    atMostAtOnce: limitAtOnce(faults, scenario.chaos.atMostAtOnce),
    budget,
    objectives,
    stopWhen: short.stopWhen,
    stack: short.stack,
  };
  return { ...plan, hash: planHash(plan, { ...short, objectives }) };
}

interface Known extends KnownFaults {
  readonly drills: DrillTable;
}

function atBestPace(
  full: Plan,
  scenario: Scenario,
  known: Known,
  problems: Problems,
): { readonly short: Scenario; readonly laid: Laid } {
  const at = (pace: Pace): { readonly short: Scenario; readonly laid: Laid } => {
    const short = shortened(scenario, pace);
    return { short, laid: layOut(full, short, { ...known, ...pace }, problems) };
  };
  let best = at(paces[0]);
  for (const pace of paces.slice(1)) {
    if (best.laid.endMs <= wantedShare * full.durationMs) break;
    best = at(pace);
  }
  return best;
}

/** The scenario with the times of a condensed plan. */
function shortened(scenario: Scenario, { settleMs }: Pace): Scenario {
  const { chaos, stack, stopWhen } = scenario;
  const settle = Math.min(chaos.settleMs, settleMs);
  const askedMs = stopWhen.unavailableForMs;
  return {
    ...scenario,
    name: `condensed ${scenario.name}`,
    warmUpMs: Math.min(scenario.warmUpMs, warmUpMs),
    chaos: {
      ...chaos,
      settleMs: settle,
      finalSettleMs: Math.min(chaos.finalSettleMs, settle),
      // What the scenario asks for holds for production thresholds; the quick watchdog says itself how long it needs.
      restartSpacingMs: stack.watchdog?.resetMs ?? chaos.restartSpacingMs,
    },
    stopWhen: {
      ...stopWhen,
      unavailableForMs: askedMs === null ? null : Math.min(askedMs, unavailableForMs),
    },
  };
}

interface Laid {
  readonly timed: readonly TimedFault[];
  readonly drills: readonly PlacedDrill[];
  readonly spikes: readonly Interval[];
  readonly windows: readonly Interval[];
  readonly endMs: number;
}

function layOut(full: Plan, short: Scenario, known: Known & Pace, problems: Problems): Laid {
  const { settleMs: quietMs, finalSettleMs, restartSpacingMs } = short.chaos;
  const timed: TimedFault[] = [];
  const drills: PlacedDrill[] = [];
  const spikes: Interval[] = [];
  const windows = new Map<number, Interval>();
  const restarted = new Map<string, number>();
  let cursorMs = short.warmUpMs + calmFirstMs;
  let before: number | undefined;
  for (const block of blocksOf(full, occurrences(short.load.spike, full.durationMs))) {
    const window = full.windows.findIndex(
      ({ startMs, endMs }) => block.startMs >= startMs && block.startMs < endMs,
    );
    if (before !== undefined && window !== before) cursorMs += pauseMs;
    before = window;
    if (block.drill !== undefined) {
      const drill = placeAgain(block.drill, {
        fromMs: cursorMs,
        restarted,
        short,
        table: known.drills,
        problems,
      });
      if (drill === undefined) continue;
      drills.push(drill);
      for (const service of drill.resolved.restarts)
        restarted.set(service, drill.startMs + drill.resolved.holdMs);
      cursorMs = drill.endMs;
      continue;
    }
    const own = resolveBlock(block, short, known, problems);
    let startMs = block.spikes.length > 0 ? Math.ceil(cursorMs / 1_000) * 1_000 : cursorMs;
    for (const { resolved, offsetMs } of own.steps) {
      const lastMs = resolved.restarts === null ? undefined : restarted.get(resolved.restarts);
      if (lastMs !== undefined) startMs = Math.max(startMs, lastMs + restartSpacingMs - offsetMs);
    }
    cursorMs = startMs;
    for (const { resolved, offsetMs, step } of own.steps) {
      const atMs = startMs + offsetMs;
      timed.push({
        resolved,
        startMs: atMs,
        ...(step.pattern === undefined ? {} : { pattern: step.pattern }),
      });
      if (resolved.restarts !== null) restarted.set(resolved.restarts, atMs);
      cursorMs = Math.max(cursorMs, atMs + resolved.lengthMs);
    }
    for (const spike of own.spikes) {
      spikes.push({ startMs: startMs + spike.startMs, endMs: startMs + spike.endMs });
      cursorMs = Math.max(cursorMs, startMs + spike.endMs + quietMs);
    }
    if (window >= 0 && own.steps.length > 0)
      windows.set(window, { startMs: windows.get(window)?.startMs ?? startMs, endMs: cursorMs });
  }
  const endMs = Math.ceil((cursorMs + finalSettleMs) / 1_000) * 1_000;
  return { timed, drills, spikes, windows: [...windows.values()], endMs };
}

interface ResolvedBlock {
  readonly steps: readonly {
    readonly step: FaultStep;
    readonly resolved: ResolvedFault;
    readonly offsetMs: number;
  }[];
  /** From the start of the block. */
  readonly spikes: readonly Interval[];
}

/** The steps of a block anew, with their short holds and on the quick stack. */
function resolveBlock(
  block: Block,
  short: Scenario,
  known: KnownFaults & Pace,
  problems: Problems,
): ResolvedBlock {
  const [only, ...more] = block.steps;
  const deadlineMs = known.table.get(only?.fault ?? "")?.confirmWithinMs ?? usualConfirmMs;
  // Steps that overlap are held for longer than each part of the block.
  const confirmMs = more.length === 0 && known.waitForConfirm ? deadlineMs : 0;
  const at = timesOf(block, { floorMs: Math.max(floorMs, confirmMs), factor: holdFactor, spikeMs });
  const steps = block.steps.map((step) => {
    const fault = known.table.get(step.fault);
    if (fault === undefined) throw new TypeError(`a planned fault is in the table: ${step.fault}`);
    const offsetMs = at(step.startMs);
    const holdMs = at(step.healMs) - offsetMs;
    const resolved = resolveFault(fault, step.options, holdMs, short, known);
    if (resolved.skipped !== undefined && step.skipped === undefined) {
      const missing = resolved.skipped.missing.join(", ");
      const text = `with quick thresholds the stack does not offer ${missing} at ${step.target}, which ${step.id} needs`;
      problems.add("plan-missing-capability", "stack", text, "Let the function differ in thresholds only.");
    }
    return { step, resolved, offsetMs };
  });
  return {
    steps,
    spikes: block.spikes.map(({ startMs, endMs }) => ({ startMs: at(startMs), endMs: at(endMs) })),
  };
}

/**
 * Availability: with the calm cut, the faults alone cost a larger share than the scenario allows. What they may cost is what the condensed
 * run is held to, with nothing added for anything else. Drift needs hours.
 */
function condensedObjectives(
  { memoryDrift: _memoryDrift, ...objectives }: ObjectivesInput,
  faults: readonly FaultStep[],
  durationMs: number,
): ObjectivesInput {
  const { availability } = objectives;
  if (availability === undefined) return objectives;
  const costMs = faults
    .filter(({ skipped }) => skipped === undefined)
    .reduce((sum, { expect }) => sum + expect.unavailableMs, 0);
  // Rounded down to five decimals, or the plan would be over its own budget by the rounding.
  const own = Math.floor(Math.max(0, 1 - costMs / durationMs) * 100_000) / 100_000;
  return { ...objectives, availability: Math.min(availability, own) };
}
