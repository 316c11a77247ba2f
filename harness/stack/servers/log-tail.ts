// The end of a component's log, for messages: what a failed start said last.
import { readFileSync } from "node:fs";
import { hasErrno } from "../../support/errors.ts";

/** The last lines of a log, indented, or a line that says that there are none. */
export function lastLines(path: string, count = 8): string {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
  }
  const lines = text.trimEnd().split("\n").filter(Boolean).slice(-count);
  return lines.length === 0
    ? "  (its log is empty)"
    : lines.map((line) => `  ${line.slice(0, 400)}`).join("\n");
}
