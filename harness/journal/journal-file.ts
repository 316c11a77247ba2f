// Writes journal.ndjson. Each line is handed to the operating system before `write` returns, so that SIGKILL of the harness loses no
// acknowledged event; it is not flushed to disk, so that a power cut may lose the last ones.
import { appendFileSync, closeSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../support/clock.ts";
import { environmentError, hasErrno } from "../support/errors.ts";
import { redact } from "../support/redact.ts";
import type { JournalBody, JournalEvent, JournalWriter } from "./events.ts";
import { journalFileName, parseEvent, readJournal } from "./journal-reader.ts";

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

/**
 * Opens the journal of a writer that is dead, and goes on with the next number. A last line that was torn off is cut away (it was never
 * acknowledged); one that is whole but for its end gets that.
 */
export function continueJournal(
  runDir: string,
  clock: Clock,
  onEvent?: (event: JournalEvent) => void,
): JournalWriter {
  const file = join(runDir, journalFileName);
  const bytes = readFileSync(file);
  const wholeBytes = bytes.lastIndexOf(0x0a) + 1;
  if (wholeBytes < bytes.length) {
    if (parseEvent(bytes.toString("utf8", wholeBytes)) === undefined) truncateSync(file, wholeBytes);
    else appendFileSync(file, "\n");
  }
  const last = readJournal(runDir).events.reduce((seq, event) => Math.max(seq, event.seq), 0);
  return openJournal(runDir, clock, onEvent, last + 1);
}
