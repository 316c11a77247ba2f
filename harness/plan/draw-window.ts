// Which units happen in a chaos window, and when. "once-each" takes every one once; "shuffled" draws from an urn that lasts over all windows,
// so that over a run each comes as often as its weight says, until the duty cycle of the window is used.
import type { Rng } from "../support/rng.ts";
import { placeInOrder, type Room } from "./place.ts";
import type { DrawableUnit, PlacedUnit, ResolvedUnit } from "./units.ts";
import type { Urn } from "./urn.ts";

export interface Draw {
  readonly drawable: DrawableUnit;
  readonly unit: ResolvedUnit;
}

/** What a window holds: its draws, and where they were placed. */
export interface Filled {
  readonly draws: readonly Draw[];
  readonly placed: readonly PlacedUnit[];
}

/** Orders tried before the window is called too short: restart spacing makes some orders longer than others. Of many units fewer. */
const mostOrders = 60;
const fewestOrders = 5;
const unitsInAll = 600;

export function mayLie(drawable: DrawableUnit, room: Pick<Room, "startMs" | "restartsUntilMs">): boolean {
  return !drawable.restarts || room.startMs + drawable.longestMs <= room.restartsUntilMs;
}

/** Every unit once, in a seeded order; null when they do not fit. */
export function onceEach(drawables: readonly DrawableUnit[], room: Room, rng: Rng): Filled | null {
  const allowed = drawables.filter((drawable) => mayLie(drawable, room));
  return arrange(
    allowed.map((drawable): Draw => ({ drawable, unit: drawable.draw(rng) })),
    room,
    rng,
  );
}

/** Draws until the next one would exceed the duty time; what does not fit keeps its turn. Null: not one fits, though some may come. */
export function fillWindow(urn: Urn<DrawableUnit>, room: Room, dutyMs: number, rng: Rng): Filled | null {
  const mayCome = (drawable: DrawableUnit): boolean => mayLie(drawable, room);
  const draws: Draw[] = [];
  for (;;) {
    const drawable = urn.next(mayCome);
    if (drawable === undefined) break;
    const draw = { drawable, unit: drawable.draw(rng) };
    if (!withinReach([...draws, draw], room, dutyMs)) {
      urn.putBack(drawable);
      break;
    }
    draws.push(draw);
  }
  const wanted = draws.length;
  for (;;) {
    const filled = arrange(draws, room, rng);
    if (filled !== null && draws.length > 0) return filled;
    const last = draws.pop();
    if (last === undefined) break;
    urn.putBack(last.drawable);
  }
  if (wanted > 0) return null;
  const first = urn.next(mayCome);
  if (first === undefined) return { draws: [], placed: [] };
  urn.putBack(first);
  return null;
}

/** Whether the draws could fit at all: by duty time, by the distance of restarts, and by length were there nothing in the way. */
export function withinReach(draws: readonly Draw[], room: Room, dutyMs: number): boolean {
  const sum = (of: (unit: ResolvedUnit) => number): number =>
    draws.reduce((total, { unit }) => total + of(unit), 0);
  const roomMs = room.endMs - room.startMs;
  return (
    sum((unit) => unit.dutyMs) <= dutyMs &&
    sum((unit) => unit.lengthMs) <= roomMs * room.atMostAtOnce &&
    restartsFit(draws, roomMs, room.restartSpacingMs)
  );
}

/** So many units that restart one service need the spacing between each two of them, and the last one its length. */
function restartsFit(draws: readonly Draw[], roomMs: number, spacingMs: number): boolean {
  const lengths = new Map<string, number[]>();
  for (const { unit } of draws) {
    for (const service of new Set(unit.restarts.map((restart) => restart.service)))
      lengths.set(service, [...(lengths.get(service) ?? []), unit.lengthMs]);
  }
  return [...lengths.values()].every((all) => (all.length - 1) * spacingMs + Math.min(...all) <= roomMs);
}

export function arrange(draws: readonly Draw[], room: Room, rng: Rng): Filled | null {
  const orders = Math.max(fewestOrders, Math.min(mostOrders, Math.floor(unitsInAll / draws.length)));
  for (let tries = 0; tries < orders; tries++) {
    const order = rng.shuffle(draws);
    const units = order.map(({ unit }) => unit);
    const starts = placeInOrder(units, room, rng);
    if (starts === null) continue;
    const placed = order.map(({ drawable, unit }, index): PlacedUnit => ({
      unit,
      key: drawable.key,
      startMs: starts[index] ?? 0,
    }));
    return { draws, placed };
  }
  return null;
}
