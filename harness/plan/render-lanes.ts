// The timeline as a picture in text: one line for the load, one for the windows, one for each target of faults.
import { formatDuration } from "../support/duration.ts";
import type { Interval } from "./segments.ts";
import type { Plan } from "./plan.ts";

/** A multiple of 8 and 12, so that hours fall on columns in the usual suites. */
const columns = 96;
const idle = "·";

export function renderLanes({ durationMs, load, windows, faults }: Plan): string[] {
  const lane = (name: string, intervals: readonly Interval[], mark: string): readonly [string, string] => {
    const cells = Array.from({ length: columns }, () => idle);
    for (const { startMs, endMs } of intervals) {
      const first = Math.min(columns - 1, Math.floor((startMs / durationMs) * columns));
      const last = Math.max(first, Math.ceil((endMs / durationMs) * columns) - 1);
      for (let column = first; column <= last; column++) cells[column] = mark;
    }
    return [name, cells.join("")];
  };
  const targets = [...new Set(faults.map(({ target }) => target))].toSorted();
  const lanes = [
    lane(
      "spikes",
      load.segments.filter(({ kind }) => kind === "spike"),
      "^",
    ),
    lane("windows", windows, "="),
    ...targets.map((target) => {
      const hits = faults.filter((step) => step.target === target && step.skipped === undefined);
      return lane(
        target,
        hits.map(({ startMs, healMs }) => ({ startMs, endMs: healMs })),
        "#",
      );
    }),
  ];
  const width = Math.max(...lanes.map(([name]) => name.length));
  return [
    `Timeline: a column is ${formatDuration(durationMs / columns)}`,
    ...lanes.map(([name, cells]) => `  ${name.padEnd(width)}  ${cells}`),
  ];
}
