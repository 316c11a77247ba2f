// Follows the watchdog's own event log and copies each line into the journal, at the line's own time. What it says is checked by the
// judge against what was seen from outside.
import { join } from "node:path";
import { z } from "zod";
import { tailLines } from "../support/tail-lines.ts";
import type { ProbeFactory } from "./probe.ts";

const lineSchema = z.object({
  time: z.iso.datetime(),
  event: z.enum([
    "started",
    "adopted",
    "detected",
    "action",
    "validated",
    "action-failed",
    "recovered",
    "gave-up",
    "stopped",
    "warning",
    "requested",
    "decided",
    "rolled-back",
    "operator-called",
    "slot",
  ]),
  target: z.string().optional(),
  condition: z.string().optional(),
  level: z.enum(["soft", "medium", "hard", "emergency"]).optional(),
  attempt: z.number().optional(),
  backoffMs: z.number().optional(),
  pid: z.number().optional(),
  detail: z.string().optional(),
  id: z.string().optional(),
  by: z.string().optional(),
  slot: z.string().optional(),
});

/** How the note begins that tells of a line which is no event. */
export const strangeLine = "watchdog log: a line that is not an event: ";

export const watchdogProbes: ProbeFactory = ({ stack, journal, wall, zeroMonotonicMs, runDir, seen }) => {
  const watchdog = stack.spec.watchdog;
  if (watchdog === undefined) return [];
  const file = join(runDir, "stack", watchdog.service, watchdog.eventsFile);
  const tail = tailLines(file);
  let known = seen?.watchdogLines ?? 0;
  return [
    {
      name: "watchdog-log",
      everyMs: 250,
      look() {
        for (const text of tail()) {
          if (known > 0) {
            known -= 1;
            continue;
          }
          const parsed = lineSchema.safeParse(parseJson(text));
          if (!parsed.success) {
            journal.write({
              type: "note",
              level: "warning",
              text: `${strangeLine}${text.slice(0, 200)}`,
            });
            continue;
          }
          const { time, ...line } = parsed.data;
          journal.write(
            { type: "watchdog", wallTime: time, line },
            wall.toMonotonicMs(Date.parse(time)) - zeroMonotonicMs,
          );
        }
      },
    },
  ];
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
