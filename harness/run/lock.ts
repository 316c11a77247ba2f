// One run per machine: a lock file names its holder. It is stale when the harness that took it is gone (pid, start time and boot id) and
// no reaper of its run is still at work. It guards against a second run by mistake, not against an enemy.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reapersOf } from "../stack/membership.ts";
import { environmentError, hasErrno } from "../support/errors.ts";
import { type ProcessIdentity, identify, isAlive } from "../support/process-identity.ts";

export interface LockHolder {
  readonly runId: string;
  /** Absolute. */
  readonly runDir: string;
  readonly harness: ProcessIdentity;
  /** ISO 8601, wall clock. */
  readonly since: string;
}

export interface RunLock {
  readonly path: string;
  readonly holder: LockHolder;
  /** Idempotent; leaves a lock alone that another run took meanwhile. */
  release(): void;
}

export interface LockRequest {
  readonly runId: string;
  readonly runDir: string;
  /** Milliseconds since the Unix epoch: since when, for people. */
  readonly wallMs: number;
  /** Also from this run's own dead harness while a reaper of it is at work: a harness that resumes the run. */
  readonly takeOver?: boolean;
  readonly path?: string;
}

/** $KILN_LOCK_FILE (tests), or kiln.lock in the machine's temporary folder. */
export function lockPath(): string {
  return process.env["KILN_LOCK_FILE"] ?? join(tmpdir(), "kiln.lock");
}

/** Takes the lock for this process, also from a dead holder. Throws `run-in-progress` (environment) that names the living one. */
export function acquireLock(request: LockRequest): RunLock {
  const path = request.path ?? lockPath();
  const harness = identify(process.pid);
  if (harness === undefined) throw new TypeError("this process has an identity");
  const holder: LockHolder = {
    runId: request.runId,
    runDir: request.runDir,
    harness,
    since: new Date(request.wallMs).toISOString(),
  };
  // The file appears with its content in one step (link), so nobody can read half of it and call it stale.
  const draft = `${path}.${process.pid}`;
  try {
    writeFileSync(draft, `${JSON.stringify(holder)}\n`, { mode: 0o644 });
    for (let attempt = 0; attempt < 5; attempt += 1) {
      if (tryLink(draft, path)) return { path, holder, release: () => releaseLock(request.runId, path) };
      const other = readLock(path);
      if (other !== undefined && isHeld(other) && !isDeadSelf(other, request)) throw held(other, path);
      setAside(path, other);
    }
  } catch (error) {
    if (hasErrno(error, "EACCES", "EPERM", "EROFS", "ENOENT", "ENOSPC")) {
      throw environmentError(
        "lock-unusable",
        `cannot use the lock file ${path}: ${error instanceof Error ? error.message : ""}`,
        {
          hint: "it may be another user's: let them remove it, or make its folder writable",
          cause: error,
        },
      );
    }
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
  throw environmentError("lock-contended", `other runs keep taking the lock file ${path}`, {
    hint: "start one run at a time",
  });
}

/** For a command that leaves the taking to another process. Throws `run-in-progress` (environment) that names the living holder. */
export function assertFree(path: string = lockPath()): void {
  const other = readLock(path);
  if (other !== undefined && isHeld(other)) throw held(other, path);
}

function isDeadSelf(other: LockHolder, { runId, takeOver }: LockRequest): boolean {
  return takeOver === true && other.runId === runId && !isAlive(other.harness);
}

/** Removes the lock if it is that run's: by its harness at the end, or by its reaper. */
export function releaseLock(runId: string, path: string = lockPath()): void {
  if (readLock(path)?.runId === runId) rmSync(path, { force: true });
}

/** Who holds the lock by the file, alive or not; undefined when there is no file or it is no lock of Kiln's. */
export function readLock(path: string = lockPath()): LockHolder | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
  return parseHolder(text);
}

/** True while the holder's harness lives, or a reaper of its run is still at work. */
export function isHeld(holder: LockHolder): boolean {
  return isAlive(holder.harness) || reapersOf(holder.runDir).length > 0;
}

function parseHolder(text: string): LockHolder | undefined {
  try {
    const value = JSON.parse(text) as Partial<LockHolder> | null;
    const whole =
      typeof value?.runId === "string" &&
      typeof value.runDir === "string" &&
      typeof value.harness?.pid === "number";
    return whole ? (value as LockHolder) : undefined;
  } catch (error) {
    // Cut short by a full disk or a crash of the machine: whoever wrote it does not hold anything.
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function tryLink(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (hasErrno(error, "EEXIST")) return false;
    throw error;
  }
}

/** Takes a stale lock away. Moved first and looked at again: another process may have taken the lock since it was read. */
function setAside(path: string, stale: LockHolder | undefined): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return;
    throw error;
  }
  const moved = readLock(aside);
  if (moved !== undefined && JSON.stringify(moved) !== JSON.stringify(stale)) tryLink(aside, path);
  rmSync(aside, { force: true });
}

function held(other: LockHolder, path: string): Error {
  const { pid } = other.harness;
  const alive = isAlive(other.harness);
  const who = alive ? `process ${pid}` : `its harness, process ${pid}, is dead and its reaper is at work`;
  return environmentError(
    "run-in-progress",
    `run ${other.runId} is in progress on this machine (${who}, since ${other.since}, folder ${other.runDir})`,
    {
      hint: alive
        ? `one run per machine: wait for it (kiln watch), or end it with: kiln stop, or kill -TERM ${pid} (lock file ${path})`
        : "start again in about 10 seconds; a detached run is resumed by its reaper: kiln watch, kiln stop",
    },
  );
}
