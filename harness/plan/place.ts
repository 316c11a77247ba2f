// Puts a list of units into one window, in the given order: first as early as the rules allow, then spread over the time that is left, so
// that faults do not come like clockwork: with one fault at a time each has its own share of that time, where they may overlap each starts
// anywhere in it.
import { overlap, type Interval } from "../support/intervals.ts";
import type { Rng } from "../support/rng.ts";
import type { ResolvedUnit } from "./units.ts";

export type Placeable = Pick<ResolvedUnit, "pattern" | "lengthMs" | "restarts" | "targets">;

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
  /** So many faults may overlap, settle times included; a pattern overlaps nothing. */
  readonly atMostAtOnce: number;
  /** Whether those may have one target. */
  readonly sameTarget: "refuse" | "allow";
}

/** Start times are whole tenths of a second. */
const gridMs = 100;

/** Start times in the order of `items`, or null when they do not fit. */
export function placeInOrder(items: readonly Placeable[], room: Room, rng: Rng): number[] | null {
  const earliest = place(items, room, () => room.startMs);
  if (earliest === null) return null;
  const lastEndMs = Math.max(
    room.startMs,
    ...items.map(({ lengthMs }, index) => (earliest[index] ?? 0) + lengthMs),
  );
  const slackMs = items.length === 0 ? 0 : room.endMs - lastEndMs;
  const draws = items.map(() => rng.int(0, 1_000) / 1_000);
  const shares =
    room.atMostAtOnce > 1
      ? draws.toSorted((a, b) => a - b)
      : draws.map((draw, index) => (index + draw) / items.length);
  // A blocked stretch may push a fault further than its share: then all shares shrink until they fit; with none they do.
  for (const scale of [1, 0.75, 0.5, 0.25]) {
    const wishMs = (index: number): number => (earliest[index] ?? 0) + slackMs * (shares[index] ?? 0) * scale;
    const spread = place(items, room, wishMs);
    if (spread !== null) return spread;
  }
  return earliest;
}

interface Placed extends Interval {
  readonly item: Placeable;
}

function place(items: readonly Placeable[], room: Room, wishMs: (index: number) => number): number[] | null {
  const placed: Placed[] = [];
  const restarts = [...room.restartStarts];
  let freeMs = room.startMs;
  for (const [index, item] of items.entries()) {
    const startMs = firstFree(Math.max(freeMs, wishMs(index)), item, room, restarts, placed);
    const endMs = startMs + item.lengthMs;
    if (endMs > room.endMs || (item.restarts.length > 0 && endMs > room.restartsUntilMs)) return null;
    placed.push({ item, startMs, endMs });
    for (const { service, offsetMs } of item.restarts)
      restarts.push({ service, startMs: startMs + offsetMs });
    freeMs = startMs;
  }
  return placed.map(({ startMs }) => startMs);
}

/** The first time from `fromMs` on at which the item clears everything blocked, the items beside it and its distance to other restarts. */
function firstFree(
  fromMs: number,
  item: Placeable,
  room: Room,
  restarts: readonly RestartStart[],
  placed: readonly Placed[],
): number {
  for (let startMs = toGrid(fromMs); ;) {
    const own = { startMs, endMs: startMs + item.lengthMs };
    const nextMs =
      room.blocked.find((block) => overlap(own, block))?.endMs ??
      clearOfRestarts(startMs, item, room, restarts) ??
      clearOfItems(own, item, room, placed);
    if (nextMs === undefined) return startMs;
    startMs = toGrid(nextMs);
  }
}

/** When the item might start where it now comes too near to another restart; undefined where it does not. */
function clearOfRestarts(
  startMs: number,
  item: Placeable,
  room: Room,
  restarts: readonly RestartStart[],
): number | undefined {
  for (const { service, offsetMs } of item.restarts) {
    const tooClose = restarts.find(
      (other) =>
        other.service === service && Math.abs(other.startMs - startMs - offsetMs) < room.restartSpacingMs,
    );
    if (tooClose !== undefined) return tooClose.startMs + room.restartSpacingMs - offsetMs;
  }
  return undefined;
}

/** When the item might start where it now overlaps too many others, a pattern or its own target; undefined where it does not. */
function clearOfItems(
  own: Interval,
  item: Placeable,
  room: Room,
  placed: readonly Placed[],
): number | undefined {
  const beside = placed.filter((other) => overlap(own, other));
  const excluded = beside.find(
    (other) =>
      item.pattern !== null ||
      other.item.pattern !== null ||
      (room.sameTarget === "refuse" && other.item.targets.some((target) => item.targets.includes(target))),
  );
  if (excluded !== undefined) return excluded.endMs;
  // Starts come in order, so all of these are still there when the item starts.
  return beside.length < room.atMostAtOnce ? undefined : Math.min(...beside.map(({ endMs }) => endMs));
}

function toGrid(ms: number): number {
  return Math.ceil(ms / gridMs) * gridMs;
}
