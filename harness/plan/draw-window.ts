// Which faults happen in a chaos window, and when. "once-each" takes every fault once; "shuffled" draws from a bag that lasts over all
// windows, so that over a run every fault comes about equally often, until the duty cycle of the window is used.
import type { Rng } from "../support/rng.ts";
import { placeInOrder, type Room } from "./place.ts";
import type { DrawableFault, ResolvedFault } from "./resolve-fault.ts";
import type { Interval } from "./segments.ts";

export interface PlacedFault {
  readonly resolved: ResolvedFault;
  /** Key path of the choice it came from. */
  readonly key: string;
  readonly startMs: number;
}

/** Orders tried before the window is called too short: restart spacing makes some orders longer than others. */
const mostOrders = 60;

interface Draw {
  readonly drawable: DrawableFault;
  readonly resolved: ResolvedFault;
}

/** Every fault once, in a seeded order; null when they do not fit. */
export function onceEach(faults: readonly DrawableFault[], room: Room, rng: Rng): PlacedFault[] | null {
  const allowed = faults.filter((fault) => mayLie(fault, room));
  const draws = allowed.map((drawable): Draw => ({ drawable, resolved: drawable.draw(rng) }));
  return arrange(draws, room, rng);
}

/** A bag of faults, refilled when empty. */
export class Bag {
  readonly #faults: readonly DrawableFault[];
  readonly #rng: Rng;
  #left: DrawableFault[] = [];

  constructor(faults: readonly DrawableFault[], rng: Rng) {
    this.#faults = faults;
    this.#rng = rng;
  }

  /** Draws until the next fault would exceed the duty time; what does not fit stays in the bag for the next window. Null: not one fits. */
  fill(room: Room, dutyMs: number, rng: Rng): PlacedFault[] | null {
    const draws: Draw[] = [];
    for (let usedMs = 0; ;) {
      const drawable = this.#next(room);
      if (drawable === undefined) break;
      const resolved = drawable.draw(rng);
      usedMs += resolved.dutyMs;
      const lengthMs = draws.reduce((sum, draw) => sum + draw.resolved.lengthMs, resolved.lengthMs);
      if (usedMs > dutyMs || lengthMs > room.endMs - room.startMs) {
        this.#left.unshift(drawable);
        break;
      }
      draws.push({ drawable, resolved });
    }
    while (draws.length > 0) {
      const placed = arrange(draws, room, rng);
      if (placed !== null) return placed;
      const last = draws.pop();
      if (last !== undefined) this.#left.unshift(last.drawable);
    }
    return this.#nothingAllowed(room) ? [] : null;
  }

  /** The next fault that may lie in this room; those that may not are left out of this round. */
  #next(room: Room): DrawableFault | undefined {
    if (this.#nothingAllowed(room)) return undefined;
    for (;;) {
      if (this.#left.length === 0) this.#left = this.#rng.shuffle(this.#faults);
      const drawable = this.#left.shift();
      if (drawable !== undefined && mayLie(drawable, room)) return drawable;
    }
  }

  #nothingAllowed(room: Room): boolean {
    return !this.#faults.some((fault) => mayLie(fault, room));
  }
}

function mayLie(fault: DrawableFault, room: Interval & Pick<Room, "restartsUntilMs">): boolean {
  return !fault.restarts || room.startMs + fault.longestMs <= room.restartsUntilMs;
}

function arrange(draws: readonly Draw[], room: Room, rng: Rng): PlacedFault[] | null {
  for (let tries = 0; tries < mostOrders; tries++) {
    const order = rng.shuffle(draws);
    const starts = placeInOrder(
      order.map(({ resolved }) => resolved),
      room,
      rng,
    );
    if (starts !== null)
      return order.map(({ drawable, resolved }, index) => ({
        resolved,
        key: drawable.key,
        startMs: starts[index] ?? 0,
      }));
  }
  return null;
}
