// The timeline as a picture in text, at most 80 columns wide: a ruler, one line for the load, one for the windows, one for the drills where
// there are any, one for each target of faults.
import { formatDuration } from "../support/duration.ts";
import type { Interval } from "../support/intervals.ts";
import type { FaultStep, Plan } from "./plan.ts";

/** A multiple of 8 and 12, so that hours fall on columns in the usual suites; with margins and names it leaves 80 columns whole. */
const columns = 48;
const longestName = 26;
const idle = "·";

type Lane = readonly [name: string, cells: string];

export function renderLanes({ durationMs, load, windows, faults, drills = [] }: Plan): string[] {
  const spikes = load.segments.filter(({ kind }) => kind === "spike");
  const carried = faults.filter(({ skipped }) => skipped === undefined);
  const targets = [...new Set(faults.map(({ target }) => target))].toSorted();
  const lane = (name: string, marked: readonly (readonly [Interval, string])[]): Lane => {
    const cells = Array.from({ length: columns }, () => idle);
    for (const [{ startMs, endMs }, mark] of marked) {
      const first = Math.min(columns - 1, Math.floor((startMs / durationMs) * columns));
      const last = Math.max(first, Math.ceil((endMs / durationMs) * columns) - 1);
      for (let column = first; column <= last; column++) cells[column] = mark;
    }
    return [name, cells.join("")];
  };
  const all = (intervals: readonly Interval[], mark: string): (readonly [Interval, string])[] =>
    intervals.map((interval) => [interval, mark] as const);
  const steps = (target: string): (readonly [Interval, string])[] =>
    carried
      .filter((step) => step.target === target)
      // Patterns last, so that they show where a column holds other faults, too.
      .toSorted((a, b) => Number(a.pattern !== undefined) - Number(b.pattern !== undefined))
      .map((step) => [{ startMs: step.startMs, endMs: step.healMs }, markOf(step)] as const);
  const lanes: Lane[] = [
    ["", ruler(durationMs)],
    lane("spikes", all(spikes, "^")),
    lane("windows", all(windows, "=")),
    ...(drills.length === 0
      ? []
      : [
          lane(
            "drills",
            drills.map((step) => drillMark(step)),
          ),
        ]),
    ...targets.map((target) => lane(target, steps(target))),
  ];
  const width = Math.min(longestName, Math.max(...lanes.map(([name]) => name.length)));
  return [
    `Timeline: a column is ${formatDuration(durationMs / columns)}${legend(carried)}`,
    ...lanes.map(([name, cells]) => `  ${shortened(name).padEnd(width)}  ${cells}`),
  ];
}

/** With its undoing and settle time: nothing else happens until then. */
function drillMark({ startMs, settleUntilMs }: FaultStep): readonly [Interval, string] {
  return [{ startMs, endMs: settleUntilMs }, "D"];
}

function markOf({ pattern }: FaultStep): string {
  return pattern === undefined ? "#" : pattern.name.slice(0, 1).toUpperCase();
}

function legend(steps: readonly FaultStep[]): string {
  const patterns = new Set(
    steps.flatMap((step) => (step.pattern === undefined ? [] : [`${markOf(step)} ${step.pattern.name}`])),
  );
  return patterns.size === 0
    ? ""
    : `; # fault, ${[...patterns].toSorted((a, b) => (a < b ? -1 : 1)).join(", ")}`;
}

function shortened(name: string): string {
  return name.length <= longestName ? name : `${name.slice(0, longestName - 1)}…`;
}

/** Start, quarters and end. */
function ruler(durationMs: number): string {
  const cells = Array.from({ length: columns }, () => " ");
  const write = (text: string, column: number): void => {
    cells.splice(column, text.length, ...text.split(""));
  };
  const end = `${formatDuration(Math.round(durationMs / 1_000) * 1_000)}|`;
  write(end, columns - end.length);
  for (const quarter of [0, 1, 2, 3]) {
    const column = (columns * quarter) / 4;
    const label =
      quarter === 0 ? "0" : `|${formatDuration(Math.round((durationMs * quarter) / 4_000) * 1_000)}`;
    const free = column + label.length < columns - end.length;
    write(free ? label : "|", column);
  }
  return cells.join("");
}
