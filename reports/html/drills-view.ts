// What the template sees of the drills: text only.
import { formatOffset } from "../../harness/support/duration.ts";
import type { DrillRow } from "../model-types.ts";
import { formatCount, formatMs, glue, plural, shapes, statusWords } from "../words.ts";

export function drillsView(rows: readonly DrillRow[]) {
  const passed = rows.filter(({ finding }) => finding?.status === "pass").length;
  return {
    drillText:
      rows.length === 0
        ? ""
        : `${plural(rows.length, "drill")}, ${formatCount(passed)} of them as planned. Nothing is broken in a drill: no user may notice.`,
    drills: rows.map((row) => {
      const { record, asked, finding, doneInMs, undoneInMs } = row;
      const status = finding?.status ?? "inconclusive";
      const fromMs = record.beganMs ?? record.plannedMs;
      return {
        id: record.id,
        status,
        shape: shapes[status],
        word: statusWords[status],
        asked,
        at: formatOffset(fromMs),
        fromMs: fromMs - 3_000,
        toMs: (record.undone?.atMs ?? fromMs + 10_000) + 5_000,
        done: doneInMs === null ? "–" : formatMs(doneInMs),
        confirmed: confirmedWord(row),
        saw: glue(record.saw),
        undone: undoneInMs === null ? "–" : formatMs(undoneInMs),
        failed: record.beganMs === null ? "–" : formatCount(record.failedRequests),
        requests: record.beganMs === null ? "" : `of ${formatCount(record.requests)}`,
      };
    }),
  };
}

function confirmedWord({ record }: DrillRow): string {
  if (record.confirmed === "yes") return "seen in force";
  if (record.confirmed === "not-run") return "not carried out";
  return record.disproved ? "seen not to be in force" : "not seen";
}
