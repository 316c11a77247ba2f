// Faults in chaos windows: window by window, around everything that may not be touched (warm-up, spikes, planned faults, quiet stretch).
import type { Scenario } from "../scenario/scenario.ts";
import { formatDuration } from "../support/duration.ts";
import type { Rng } from "../support/rng.ts";
import { Bag, onceEach, type PlacedFault } from "./draw-window.ts";
import type { RestartStart, Room } from "./place.ts";
import type { Problems } from "./problems.ts";
import type { DrawableFault } from "./resolve-fault.ts";
import { occurrences, type Interval } from "./segments.ts";

export interface WindowInput {
  readonly scenario: Scenario;
  readonly durationMs: number;
  readonly windows: readonly Interval[];
  readonly drawable: readonly DrawableFault[];
  readonly planned: readonly PlacedFault[];
}

export function windowFaults(input: WindowInput, rng: Rng, problems: Problems): PlacedFault[] {
  const { scenario, windows, drawable, planned } = input;
  const { chaos } = scenario;
  const dutyMs = chaos.dutyCycle * (chaos.window?.forMs ?? 0);
  if (!checkLengths(input, dutyMs, problems)) return [];
  const bag = new Bag(drawable, rng.stream("bag"));
  const found: PlacedFault[] = [];
  for (const [index, stretch] of windows.entries()) {
    const room = roomOf(input, stretch, [...planned, ...found]);
    const stream = rng.stream(`window ${index}`);
    const placed =
      chaos.pick === "once-each" ? onceEach(drawable, room, stream) : bag.fill(room, dutyMs, stream);
    if (placed === null) {
      const which = `the window from ${formatDuration(stretch.startMs)} to ${formatDuration(stretch.endMs)}`;
      const most =
        chaos.pick === "once-each"
          ? `all ${drawable.length} faults (${neededText(drawable)})`
          : "not one fault";
      const verb = chaos.pick === "once-each" ? "cannot hold" : "can hold";
      problems.add(
        "plan-does-not-fit",
        "chaos.window",
        `${which} ${verb} ${most} beside warm-up, spikes, planned faults and restart spacing`,
        roomHint,
      );
      break;
    }
    found.push(...placed);
  }
  return found;
}

const roomHint =
  "Lengthen chaos.window.for, move it (firstAt), or shorten hold, chaos.settle or chaos.restartSpacing.";

function neededText(drawable: readonly DrawableFault[]): string {
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

function roomOf(
  { scenario, durationMs, planned }: WindowInput,
  stretch: Interval,
  placed: readonly PlacedFault[],
): Room {
  const { chaos, warmUpMs, load } = scenario;
  // Recovery is judged against the usual figures for one rate: from a fault's start to the end of its settle time the rate must not change,
  // and after a spike the stack gets its settle time, too.
  const spikes = occurrences(load.spike, durationMs).map(({ startMs, endMs }) => ({
    startMs,
    endMs: endMs + chaos.settleMs,
  }));
  return {
    ...stretch,
    blocked: [
      { startMs: 0, endMs: warmUpMs },
      ...spikes,
      ...planned.map(({ startMs, resolved }) => ({ startMs, endMs: startMs + resolved.lengthMs })),
    ],
    restartStarts: placed.flatMap(({ startMs, resolved }): RestartStart[] =>
      resolved.restarts === null ? [] : [{ service: resolved.restarts, startMs }],
    ),
    restartSpacingMs: chaos.restartSpacingMs,
    restartsUntilMs: durationMs - (chaos.quietStretchMs ?? 0),
  };
}
