import { expect, test } from "vitest";
import { seededRng } from "../support/rng.ts";
import { Urn } from "./urn.ts";

const item = (name: string, weight: number): { name: string; weight: number } => ({ name, weight });
const any = (): boolean => true;

test("equal weights are a bag that is refilled when empty, in a new order", () => {
  const items = ["a", "b", "c"].map((name) => item(name, 1));
  const urn = new Urn(items, seededRng("1"));
  const rounds = Array.from({ length: 30 }, () => items.map(() => urn.next(any)?.name ?? ""));
  for (const round of rounds) expect(round.toSorted()).toEqual(["a", "b", "c"]);
  expect(new Set(rounds.map((round) => round.join(""))).size).toBeGreaterThan(3);
});

test("counts keep to the weights over any stretch, not only in the long run", () => {
  const items = [item("a", 5), item("b", 1), item("c", 0.5)];
  const urn = new Urn(items, seededRng("2"));
  const counts = new Map(items.map((each) => [each, 0]));
  for (let draws = 1; draws <= 1_300; draws++) {
    const drawn = urn.next(any);
    if (drawn !== undefined) counts.set(drawn, (counts.get(drawn) ?? 0) + 1);
    for (const [{ weight }, count] of counts)
      expect(Math.abs(count - (draws * weight) / 6.5)).toBeLessThan(2.5);
  }
});

test("what is put back comes next, and what may not come keeps its turn", () => {
  const items = ["a", "b", "c"].map((name) => item(name, 1));
  const urn = new Urn(items, seededRng("3"));
  const first = urn.next(any);
  const second = urn.next(any);
  if (first === undefined || second === undefined) throw new Error("two draws");
  urn.putBack(second);
  urn.putBack(first);
  expect(urn.next(any)).toBe(first);
  expect(urn.next((each) => each !== second)).not.toBe(second);
  expect(urn.next(any)).toBe(second);
  expect(urn.next(() => false)).toBeUndefined();
  expect(() => new Urn(items, seededRng("4")).putBack(first)).toThrow(RangeError);
});
