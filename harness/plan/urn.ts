// Draws by weight, in a seeded order that keeps to the weights over any stretch: the k-th draw of a choice of weight w falls at a random
// point of [k, k + 1) / w, and draws come in the order of these points. Equal weights are a shuffled bag that is refilled when empty. What
// may not come now keeps its turn.
import type { Rng } from "../support/rng.ts";

export interface Weighted {
  readonly weight: number;
}

interface Turn<T> {
  readonly item: T;
  drawn: number;
  at: number;
}

export class Urn<T extends Weighted> {
  readonly #turns: Turn<T>[];
  readonly #rng: Rng;
  /** Turns that were taken back, the last one first. */
  readonly #undone = new Map<T, number[]>();

  constructor(items: readonly T[], rng: Rng) {
    this.#rng = rng;
    this.#turns = items.map((item) => ({ item, drawn: 0, at: this.#point(item, 0) }));
  }

  /** Undefined where nothing may come. */
  next(mayCome: (item: T) => boolean): T | undefined {
    let first: Turn<T> | undefined;
    for (const turn of this.#turns)
      if (mayCome(turn.item) && (first === undefined || turn.at < first.at)) first = turn;
    if (first === undefined) return undefined;
    const { item } = first;
    this.#undone.set(item, [first.at, ...(this.#undone.get(item) ?? [])]);
    first.drawn += 1;
    first.at = this.#point(item, first.drawn);
    return item;
  }

  /** The last draw of this item did not happen: its turn stands as before. */
  putBack(item: T): void {
    const turn = this.#turns.find((each) => each.item === item);
    const [at, ...before] = this.#undone.get(item) ?? [];
    if (turn === undefined || at === undefined) throw new RangeError("putBack: it was not drawn");
    turn.drawn -= 1;
    turn.at = at;
    this.#undone.set(item, before);
  }

  #point({ weight }: T, drawn: number): number {
    return (drawn + this.#rng.int(0, 999_999) / 1_000_000) / weight;
  }
}
