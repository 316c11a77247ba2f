// Ranges and lists among a fault's options: [low, high] and { oneOf: [...] }. Drawn by the plan's generator, or taken at their ends for checks.
import { show } from "../scenario/fields.ts";
import type { Json } from "../support/json.ts";
import type { Rng } from "../support/rng.ts";

export type Options = { readonly [key: string]: Json };

/** How one value is taken from a range or a list: by the generator, or, for checks, always the same one. */
export interface Chooser {
  between(low: number, high: number): number;
  oneOf(list: readonly Json[]): Json;
}

export function drawOptions(options: Options, chooser: Chooser): Options {
  const draw = (value: Json): Json => {
    if (isRange(value)) return chooser.between(value[0], value[1]);
    const list = choicesOf(value);
    return list === undefined ? value : chooser.oneOf(list);
  };
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, draw(value)]));
}

export function drawnBy(rng: Rng): Chooser {
  return { between: (low, high) => drawBetween(rng, low, high), oneOf: (list) => rng.pick(list) };
}

/** Choosers that together take both ends of every range and every entry of every list: what holds for them holds for any draw. */
export function extremes(options: Options): Chooser[] {
  const longest = Math.max(1, ...Object.values(options).map((value) => choicesOf(value)?.length ?? 0));
  return Array.from({ length: longest + 1 }, (_, index) => ({
    between: index === longest ? (_low: number, high: number) => high : (low: number) => low,
    oneOf: (list) => list[index % list.length] ?? null,
  }));
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
