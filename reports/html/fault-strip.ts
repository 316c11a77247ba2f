// The six instants of one fault, drawn to scale: positions only, the template draws them. Letters stand in one row above the bar; where
// two would touch they are moved apart and a leader shows where each belongs.
import type { FaultRecord, Instant } from "../../harness/judge/verdict.ts";
import { formatAfter } from "../words.ts";

export const instantNames = ["injected", "effective", "detected", "acted", "healed", "recovered"] as const;
export type InstantName = (typeof instantNames)[number];

/** Size of the drawing in its own units; the template's viewBox says the same. */
const left = 8;
const width = 404;
const letterWidth = 11;

export interface StripMark {
  readonly letter: string;
  readonly name: string;
  readonly x: number;
  /** Where the letter stands; a leader runs from it to x. */
  readonly letterX: number;
  /** Where the true time may lie: a bar from here to x. */
  readonly errorX: number;
  readonly errorWidth: number;
  readonly text: string;
}

export interface Strip {
  readonly marks: readonly StripMark[];
  readonly harm: { readonly x: number; readonly width: number };
  readonly mending: { readonly x: number; readonly width: number };
  /** "unproven" where nothing showed that the harm was real: its bar is hollow. */
  readonly harmClass: "harm" | "unproven";
  readonly ends: string;
  readonly label: string;
  /** Instants that were not seen, in words; empty where all were. */
  readonly missing: string;
}

/** What Kiln does after a momentary fault only tidies up: it is no part of the story, unless it had to rescue the stack. */
function instantOf(record: FaultRecord, name: InstantName): Instant | null {
  return name === "healed" && record.kind === "momentary" && !record.rescued ? null : record[name];
}

/** Length of a fault from injection to its last instant, milliseconds; 0 where it was not injected. */
export function spanOf(record: FaultRecord): number {
  if (record.injected === null) return 0;
  const last = Math.max(...instantNames.map((name) => instantOf(record, name)?.atMs ?? 0));
  return Math.max(1_000, last - record.injected.atMs);
}

/** Null where the fault was never injected. */
export function drawStrip(record: FaultRecord, scaleMs: number): Strip | null {
  const { injected } = record;
  if (injected === null) return null;
  const zeroMs = injected.atMs;
  const x = (atMs: number): number =>
    round(left + (Math.min(Math.max(0, atMs - zeroMs), scaleMs) / scaleMs) * (width - left));
  const seen = instantNames.flatMap((name) => {
    const instant = instantOf(record, name);
    return instant === null ? [] : [{ name, instant }];
  });
  const marks = place(seen, x, zeroMs);
  const harmEnd =
    record.kind === "held" ? (record.healed ?? record.recovered ?? injected) : (record.effective ?? injected);
  const end = record.recovered ?? harmEnd;
  const bar = (fromMs: number, toMs: number): { x: number; width: number } => ({
    x: x(fromMs),
    width: round(Math.max(0, x(toMs) - x(fromMs))),
  });
  const missing = instantNames.filter(
    (name) => record[name] === null && (name !== "healed" || record.kind === "held"),
  );
  return {
    marks,
    harm: bar((record.effective ?? injected).atMs, harmEnd.atMs),
    mending: bar(harmEnd.atMs, end.atMs),
    harmClass: record.confirmed === "yes" ? "harm" : "unproven",
    ends: formatAfter(scaleMs),
    label: `${record.id}: ${marks.map(({ name, text }) => `${name} ${text}`).join(", ")}`,
    missing: missing.join(", "),
  };
}

function place(
  seen: readonly { readonly name: InstantName; readonly instant: Instant }[],
  x: (atMs: number) => number,
  zeroMs: number,
): StripMark[] {
  const order = seen.toSorted((a, b) => a.instant.atMs - b.instant.atMs);
  const letters = spread(order.map(({ instant }) => x(instant.atMs)));
  return order.map(({ name, instant }, index) => {
    const at = x(instant.atMs);
    const errorX = x(instant.atMs - instant.errorMs);
    return {
      letter: name.charAt(0).toUpperCase(),
      name,
      x: at,
      letterX: letters[index] ?? at,
      errorX,
      errorWidth: round(at - errorX),
      text: name === "injected" ? "at 0 s" : formatAfter(instant.atMs - zeroMs),
    };
  });
}

/** Moves rising positions apart to the width of a letter: to the right first, then back from the right edge. */
function spread(positions: readonly number[]): number[] {
  const moved: number[] = [];
  for (const at of positions) moved.push(Math.max(at, (moved.at(-1) ?? -letterWidth) + letterWidth));
  let limit = width + 4;
  for (let index = moved.length - 1; index >= 0; index--) {
    moved[index] = round(Math.min(moved[index] ?? limit, limit));
    limit = (moved[index] ?? limit) - letterWidth;
  }
  return moved;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
