// Writes the end into the journal of a run that nobody goes on with: its harness is dead, its faults are healed, its stack is down.
import type { EventOf } from "../journal/events.ts";
import { continueJournal } from "../journal/journal-file.ts";
import { eventsIn, readJournal } from "../journal/journal-reader.ts";
import { clockFrom, monotonicMs, systemClock } from "../support/clock.ts";
import { bootId } from "../support/process-identity.ts";
import { axisOf } from "./axis.ts";
import { tellHeals } from "./behind-back.ts";
import { readLedger } from "./ledger.ts";
import type { RunState } from "./run-state.ts";

export type Ending = Pick<EventOf<"run-ended">, "outcome" | "reason">;

/** What a run came to that was not gone on with for that reason. */
export function ending({ events, stopping }: RunState, why: string): Ending {
  // Load and settling were over, and only the taking down was left: nothing of the evidence is missing.
  const settled = eventsIn(events, "phase").some(({ phase, state }) => phase === "settle" && state === "end");
  if (settled) return { outcome: "completed" };
  if (stopping === undefined) return { outcome: "error", reason: why };
  const outcome = stopping.startsWith("interrupted") ? "interrupted" : "stopped";
  return { outcome, reason: `${stopping}; the harness died while it ended the run` };
}

/** Tells the journal of the heals that it does not know, and ends it. Nothing where there is no journal, or where it has ended. */
export function closeDeadRun(runDir: string, { outcome, reason }: Ending): void {
  const { events } = readJournal(runDir);
  const axis = axisOf(events, { bootId: bootId(), monotonicMs: monotonicMs(), wallMs: systemClock.wallMs() });
  if (axis === undefined || eventsIn(events, "run-ended").length > 0) return;
  const journal = continueJournal(runDir, clockFrom(axis.zeroMonotonicMs));
  try {
    tellHeals({ events, entries: readLedger(runDir), axis, journal });
    if (reason !== undefined) journal.write({ type: "note", level: "error", text: reason });
    journal.write({ type: "run-ended", outcome, ...(reason === undefined ? {} : { reason }) });
  } finally {
    journal.close();
  }
}
