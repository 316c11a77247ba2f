// What a PostgreSQL that was killed leaves outside its data folder: a System V segment (named in postmaster.pid), and POSIX segments in
// /dev/shm. The servers of a run use files instead of the latter, but initdb (before version 16) cannot be told to, and may be killed too.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { hasErrno } from "../support/errors.ts";
import { allPids } from "../support/process-identity.ts";

export interface Postmaster {
  readonly data: string;
  readonly pid: number;
  /** Of the System V segment; undefined when the server had not made it yet. */
  readonly segment?: { readonly key: number; readonly id: number };
}

/** The server of a data folder by its postmaster.pid: one or none. It may be dead. */
export function readPostmaster(data: string): Postmaster[] {
  let lines: string[];
  try {
    lines = readFileSync(join(data, "postmaster.pid"), "utf8").split("\n");
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
  // Line 1 is the pid, line 7 key and id of the System V segment (PostgreSQL source, miscadmin.h, LOCK_FILE_LINE_SHMEM_KEY).
  const [key, id] = (lines[6] ?? "").trim().split(/\s+/).map(Number);
  const segment = key === undefined || id === undefined || Number.isNaN(id) ? {} : { segment: { key, id } };
  return [{ data, pid: Number(lines[0]), ...segment }];
}

/** Removes a dead server's System V segment when nobody is attached; returns the ids of those removed. */
export function removeSystemVSegment(postmaster: Postmaster): number[] {
  const { segment } = postmaster;
  if (segment === undefined || !isOrphan(segment.key, segment.id)) return [];
  execFileSync("ipcrm", ["-m", String(segment.id)], { timeout: 2_000, stdio: "ignore" });
  return [segment.id];
}

/** True when exactly that segment exists and nobody is attached. Columns of /proc/sysvipc/shm: key, shmid, …, nattch (7th). */
function isOrphan(key: number, id: number): boolean {
  return readFileSync("/proc/sysvipc/shm", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some((columns) => columns[0] === key && columns[1] === id && columns[6] === 0);
}

const posixFolder = "/dev/shm";

/**
 * Removes PostgreSQL's POSIX segments that no process has mapped, that were made after `sinceMs` (Unix epoch), and that belong to the owner
 * of one of the data folders; returns their names. A living server has its segments mapped all its life, so these are orphans.
 */
export function removePosixSegments(dataFolders: readonly string[], sinceMs: number): string[] {
  const owners = new Set(dataFolders.flatMap((folder) => statOf(folder)?.uid ?? []));
  const candidates = namesIn(posixFolder)
    .filter((name) => name.startsWith("PostgreSQL."))
    .map((name) => join(posixFolder, name))
    .filter((path) => {
      const stat = statOf(path);
      return stat !== undefined && owners.has(stat.uid) && stat.ctimeMs >= sinceMs;
    });
  if (candidates.length === 0) return [];
  const mapped = allPids().map(mappingsOf);
  const orphans = candidates.filter((path) => !mapped.some((text) => text.includes(path)));
  for (const path of orphans) rmSync(path, { force: true });
  return orphans;
}

function mappingsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/maps`, "utf8");
  } catch (error) {
    // Another user's process cannot have mapped a segment of ours (mode 0600).
    if (hasErrno(error, "ENOENT", "ESRCH", "EACCES", "EPERM")) return "";
    throw error;
  }
}

function statOf(path: string): { readonly uid: number; readonly ctimeMs: number } | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
}
