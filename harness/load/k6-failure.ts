// Why k6 failed, in words: its exit code and the last of its log, turned into an error that names the script's line.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { environmentError, hasErrno, usageError, type KilnError } from "../support/errors.ts";
import type { Spawned } from "../support/spawner.ts";

const tailBytes = 8_192;

/** Exit codes of k6 v2 (errext/exitcodes): the script's or the configuration's fault. */
const scriptCodes = new Set([104, 107, 108]);
/** REST port taken between the look and the start. */
export const portTakenCode = 106;

/** Keeps the end of what a process says on stderr, where the spawner pipes it; else it is read from the log file. */
export function stderrTail(spawned: Spawned): () => string {
  let tail = "";
  spawned.child.stderr?.on("data", (chunk: Buffer | string) => {
    tail = (tail + chunk.toString()).slice(-tailBytes);
  });
  return () => (tail === "" && spawned.logFile !== undefined ? endOfFile(spawned.logFile) : tail);
}

function endOfFile(file: string): string {
  let handle: number;
  try {
    handle = openSync(file, "r");
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return "";
    throw error;
  }
  try {
    const { size } = fstatSync(handle);
    const bytes = Buffer.alloc(Math.min(size, tailBytes));
    readSync(handle, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString("utf8");
  } finally {
    closeSync(handle);
  }
}

/** k6's own message: the first error of the log's end, without its logfmt wrapping. */
export function messageInLog(log: string): string {
  const lines = log.split("\n").filter((line) => line.trim() !== "");
  const line = lines.find((line) => line.includes("level=error")) ?? lines.at(-1) ?? "";
  const quoted = /\bmsg=("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  if (quoted === undefined) return line.trim();
  try {
    return String(JSON.parse(quoted)).trim();
  } catch (error) {
    // Go quotes some characters in ways that JSON does not know.
    if (error instanceof SyntaxError)
      return quoted
        .slice(1, -1)
        .replaceAll(String.raw`\"`, '"')
        .trim();
    throw error;
  }
}

/** Error for a k6 that ended with `code` (null: by a signal) before it did its job. */
export function k6Failure(what: string, code: number | null, log: string, script: string): KilnError {
  const message = messageInLog(log).slice(0, 1_000);
  const said = message === "" ? "it said nothing" : message;
  if (code !== null && scriptCodes.has(code)) {
    // "file:///path/gateway.ts:3:15(18)" in a stack, "file:///path/gateway.ts: Line 3:18 Unexpected" from the parser.
    const place = /file:\/\/(\/[^\s:()]+):(?: Line )?(\d+):(\d+)/.exec(message);
    const where = place === null ? script : `${place[1]}:${place[2]}:${place[3]}`;
    return usageError("load-script-failed", `k6 cannot run the load script (${where}): ${said}`, {
      hint: `mend ${where}; \`npx tsc --noEmit\` checks its types`,
    });
  }
  const how = code === null ? "was ended by a signal" : `ended with exit code ${code}`;
  return environmentError("k6-failed", `k6 ${how} ${what}: ${said}`, {
    hint: "its log is in the run folder under logs/",
  });
}
