// Volumes: file systems of limited size (tmpfs) that a service has for its own files, so that one can be filled without filling anybody
// else's disk. They are mounted below the run folder before anything is started and unmounted when all is over, by whoever does that.
import { execFile } from "node:child_process";
import { constants, lstatSync, mkdirSync, rmSync, statSync, statfsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { promisify } from "node:util";
import type { ServiceSpec } from "../scenario/stack-spec.ts";
import { parseBytes } from "../support/bytes.ts";
import { type Clock, sleep, systemClock } from "../support/clock.ts";
import { environmentError, hasErrno, messageOf } from "../support/errors.ts";
import { runMarker } from "../support/run-marker.ts";
import { readMounts } from "./mounts.ts";
import { dataDir, serviceDir } from "./record.ts";
import type { StackRecord } from "./stack.ts";

const run = promisify(execFile);
/** mount and umount answer within milliseconds, and in the language that is understood here. */
const plainWords = { timeout: 5_000, env: { ...process.env, LC_ALL: "C" } };

/** Where a service's volume is: a program's beside its other files, a server's is its data folder. */
export function volumePath(runDir: string, { kind, name }: ServiceSpec): string {
  return kind === "program" ? join(serviceDir(runDir, name), "volume") : dataDir(runDir, name);
}

/** Source of a run's mounts, so that they are known by it wherever the run folder went. */
function mountSource(runId: string): string {
  return `kiln@${runId}`;
}

export interface MountListener {
  /** Told of a mount before it is made; the mount waits until this resolves. */
  readonly announce: (path: string) => Promise<void>;
  readonly note: (text: string) => void;
}

/**
 * Mounts every volume of the stack. Where this user may not mount, each is a plain folder without a limit, and the note says so: the stack
 * works, and only what needs a limit is lacking. Throws `volume-failed` (environment) for any other failure.
 */
export async function mountVolumes(
  { runId, runDir, spec }: StackRecord,
  listener: MountListener,
): Promise<void> {
  for (const service of spec.services) {
    if (service.volume === undefined) continue;
    const path = volumePath(runDir, service);
    const sizeBytes = parseBytes(service.volume.size) ?? 0;
    mkdirSync(path, { recursive: true, mode: 0o700 });
    await listener.announce(path);
    const options = `size=${sizeBytes},mode=0700,nosuid,nodev`;
    // Marked, so that nobody takes the run down while it is at work.
    const env = { ...plainWords.env, [runMarker]: runId };
    try {
      await run("mount", ["-t", "tmpfs", "-o", options, mountSource(runId), path], { ...plainWords, env });
    } catch (error) {
      const said = messageOf(error).trim();
      if (!/permi|superuser|ENOENT/i.test(said))
        throw environmentError("volume-failed", `cannot mount a volume for ${service.name}: ${said}`, {
          cause: error,
        });
      listener.note(
        `the volume of ${service.name} has no limit of size: mounting is not permitted here (${said})`,
      );
    }
  }
}

/** Mount points of a run that are there now, the innermost first. */
export function mountsOfRun(runDir: string, runId: string): string[] {
  return readMounts()
    .filter(({ path, source }) => source === mountSource(runId) || path.startsWith(runDir + sep))
    .map(({ path }) => path)
    .toReversed();
}

const busyMs = 1_000;

/**
 * Unmounts all that a run has mounted and returns where that was. Whatever keeps one busy that is not of the run (a shell in that folder)
 * sees it until it leaves; it is detached from the tree then. Throws `mounts-left` (environment) when even that fails.
 */
export async function unmountAll(
  runDir: string,
  runId: string,
  clock: Clock = systemClock,
): Promise<string[]> {
  const removed: string[] = [];
  const failed: string[] = [];
  for (const path of mountsOfRun(runDir, runId)) {
    try {
      await unmount(path, clock);
      removed.push(path);
    } catch (error) {
      failed.push(`${path}: ${messageOf(error).trim()}`);
    }
  }
  if (failed.length === 0) return removed;
  throw environmentError("mounts-left", `cannot unmount what the run mounted:\n  ${failed.join("\n  ")}`, {
    hint: "run as the user who started the run: kiln heal",
  });
}

async function unmount(path: string, clock: Clock): Promise<void> {
  const untilMs = clock.nowMs() + busyMs;
  for (;;) {
    try {
      await run("umount", [path], plainWords);
      return;
    } catch (error) {
      if (!messageOf(error).includes("busy")) throw error;
      if (clock.nowMs() > untilMs) break;
    }
    await sleep(50, undefined, clock);
  }
  await run("umount", ["--lazy", path], plainWords);
}

/** A service's volume as faults may use it: files of Kiln's own in it, and never a byte on a file system that it is only a folder of. */
export interface ServiceVolume {
  readonly path: string;
  /** Bytes that an ordinary user could still write, by the file system's own account. */
  freeBytes(): number;
  /** Size of a file of Kiln's own, or undefined when there is none. */
  sizeOf(name: string): number | undefined;
  /** Lengthens the file until only so much is free. `make`: it may have to be made; otherwise its absence is an error. */
  fill(
    name: string,
    leaveBytes: number,
    how: { readonly make: boolean; readonly signal: AbortSignal },
  ): Promise<void>;
  /** Writes a file of up to so many bytes and removes it again: how much of it could be written, and whether the disk was full then. */
  tryWrite(
    name: string,
    bytes: number,
    signal: AbortSignal,
  ): Promise<{ readonly wroteBytes: number; readonly full: boolean }>;
  /** Absent counts as removed. */
  remove(name: string): void;
}

const chunkBytes = 1_048_576;
/** What a file system hands out at a time; less than this is full. */
const blockBytes = 4_096;

/** Throws `stack-no-such-part` (environment) for a service without one. */
export function serviceVolume(runDir: string, service: ServiceSpec): ServiceVolume {
  if (service.volume === undefined)
    throw environmentError("stack-no-such-part", `service ${service.name} has no volume`);
  const path = volumePath(runDir, service);
  const at = (name: string): string => join(path, name);
  const free = (): number => {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  };
  return {
    path,
    freeBytes: free,
    sizeOf: (name) => lstatSync(at(name), { throwIfNoEntry: false })?.size,
    fill: async (name, leaveBytes, { make, signal }) => {
      needOwn(path, service.name);
      const file = await open(at(name), constants.O_WRONLY | (make ? constants.O_CREAT : 0), 0o600);
      try {
        await needOn(file, path, service.name);
        let size = (await file.stat()).size;
        for (let room = free() - leaveBytes; room >= blockBytes; room = free() - leaveBytes) {
          signal.throwIfAborted();
          const whole = Math.floor(room / blockBytes) * blockBytes;
          const wrote = await writeZeros(file, Math.min(whole, chunkBytes), size);
          if (wrote === 0) return;
          size += wrote;
        }
      } finally {
        await file.close();
      }
    },
    tryWrite: async (name, bytes, signal) => {
      needOwn(path, service.name);
      const file = await open(at(name), "w", 0o600);
      try {
        await needOn(file, path, service.name);
        let wroteBytes = 0;
        while (wroteBytes < bytes) {
          signal.throwIfAborted();
          const wrote = await writeZeros(file, Math.min(bytes - wroteBytes, chunkBytes), wroteBytes);
          if (wrote === 0) return { wroteBytes, full: true };
          wroteBytes += wrote;
        }
        return { wroteBytes, full: false };
      } finally {
        await file.close();
        rmSync(at(name), { force: true });
      }
    },
    remove: (name) => rmSync(at(name), { force: true }),
  };
}

/** Bytes written at a position; 0 when the disk is full. */
async function writeZeros(file: FileHandle, bytes: number, position: number): Promise<number> {
  try {
    return (await file.write(Buffer.alloc(bytes), 0, bytes, position)).bytesWritten;
  } catch (error) {
    if (hasErrno(error, "ENOSPC", "EDQUOT")) return 0;
    throw error;
  }
}

/** A folder of a larger file system is never filled: that would be everybody's disk, the run's own evidence with it. */
function needOwn(path: string, service: string): void {
  if (statSync(path).dev === statSync(dirname(path)).dev) throw notOwn(path, service);
}

/** The same of the file that was opened: the volume may have been unmounted in between. */
async function needOn(file: FileHandle, path: string, service: string): Promise<void> {
  if ((await file.stat()).dev === statSync(dirname(path)).dev) throw notOwn(path, service);
}

function notOwn(path: string, service: string): Error {
  const text = `${path}, the volume of ${service}, is a folder of a larger file system, which is never filled`;
  return environmentError("volume-not-own", text, { hint: "run Kiln with the right to mount (as root)" });
}
