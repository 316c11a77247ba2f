// Ranges and lists among a fault's options: [low, high] and { oneOf: [...] }. Drawn by the plan's generator, or taken at their ends for checks.
import { show } from "../scenario/fields.ts";
import type { Json } from "../support/json.ts";
import type { Rng } from "../support/rng.ts";

export type Options = { readonly [key: string]: Json };

/** How one value is taken from a range or a list: by the generator, or, for checks, always the same one. */
export interface Chooser {
  /** @param name Of the option, or "hold". */
  between(low: number, high: number, name: string): number;
  oneOf(list: readonly Json[]): Json;
}

export function drawOptions(options: Options, chooser: Chooser): Options {
  const draw = (value: Json, name: string): Json => {
    if (isRange(value)) return chooser.between(value[0], value[1], name);
    const list = choicesOf(value);
    return list === undefined ? value : chooser.oneOf(list);
  };
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, draw(value, name)]));
}

export function drawnBy(rng: Rng): Chooser {
  return { between: (low, high) => drawBetween(rng, low, high), oneOf: (list) => rng.pick(list) };
}

/** More ranges than this are taken at all lower and at all upper ends only. */
const mostCorners = 6;

/**
 * Choosers that together take every entry of every list with every combination of the ends of the ranges, the hold among them: what holds for
 * these holds for any draw, also where one option limits another.
 */
export function extremes(options: Options): Chooser[] {
  const longest = Math.max(1, ...Object.values(options).map((value) => choicesOf(value)?.length ?? 0));
  const ranges = Object.keys(options).filter((name) => isRange(options[name] ?? null));
  const few = ranges.length <= mostCorners;
  const corners = few ? 2 ** ranges.length : 2;
  return Array.from({ length: 2 * corners * longest }, (_, index): Chooser => {
    const corner = Math.floor(index / 2) % corners;
    const isHigh = (name: string): boolean => {
      if (name === "hold") return index % 2 === 1;
      return few ? (corner >> ranges.indexOf(name)) % 2 === 1 : corner === 1;
    };
    return {
      between: (low, high, name) => (isHigh(name) ? high : low),
      oneOf: (list) => list[Math.floor(index / (2 * corners)) % list.length] ?? null,
    };
  });
}

export function reversedRanges(options: Options): { readonly name: string; readonly shown: string }[] {
  return Object.entries(options).flatMap(([name, value]) =>
    isRange(value) && value[0] > value[1] ? [{ name, shown: show(value) }] : [],
  );
}

function isRange(value: Json): value is readonly [number, number] {
  return Array.isArray(value) && value.length === 2 && value.every((end) => typeof end === "number");
}

function choicesOf(value: Json): readonly Json[] | undefined {
  if (typeof value !== "object" || value === null || !("oneOf" in value)) return undefined;
  const { oneOf } = value;
  return Array.isArray(oneOf) && oneOf.length > 0 ? (oneOf as readonly Json[]) : undefined;
}

/** Whole between whole ends, otherwise one of a thousand steps, with four decimals. */
function drawBetween(rng: Rng, low: number, high: number): number {
  if (Number.isInteger(low) && Number.isInteger(high)) return rng.int(low, high);
  return Math.round((low + ((high - low) * rng.int(0, 1_000)) / 1_000) * 10_000) / 10_000;
}
