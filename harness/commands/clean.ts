// `kiln clean --keep N`: removes all but the newest N run folders. A run that is still in progress is never removed.
import { rmSync } from "node:fs";
import { basename, resolve } from "node:path";
import { isHeld, readLock } from "../run/lock.ts";
import { isTornDown, readLedger } from "../run/ledger.ts";
import {
  environmentError,
  exitCode,
  hasErrno,
  messageOf,
  usageError,
  type ExitCode,
} from "../support/errors.ts";
import { listRuns } from "./find-run.ts";
import { say } from "./say.ts";

export function cleanCommand(options: { readonly keep: string }): ExitCode {
  if (!/^\d+$/.test(options.keep)) {
    throw usageError(
      "keep-not-a-count",
      `--keep: expected a whole number, 0 or more, got "${options.keep}"`,
      { hint: "kiln clean --keep 10" },
    );
  }
  const holder = readLock();
  const live = holder !== undefined && isHeld(holder) ? resolve(holder.runDir) : undefined;
  const old = listRuns().slice(Number(options.keep));
  for (const runDir of old) {
    const why = resolve(runDir) === live ? "still in progress" : whyKept(runDir);
    if (why === undefined) remove(runDir);
    say(why === undefined ? `removed ${basename(runDir)}` : `kept ${basename(runDir)}: ${why}`);
  }
  if (old.length === 0) say("nothing to remove");
  return exitCode.pass;
}

/** Its ledger is the only record of what a run may have left in the world. */
function whyKept(runDir: string): string | undefined {
  try {
    const entries = readLedger(runDir);
    if (entries.length === 0 || isTornDown(entries)) return undefined;
    const id = basename(runDir);
    return `not taken down, run \`npx kiln heal ${id}\` first (or \`npx kiln resume ${id}\`, if it was detached)`;
  } catch (error) {
    return messageOf(error);
  }
}

function remove(runDir: string): void {
  try {
    rmSync(runDir, { recursive: true });
  } catch (error) {
    if (!hasErrno(error, "EACCES", "EPERM", "EROFS", "EBUSY", "ENOTEMPTY")) throw error;
    throw environmentError("run-not-removed", `cannot remove ${runDir}: ${messageOf(error)}`, {
      hint: "remove it as the user who started that run; what keeps it busy is shown by: fuser -vm <folder>",
      cause: error,
    });
  }
}
