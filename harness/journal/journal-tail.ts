// Follows the journal of a run that another process writes: each call gives the events that were added since the last one.
import { join } from "node:path";
import { tailLines } from "../support/tail-lines.ts";
import type { JournalEvent } from "./events.ts";
import { journalFileName, parseEvent } from "./journal-reader.ts";

/** Lines that cannot be read are left out: whoever judges finds them. */
export function tailJournal(runDir: string): () => JournalEvent[] {
  const tail = tailLines(join(runDir, journalFileName));
  return () => tail().flatMap((line) => parseEvent(line) ?? []);
}
