// The seeded generator of plans. Each purpose draws from a stream of its own (named), so that adding a draw in one place does not
// shift every later draw in another.
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { sha256 } from "./json.ts";

export interface Rng {
  /** Uniform whole number from low to high, both included. */
  int(low: number, high: number): number;
  /** Uniform choice; the list must not be empty. */
  pick<T>(items: readonly T[]): T;
  /** A new array in random order. */
  shuffle<T>(items: readonly T[]): T[];
  /** An independent generator, fixed by this one's seed and the name alone. */
  stream(name: string): Rng;
}

/** A generator fixed by its seed text. */
export function seededRng(seed: string): Rng {
  const generator = xoroshiro128plus(Number.parseInt(sha256(seed).slice(0, 8), 16) | 0);
  const int = (low: number, high: number): number => uniformInt(generator, low, high);
  const pick = <T>(items: readonly T[]): T => {
    if (items.length === 0) throw new RangeError("pick: nothing to pick from");
    return items[int(0, items.length - 1)] as T;
  };
  const shuffle = <T>(items: readonly T[]): T[] => {
    const mixed = [...items];
    for (let i = mixed.length - 1; i > 0; i--) {
      const j = int(0, i);
      [mixed[i], mixed[j]] = [mixed[j] as T, mixed[i] as T];
    }
    return mixed;
  };
  return { int, pick, shuffle, stream: (name) => seededRng(`${seed}/${name}`) };
}
