// Follows the journal of a run that another process writes: each call gives the whole lines that were added since the last one.
import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "../support/errors.ts";
import type { JournalEvent } from "./events.ts";
import { journalFileName, parseEvent } from "./journal-reader.ts";

const chunkBytes = 256 * 1_024;

/** Lines that cannot be read are left out: whoever judges finds them. */
export function tailJournal(runDir: string): () => JournalEvent[] {
  const file = join(runDir, journalFileName);
  const buffer = Buffer.alloc(chunkBytes);
  let offset = 0;
  return () => {
    let fd: number;
    try {
      fd = openSync(file, "r");
    } catch (error) {
      if (hasErrno(error, "ENOENT")) return [];
      throw error;
    }
    const parts: Buffer[] = [];
    try {
      for (let at = offset, read = 1; read > 0; at += read) {
        read = readSync(fd, buffer, 0, chunkBytes, at);
        parts.push(Buffer.from(buffer.subarray(0, read)));
      }
    } finally {
      closeSync(fd);
    }
    const bytes = Buffer.concat(parts);
    // What has no end yet is read again next time: whoever goes on after a crash may have cut it away.
    const whole = bytes.lastIndexOf(0x0a) + 1;
    offset += whole;
    return bytes
      .toString("utf8", 0, whole)
      .split("\n")
      .flatMap((line) => (line === "" ? [] : (parseEvent(line) ?? [])));
  };
}
