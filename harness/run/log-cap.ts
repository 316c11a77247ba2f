// Keeps logs/ of a run below 256 MiB: a log that has grown to its share becomes `<name>.1` (replacing the one before) and starts anew. The
// writers hold their files open for appending, so the file is copied and emptied, not moved: lines written in between may be lost.
import { copyFileSync, readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";

const capBytes = 256 * 2 ** 20;

/** Rotates what is too long. Each component has two files, so that one file's share is half of the cap by the number of components. */
export function capLogs(logsDir: string, limitBytes = capBytes): string[] {
  const logs = readdirSync(logsDir).filter((name) => name.endsWith(".log"));
  const shareBytes = limitBytes / 2 / Math.max(1, logs.length);
  const long = logs.filter((name) => statSync(join(logsDir, name)).size > shareBytes);
  for (const name of long) {
    const file = join(logsDir, name);
    copyFileSync(file, `${file}.1`);
    truncateSync(file, 0);
  }
  return long;
}
