// Puts a list of faults into one window, in the given order: first as early as the rules allow, then spread over the time that is left, with a
// seeded share of it before each, so that faults do not come like clockwork.
import type { Rng } from "../support/rng.ts";
import type { Interval } from "./segments.ts";

export interface Placeable {
  /** From start to the end of its settle time. */
  readonly lengthMs: number;
  /** The service whose process it may replace, or null. */
  readonly restarts: string | null;
}

export interface RestartStart {
  readonly service: string;
  readonly startMs: number;
}

export interface Room extends Interval {
  /** Nothing may lie in these: warm-up, spikes with their settle time, planned faults. */
  readonly blocked: readonly Interval[];
  /** Restart faults outside this window. */
  readonly restartStarts: readonly RestartStart[];
  readonly restartSpacingMs: number;
  /** End of the time in which restart faults may lie. */
  readonly restartsUntilMs: number;
}

/** Start times are whole tenths of a second. */
const gridMs = 100;

/** Start times in the order of `items`, or null when they do not fit. */
export function placeInOrder(items: readonly Placeable[], room: Room, rng: Rng): number[] | null {
  const earliest = place(items, room, () => room.startMs);
  if (earliest === null) return null;
  const last = items.at(-1);
  const slackMs = last === undefined ? 0 : room.endMs - ((earliest.at(-1) ?? 0) + last.lengthMs);
  // One share of the slack for each fault, so that they spread over the whole window, each moved within its share by the generator.
  const moves = items.map((_, index) => (slackMs * (index + rng.int(0, 1_000) / 1_000)) / items.length);
  // A blocked stretch may push a fault further than its share: then all shares shrink until they fit; with none they do.
  for (const scale of [1, 0.75, 0.5, 0.25]) {
    const spread = place(items, room, (index) => (earliest[index] ?? 0) + (moves[index] ?? 0) * scale);
    if (spread !== null) return spread;
  }
  return earliest;
}

function place(items: readonly Placeable[], room: Room, wishMs: (index: number) => number): number[] | null {
  const starts: number[] = [];
  const restarts = [...room.restartStarts];
  let freeMs = room.startMs;
  for (const [index, item] of items.entries()) {
    const startMs = firstFree(Math.max(freeMs, wishMs(index)), item, room, restarts);
    const endMs = startMs + item.lengthMs;
    if (endMs > room.endMs || (item.restarts !== null && endMs > room.restartsUntilMs)) return null;
    starts.push(startMs);
    if (item.restarts !== null) restarts.push({ service: item.restarts, startMs });
    freeMs = endMs;
  }
  return starts;
}

/** The first time from `fromMs` on at which the item clears everything blocked and its distance to other restarts. */
function firstFree(fromMs: number, item: Placeable, room: Room, restarts: readonly RestartStart[]): number {
  for (let startMs = toGrid(fromMs); ;) {
    const inTheWay = room.blocked.find(
      (block) => startMs < block.endMs && startMs + item.lengthMs > block.startMs,
    );
    const tooClose = restarts.find(
      (other) => other.service === item.restarts && Math.abs(other.startMs - startMs) < room.restartSpacingMs,
    );
    if (inTheWay !== undefined) startMs = toGrid(inTheWay.endMs);
    else if (tooClose !== undefined) startMs = toGrid(tooClose.startMs + room.restartSpacingMs);
    else return startMs;
  }
}

function toGrid(ms: number): number {
  return Math.ceil(ms / gridMs) * gridMs;
}
