// Turns what people type for a run ("last", an id, a path) into the folder of that run.
import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { planFileName } from "../journal/run-folder.ts";
import { usageError } from "../support/errors.ts";

/** Folder that holds the run folders: KILN_RUNS_DIR, or runs/ in the working directory. */
export function runsDir(): string {
  return resolve(process.env["KILN_RUNS_DIR"] ?? "runs");
}

/** All run folders, newest first (ids begin with their time). */
export function listRuns(root = runsDir()): string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, planFileName)))
    .toSorted()
    .toReversed()
    .map((name) => join(root, name));
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
    if (existsSync(candidate) && statSync(candidate).isDirectory()) return candidate;
  }
  throw usageError("run-unknown", `no run "${text}"`, { hint });
}
