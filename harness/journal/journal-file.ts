// Writes journal.ndjson. Each line is handed to the operating system before `write` returns, so that SIGKILL of the harness loses no
// acknowledged event; it is not flushed to disk, so that a power cut may lose the last ones.
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../support/clock.ts";
import { environmentError, hasErrno } from "../support/errors.ts";
import { redact } from "../support/redact.ts";
import type { JournalBody, JournalEvent, JournalWriter } from "./events.ts";

export const journalFileName = "journal.ndjson";

/**
 * Opens the journal of a run folder for appending. `clock` counts from the run's zero; `firstSeq` continues an older journal.
 * A full disk is an environment error: a run without a journal proves nothing.
 */
export function openJournal(
  runDir: string,
  clock: Clock,
  onEvent?: (event: JournalEvent) => void,
  firstSeq = 1,
): JournalWriter {
  const file = join(runDir, journalFileName);
  const fd = openSync(file, "a", 0o644);
  let seq = firstSeq;
  let open = true;
  return {
    write(body: JournalBody, atMs = clock.nowMs()): JournalEvent {
      const event: JournalEvent = { seq: seq++, atMs: Math.round(atMs * 1_000) / 1_000, ...body };
      if (open) {
        try {
          writeSync(fd, `${redact(JSON.stringify(event))}\n`);
        } catch (error) {
          if (!hasErrno(error, "ENOSPC", "EDQUOT")) throw error;
          const hint =
            "free some space (`kiln clean --keep N` removes old run folders), then start the run again";
          throw environmentError("disk-full", `no space left for the journal ${file}`, {
            hint,
            cause: error,
          });
        }
      }
      onEvent?.(event);
      return event;
    },
    close(): void {
      if (!open) return;
      open = false;
      closeSync(fd);
    },
  };
}
