// The forced end of a run by a process that may not have started it: no good order any more, everything is killed, watchdogs first, and
// proved gone. Afterwards the run folder holds evidence and logs only.
import { existsSync, rmSync } from "node:fs";
import { basename, isAbsolute, relative } from "node:path";
import { startersIn } from "../scenario/stack-spec.ts";
import { removeGroups } from "../stack/control-groups.ts";
import { type Member, reapersOf } from "../stack/membership.ts";
import { portsOf, readStackRecord } from "../stack/record.ts";
import type { StackRecord } from "../stack/stack.ts";
import { deleteData, sweep } from "../stack/sweep.ts";
import { unmountAll } from "../stack/volumes.ts";
import { type Clock, systemClock } from "../support/clock.ts";
import { environmentError, messageOf } from "../support/errors.ts";
import type { ProcessIdentity } from "../support/process-identity.ts";
import { type StartedProcess, openLedger, readLedger, startedProcesses } from "./ledger.ts";
import type { LedgerEntry } from "./ledger-format.ts";

export interface TakeDownRequest {
  /** Absolute. */
  readonly runDir: string;
  readonly by: "harness" | "reaper" | "heal";
  /** Processes that are never ended; this one, its reapers and a living harness of the run never are. */
  readonly exclude?: readonly ProcessIdentity[];
  readonly clock?: Clock;
}

export interface TakeDownReport {
  /** What was found running and is gone now. */
  readonly ended: readonly Member[];
  /** Shared memory that was removed: "System V segment 7", "/dev/shm/PostgreSQL.1". */
  readonly segments: readonly string[];
  /** Folders outside the run folder that were removed. */
  readonly folders: readonly string[];
  /** Where file systems of the run were mounted. */
  readonly mounts: readonly string[];
  /** Control groups of the run that were there. */
  readonly cgroups: readonly string[];
  /** What made the search less sure, such as an unreadable stack.json. */
  readonly problems: readonly string[];
}

/**
 * Ends every process of the run, removes what they left outside the run folder, its control groups and mounts, and the servers' data, and
 * writes `torn-down`. Throws `processes-left`, `cgroup-left` or `mounts-left` (environment) when something could not be ended or removed,
 * `run-unknown` (usage of a folder that is no run) without a ledger.
 */
export async function takeDown(request: TakeDownRequest): Promise<TakeDownReport> {
  const { runDir, by, exclude = [], clock = systemClock } = request;
  const entries = readLedger(runDir);
  const opened = entries.findLast((entry) => entry.op === "open");
  const folderIsGone = !existsSync(runDir);
  if (opened === undefined && !folderIsGone) {
    throw environmentError("run-unknown", `${runDir} has no ledger of a run`, {
      hint: "name a folder in runs/",
    });
  }
  const { record, problems } = recordOf(runDir);
  const started = startedProcesses(entries);
  // Somebody removed the folder of a living run: its name is the id, and the processes bear the marker.
  const runId = opened?.runId ?? basename(runDir);
  const { ended, segments } = await sweep({
    runDir,
    runId,
    spec: record?.spec,
    ports: record === undefined ? [] : portsOf(record),
    exclude: [...exclude, ...(opened === undefined ? [] : [opened.harness]), ...reapersOf(runDir)],
    first: watchdogs(record, started),
    started: started.map(({ identity }) => identity),
    clock,
  });
  // A heal that failed may have left a group: by now nobody is in it.
  const cgroups = await removeGroups(runId, clock);
  const mounts = await unmountAll(runDir, runId, clock);
  if (record !== undefined) deleteData(record.spec, runDir);
  const folders = removeFolders(entries, runDir);
  if (!folderIsGone) await noteTornDown(runDir, by);
  return { ended, segments, folders, mounts, cgroups, problems };
}

async function noteTornDown(runDir: string, by: TakeDownRequest["by"]): Promise<void> {
  const ledger = await openLedger(runDir);
  try {
    await ledger.append({ op: "torn-down", by });
  } finally {
    await ledger.close();
  }
}

/** An unreadable record must not keep the processes alive: they are found without it. */
function recordOf(runDir: string): {
  readonly record?: StackRecord | undefined;
  readonly problems: readonly string[];
} {
  try {
    return { record: readStackRecord(runDir), problems: [] };
  } catch (error) {
    return { problems: [messageOf(error)] };
  }
}

function watchdogs(record: StackRecord | undefined, started: readonly StartedProcess[]): ProcessIdentity[] {
  const names = record === undefined ? new Set<string>() : startersIn(record.spec);
  return started.filter(({ name }) => names.has(name)).map(({ identity }) => identity);
}

function removeFolders(entries: readonly LedgerEntry[], runDir: string): string[] {
  const folders = entries.flatMap((entry) => (entry.op === "folder" ? [entry.path] : []));
  // Never a folder that holds the run folder, whatever was written there.
  const removable = folders.filter((path) => isAbsolute(path) && relative(path, runDir).startsWith(".."));
  for (const path of removable) rmSync(path, { recursive: true, force: true });
  return removable;
}
