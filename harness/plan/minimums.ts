// What must come at least so often: after the windows are filled by weight, what came too rarely is put into windows at random, beside what
// is there or in place of what has come more often than it must. Explicit minimums may displace anything that has none; the default of one
// takes only from what came twice or more.
import { formatDuration } from "../support/duration.ts";
import type { Rng } from "../support/rng.ts";
import { arrange, mayLie, withinReach, type Draw, type Filled } from "./draw-window.ts";
import type { Room } from "./place.ts";
import type { Problems } from "./problems.ts";
import type { DrawableUnit } from "./units.ts";

const defaultLeast = 1;

export interface WindowWork {
  readonly dutyMs: number;
  /** The room of a window, given what lies in the others. */
  roomOf(index: number, filled: readonly Filled[]): Room;
}

/** The windows with the minimums kept as far as they can be. Null for an explicit one that cannot: it is reported. */
export function keepMinimums(
  filled: readonly Filled[],
  drawables: readonly DrawableUnit[],
  work: WindowWork,
  rng: Rng,
): Filled[] {
  let windows = [...filled];
  const explicitFirst = drawables.toSorted((a, b) => Number(a.atLeast === null) - Number(b.atLeast === null));
  for (const drawable of explicitFirst) {
    const least = drawable.atLeast ?? defaultLeast;
    while (countOf(drawable, windows) < least) {
      const better = withOneMore(drawable, windows, work, rng);
      if (better === null) break;
      windows = better;
    }
  }
  return windows;
}

/** Reports every explicit minimum that the windows do not keep. */
export function checkMinimums(
  filled: readonly Filled[],
  drawables: readonly DrawableUnit[],
  dutyMs: number,
  problems: Problems,
): void {
  for (const drawable of drawables) {
    const { atLeast, key, longestMs, longestDutyMs } = drawable;
    const came = countOf(drawable, filled);
    if (atLeast === null || came >= atLeast) continue;
    problems.add(
      "plan-minimum-not-kept",
      `${key}.atLeast`,
      `cannot be kept: ${atLeast} asked, but the ${filled.length} windows have room for ${came} (${formatDuration(longestDutyMs)} of a window's ${formatDuration(dutyMs)} under fault, ${formatDuration(longestMs)} with settle time, at most)`,
      "Ask for fewer, give more or longer windows (chaos.window, duration), raise chaos.dutyCycle, or shorten the hold.",
    );
  }
}

function countOf(drawable: DrawableUnit, windows: readonly Filled[]): number {
  return windows.reduce(
    (sum, { draws }) => sum + draws.filter((draw) => draw.drawable === drawable).length,
    0,
  );
}

function withOneMore(
  drawable: DrawableUnit,
  windows: readonly Filled[],
  work: WindowWork,
  rng: Rng,
): Filled[] | null {
  for (const index of rng.shuffle([...windows.keys()])) {
    const room = work.roomOf(index, windows);
    if (!mayLie(drawable, room)) continue;
    const draw = { drawable, unit: drawable.draw(rng) };
    const filled = madeRoomFor(draw, index, windows, room, work.dutyMs, rng);
    if (filled !== null) return windows.with(index, filled);
  }
  return null;
}

/** The window with this draw: as it is where there is room, else without as few of the dispensable ones as it takes. */
function madeRoomFor(
  draw: Draw,
  index: number,
  windows: readonly Filled[],
  room: Room,
  dutyMs: number,
  rng: Rng,
): Filled | null {
  const kept = [...(windows[index]?.draws ?? [])];
  const spare = new Map<DrawableUnit, number>();
  const spareOf = (each: DrawableUnit): number => {
    const least = each.atLeast ?? (draw.drawable.atLeast === null ? defaultLeast : 0);
    return spare.get(each) ?? countOf(each, windows) - least;
  };
  for (;;) {
    const draws = [...kept, draw];
    const filled = withinReach(draws, room, dutyMs) ? arrange(draws, room, rng) : null;
    if (filled !== null) return filled;
    // What came most often for its weight is missed least.
    const dispensable = kept
      .filter((each) => each.drawable !== draw.drawable && spareOf(each.drawable) > 0)
      .toSorted((a, b) => often(b.drawable, windows) - often(a.drawable, windows));
    const [least] = dispensable;
    if (least === undefined) return null;
    spare.set(least.drawable, spareOf(least.drawable) - 1);
    kept.splice(kept.indexOf(least), 1);
  }
}

function often(drawable: DrawableUnit, windows: readonly Filled[]): number {
  return countOf(drawable, windows) / drawable.weight;
}
