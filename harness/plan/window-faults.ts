// Faults in chaos windows: window by window, around everything that may not be touched (warm-up, spikes, planned faults, quiet stretch, final
// settle). What does not work out in one order of draws may in another, so some are tried before the plan is refused.
import type { Scenario } from "../scenario/scenario.ts";
import { formatDuration } from "../support/duration.ts";
import type { Interval } from "../support/intervals.ts";
import type { Rng } from "../support/rng.ts";
import { fillWindow, onceEach, type Filled } from "./draw-window.ts";
import { checkMinimums, keepMinimums, type WindowWork } from "./minimums.ts";
import type { RestartStart, Room } from "./place.ts";
import { drillRestarts, type PlacedDrill } from "./place-drills.ts";
import { Problems } from "./problems.ts";
import { occurrences } from "./segments.ts";
import { endOf, type DrawableUnit, type PlacedUnit } from "./units.ts";
import { Urn } from "./urn.ts";
import { drawWindows } from "./windows.ts";

/** With so many independent orders a refusal says something about the scenario and not about the seed. */
const mostAttempts = 12;

export interface WindowInput {
  readonly scenario: Scenario;
  readonly durationMs: number;
  readonly drawable: readonly DrawableUnit[];
  readonly planned: readonly PlacedUnit[];
  readonly drills: readonly PlacedDrill[];
}

export interface Windows {
  readonly windows: readonly Interval[];
  readonly placed: readonly PlacedUnit[];
}

export function windowFaults(input: WindowInput, rng: Rng, problems: Problems): Windows {
  const { window, dutyCycle } = input.scenario.chaos;
  const dutyMs = dutyCycle * (window?.forMs ?? 0);
  if (window === null || !checkLengths(input, dutyMs, problems)) return { windows: [], placed: [] };
  let found = new Problems();
  for (let attempt = 0; attempt < mostAttempts; attempt++) {
    const stream = rng.stream(`attempt ${attempt}`);
    const windows = drawWindows(window, input.durationMs, stream.stream("windows"));
    found = new Problems();
    const filled = fillAll(input, windows, dutyMs, stream, found);
    if (!found.any) return { windows, placed: filled.flatMap(({ placed }) => placed) };
  }
  problems.addAll(found);
  return { windows: [], placed: [] };
}

function fillAll(
  input: WindowInput,
  windows: readonly Interval[],
  dutyMs: number,
  rng: Rng,
  problems: Problems,
): Filled[] {
  const { scenario, drawable } = input;
  const { pick } = scenario.chaos;
  const urn = new Urn(drawable, rng.stream("urn"));
  let filled: Filled[] = [];
  for (const [index, stretch] of windows.entries()) {
    const room = roomOf(input, stretch, filled);
    const stream = rng.stream(`window ${index}`);
    const own =
      pick === "once-each" ? onceEach(drawable, room, stream) : fillWindow(urn, room, dutyMs, stream);
    if (own === null) {
      tooNarrow(input, stretch, problems);
      return filled;
    }
    filled.push(own);
  }
  if (pick === "shuffled") {
    const work: WindowWork = {
      dutyMs,
      roomOf: (index, others) =>
        roomOf(
          input,
          windows[index] ?? { startMs: 0, endMs: 0 },
          others.filter((_, other) => other !== index),
        ),
    };
    filled = keepMinimums(filled, drawable, work, rng.stream("minimums"));
  }
  checkMinimums(filled, drawable, dutyMs, problems);
  return filled;
}

function tooNarrow(
  { scenario: { chaos }, drawable, drills }: WindowInput,
  { startMs, endMs }: Interval,
  problems: Problems,
): void {
  const which = `the window from ${formatDuration(startMs)} to ${formatDuration(endMs)}`;
  const each = chaos.pick === "once-each";
  const most = each ? `all ${drawable.length} faults (${neededText(drawable)})` : "not one fault";
  problems.add(
    "plan-does-not-fit",
    "chaos.window",
    `${which} ${each ? "cannot hold" : "can hold"} ${most} beside warm-up, spikes, planned faults, ${drills.length === 0 ? "" : "drills, "}restart spacing and final settle`,
    roomHint,
  );
}

const roomHint =
  "Lengthen chaos.window.for, move it (firstAt), or shorten hold, chaos.settle, chaos.finalSettle or chaos.restartSpacing.";

function neededText(drawable: readonly DrawableUnit[]): string {
  return `${formatDuration(drawable.reduce((sum, { longestMs }) => sum + longestMs, 0))} with settle time`;
}

/** What cannot fit whatever the seed: refused for every seed alike. */
function checkLengths(
  { scenario: { chaos }, drawable }: WindowInput,
  dutyMs: number,
  problems: Problems,
): boolean {
  const { window } = chaos;
  if (window === null) return true;
  let fits = true;
  for (const { key, longestMs, longestDutyMs } of drawable) {
    if (longestMs > window.forMs) {
      problems.add(
        "plan-does-not-fit",
        key,
        `takes up to ${formatDuration(longestMs)} with settle time; expected at most the window's ${formatDuration(window.forMs)}`,
        roomHint,
      );
      fits = false;
    } else if (chaos.pick === "shuffled" && longestDutyMs > dutyMs) {
      problems.add(
        "plan-does-not-fit",
        key,
        `is in force for up to ${formatDuration(longestDutyMs)}; expected at most the ${formatDuration(dutyMs)} that chaos.dutyCycle allows in a window`,
        "Shorten hold, lengthen chaos.window.for, or raise chaos.dutyCycle.",
      );
      fits = false;
    }
  }
  return fits;
}

/** @param others What lies in other windows. */
function roomOf(
  { scenario, durationMs, planned, drills }: WindowInput,
  stretch: Interval,
  others: readonly Filled[],
): Room {
  const { chaos, warmUpMs, load } = scenario;
  // Recovery is judged against the usual figures for one rate: from a fault's start to the end of its settle time the rate must not change,
  // and after a spike the stack gets its settle time, too.
  const spikes = occurrences(load.spike, durationMs).map(({ startMs, endMs }) => ({
    startMs,
    endMs: endMs + chaos.settleMs,
  }));
  return {
    startMs: stretch.startMs,
    endMs: Math.min(stretch.endMs, durationMs - chaos.finalSettleMs),
    blocked: [
      { startMs: 0, endMs: warmUpMs },
      ...spikes,
      ...planned.map((placed) => ({ startMs: placed.startMs, endMs: endOf(placed) })),
      ...drills,
    ],
    restartStarts: [
      ...[...planned, ...others.flatMap(({ placed }) => placed)].flatMap(restartsOf),
      ...drills.flatMap(drillRestarts),
    ],
    restartSpacingMs: chaos.restartSpacingMs,
    restartsUntilMs: durationMs - (chaos.quietStretchMs ?? 0),
    atMostAtOnce: chaos.atMostAtOnce,
    sameTarget: chaos.sameTarget,
  };
}

function restartsOf({ startMs, unit }: PlacedUnit): RestartStart[] {
  return unit.restarts.map(({ service, offsetMs }) => ({ service, startMs: startMs + offsetMs }));
}
