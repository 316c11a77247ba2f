// Follows a file that another process appends to.
import { closeSync, openSync, readSync } from "node:fs";
import { hasErrno } from "./errors.ts";

const chunkBytes = 64 * 1_024;

/**
 * Each call returns the whole lines, empty ones left out, that were added since the last; none while there is no file. What has no end yet
 * is read again next time: whoever goes on after a crash may have cut it away.
 */
export function tailLines(file: string): () => string[] {
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
    // Decoded only now: a character may lie across two reads.
    const bytes = Buffer.concat(parts);
    const whole = bytes.lastIndexOf(0x0a) + 1;
    offset += whole;
    return bytes
      .toString("utf8", 0, whole)
      .split("\n")
      .filter((line) => line !== "");
  };
}
