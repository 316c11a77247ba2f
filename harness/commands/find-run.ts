// Turns what people type for a run ("last", an id, a path) into the folder of that run.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { planFileName } from "../journal/plan-file.ts";
import { isHeld, readLock } from "../run/lock.ts";
import { environmentError, hasErrno, messageOf, usageError } from "../support/errors.ts";

/** Folder that holds the run folders: KILN_RUNS_DIR, or runs/ in the working directory. */
export function runsDir(): string {
  return resolve(process.env["KILN_RUNS_DIR"] ?? "runs");
}

/** All run folders, newest first (ids begin with their time). Throws when there is something else of that name, or it may not be read. */
export function listRuns(root = runsDir()): string[] {
  return namesIn(root)
    .filter((name) => existsSync(join(root, name, planFileName)))
    .toSorted()
    .toReversed()
    .map((name) => join(root, name));
}

function namesIn(root: string): string[] {
  try {
    return readdirSync(root);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    const hint = "set KILN_RUNS_DIR to a folder of runs that you may read, or leave it unset for ./runs";
    if (hasErrno(error, "ENOTDIR"))
      throw usageError("runs-dir-no-folder", `${root} is a file, not the folder that holds the runs`, {
        hint,
        cause: error,
      });
    if (!hasErrno(error, "EACCES", "EPERM", "ELOOP", "EIO")) throw error;
    throw environmentError("runs-dir-unreadable", `cannot read the folder of the runs: ${messageOf(error)}`, {
      hint,
      cause: error,
    });
  }
}

/** The folder meant by `text`. Throws a usage error that names what there is. */
export function findRun(text: string): string {
  const runs = listRuns();
  const hint =
    runs.length === 0
      ? "there is no run yet: npx kiln run smoke"
      : `known runs: ${runs
          .slice(0, 5)
          .map((run) => basename(run))
          .join(", ")}`;
  if (text === "last") {
    const newest = runs[0];
    if (newest === undefined) throw usageError("run-unknown", `no run in ${runsDir()}`, { hint });
    return newest;
  }
  for (const candidate of [resolve(text), join(runsDir(), text)]) {
    if (isFolder(candidate)) return candidate;
  }
  throw usageError("run-unknown", `no run "${text}"`, { hint });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  } catch (error) {
    if (hasErrno(error, "ELOOP", "ENAMETOOLONG")) return false;
    if (!hasErrno(error, "EACCES", "EPERM", "EIO")) throw error;
    throw environmentError("run-unreadable", `cannot look at ${path}: ${messageOf(error)}`, {
      hint: "run Kiln as the user who started that run",
      cause: error,
    });
  }
}

/** The run meant where nothing was typed: the one in progress on this machine, else the newest. */
export function findRunOrCurrent(text: string | undefined): string {
  if (text !== undefined) return findRun(text);
  const holder = readLock();
  return holder !== undefined && isHeld(holder) ? holder.runDir : findRun("last");
}
