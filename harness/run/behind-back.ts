// Tells the journal what other processes did about a run's faults while no harness of it ran: the ledger knows, at the time that it names.
import type { JournalEvent, JournalWriter } from "../journal/events.ts";
import { eventsIn } from "../journal/journal-reader.ts";
import { bootId } from "../support/process-identity.ts";
import type { Axis } from "./axis.ts";
import type { LedgerEntry } from "./ledger-format.ts";
import { openFaults } from "./ledger.ts";

export interface Untold {
  readonly events: readonly JournalEvent[];
  readonly entries: readonly LedgerEntry[];
  readonly axis: Pick<Axis, "zeroMonotonicMs">;
  readonly journal: JournalWriter;
}

/** For each fault that the journal has begun and not ended: how it ended, or that it is left in. Call it when every heal has been tried. */
export function tellHeals({ events, entries, axis, journal }: Untold): void {
  const states = new Map(eventsIn(events, "fault").map(({ id, state }) => [id, state]));
  const left = new Set(openFaults(entries).map(({ id }) => id));
  for (const [id, state] of states) {
    if (state === "healed") continue;
    if (left.has(id)) {
      const failed = entries.findLast((entry) => entry.op === "heal-failed" && entry.id === id);
      const error = failed?.op === "heal-failed" ? failed.error : "nobody has healed it";
      journal.write({ type: "fault", id, state: "broken", error });
      continue;
    }
    const index = entries.findLastIndex((entry) => entry.op === "healed" && entry.id === id);
    const healed = entries[index];
    // Injecting had begun, but nothing was in the ledger yet: then nothing was in the world.
    if (healed?.op !== "healed") continue;
    const by = healed.by === "harness" ? {} : { by: healed.by };
    journal.write(
      { type: "fault", id, state: "healed", ...by },
      atMs(entries, index, healed.monotonicMs, axis),
    );
  }
}

/** On the journal's axis; undefined (now) for a heal of another boot, whose monotonic clock is gone. */
function atMs(
  entries: readonly LedgerEntry[],
  index: number,
  monotonicMs: number | undefined,
  { zeroMonotonicMs }: Untold["axis"],
): number | undefined {
  const opened = entries.slice(0, index).findLast((entry) => entry.op === "open");
  const ofThisBoot = opened?.op === "open" && opened.bootId === bootId();
  return ofThisBoot && monotonicMs !== undefined ? monotonicMs - zeroMonotonicMs : undefined;
}
