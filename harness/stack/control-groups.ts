// Control groups (cgroups) as files: where the kernel keeps them, how one of Kiln's own is made, limited, filled, read and removed. Both
// versions: in version 1 each controller has a hierarchy of its own, in version 2 there is one for all. Knows nothing of stacks and faults.
// Source of names and formats: the kernel's documentation, admin-guide/cgroup-v1 (memory.rst), scheduler/sched-bwc.rst, cgroup-v2.rst.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Clock, sleep, systemClock } from "../support/clock.ts";
import { environmentError, hasErrno } from "../support/errors.ts";
import { type Mount, readMounts } from "./mounts.ts";

export type CgroupController = "cpu" | "memory";

export interface Hierarchy {
  readonly controller: CgroupController;
  readonly version: 1 | 2;
  /** Where it is mounted, absolute. */
  readonly mount: string;
  /** What of it is mounted there: a container sees a part only. */
  readonly root: string;
}

/** The hierarchy that has a controller, or undefined where this machine has none mounted. */
export function hierarchyOf(
  controller: CgroupController,
  mounts: readonly Mount[] = readMounts(),
): Hierarchy | undefined {
  for (const { type, path, root, options } of mounts) {
    if (type === "cgroup" && options.includes(controller))
      return { controller, version: 1, mount: path, root };
    if (type === "cgroup2" && words(join(path, "cgroup.controllers")).includes(controller))
      return { controller, version: 2, mount: path, root };
  }
  return undefined;
}

/** Folder of the group that a process is in; undefined when the process is gone or the group lies outside of what is mounted. */
export function groupOf(pid: number, { controller, version, mount, root }: Hierarchy): string | undefined {
  const lines = read(`/proc/${pid}/cgroup`)?.split("\n") ?? [];
  for (const line of lines) {
    // hierarchy-ID:controllers:path; version 2 has no controllers here (cgroups(7)).
    const [, names = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (version === 1 ? !names.split(",").includes(controller) : names !== "" || path === "") continue;
    if (path.startsWith("/..")) return undefined;
    const below = root === "/" ? path : path.startsWith(root) ? path.slice(root.length) : undefined;
    return below === undefined ? undefined : join(mount, below);
  }
  return undefined;
}

/**
 * Where a group beside or below `group` can be made that its processes may be moved to. Version 1: right below. Version 2: a group that
 * holds processes may not hand controllers on, so it is the nearest one upwards that already does.
 */
export function parentFor(group: string, { controller, version, mount }: Hierarchy): string | undefined {
  if (version === 1) return group;
  for (let at = group; at === mount || at.startsWith(`${mount}/`); at = dirname(at)) {
    if (words(join(at, "cgroup.subtree_control")).includes(controller)) return at;
  }
  return undefined;
}

export type GroupLimit =
  | { readonly controller: "cpu"; readonly cores: number }
  | { readonly controller: "memory"; readonly bytes: number };

/** Length of the periods in which a quota is spent: the kernel's default, which container runtimes keep. */
const quotaPeriodMs = 100;

/** Makes the group, or takes it as it is, and sets its limit. A group that is there is only changed by what is written here. */
export function makeGroup(path: string, { version }: Hierarchy, limit: GroupLimit): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if (!hasErrno(error, "EEXIST")) throw unavailable(`cannot make the control group ${path}`, error);
  }
  for (const [file, value] of settingsOf(version, limit)) {
    if (file.optional === true && !existsSync(join(path, file.name))) continue;
    try {
      writeFileSync(join(path, file.name), value);
    } catch (error) {
      throw unavailable(`cannot write ${value} into ${join(path, file.name)}`, error);
    }
  }
}

type Setting = readonly [file: { readonly name: string; readonly optional?: true }, value: string];

function settingsOf(version: 1 | 2, limit: GroupLimit): Setting[] {
  const periodUs = quotaPeriodMs * 1_000;
  if (limit.controller === "cpu") {
    const quotaUs = Math.round(limit.cores * periodUs);
    if (version === 2) return [[{ name: "cpu.max" }, `${quotaUs} ${periodUs}`]];
    return [
      [{ name: "cpu.cfs_period_us" }, String(periodUs)],
      [{ name: "cpu.cfs_quota_us" }, String(quotaUs)],
    ];
  }
  // No swap: a limit that only moves pages to the disk would be another fault on each machine. Absent where the kernel has no swap.
  const bytes = String(limit.bytes);
  if (version === 2)
    return [
      [{ name: "memory.max" }, bytes],
      [{ name: "memory.swap.max", optional: true }, "0"],
    ];
  return [
    [{ name: "memory.limit_in_bytes" }, bytes],
    [{ name: "memory.memsw.limit_in_bytes", optional: true }, bytes],
  ];
}

/** Puts a process, all its threads with it, into a group. False when the process is gone. */
export function moveInto(group: string, pid: number): boolean {
  try {
    writeFileSync(join(group, "cgroup.procs"), String(pid));
    return true;
  } catch (error) {
    if (hasErrno(error, "ESRCH")) return false;
    throw unavailable(`cannot move process ${pid} into the control group ${group}`, error);
  }
}

/** Pids of a group's own processes; none when it does not exist. */
export function processesIn(group: string): number[] {
  return (
    read(join(group, "cgroup.procs"))
      ?.split("\n")
      .filter((line) => line !== "")
      .map(Number) ?? []
  );
}

export interface CpuBooks {
  /** Periods in which the group wanted to run, and those of them in which it had spent its quota before their end. */
  readonly periods: number;
  readonly throttledPeriods: number;
  /** Length of a period. */
  readonly periodMs: number;
}

export function cpuBooks(group: string): CpuBooks | undefined {
  const text = read(join(group, "cpu.stat"));
  if (text === undefined) return undefined;
  return {
    periods: number(text, "nr_periods"),
    throttledPeriods: number(text, "nr_throttled"),
    periodMs: quotaPeriodMs,
  };
}

export interface MemoryBooks {
  readonly usageBytes: number;
  /** The most that was ever charged to the group; kernels before 5.19 do not say so in version 2: then what is charged now. */
  readonly peakBytes: number;
  /** Processes that the kernel killed because the group was at its limit. */
  readonly kills: number;
}

export function memoryBooks(group: string, { version }: Hierarchy): MemoryBooks | undefined {
  const [usage, peak, events] =
    version === 1
      ? ["memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control"]
      : ["memory.current", "memory.peak", "memory.events"];
  const usageText = read(join(group, usage));
  if (usageText === undefined) return undefined;
  return {
    usageBytes: Number(usageText),
    peakBytes: Number(read(join(group, peak)) ?? usageText),
    kills: number(read(join(group, events)) ?? "", "oom_kill"),
  };
}

/** How long the kernel may take to forget the last process of a group. */
const removeMs = 2_000;

/** Removes an empty group; absent counts as removed. Throws `cgroup-left` when something keeps it. */
export async function removeGroup(group: string, clock: Clock = systemClock): Promise<void> {
  const untilMs = clock.nowMs() + removeMs;
  for (;;) {
    try {
      rmdirSync(group);
      return;
    } catch (error) {
      if (hasErrno(error, "ENOENT")) return;
      if (!hasErrno(error, "EBUSY") || clock.nowMs() > untilMs)
        throw environmentError("cgroup-left", `the control group ${group} cannot be removed`, {
          hint: `see which processes are in it: cat ${join(group, "cgroup.procs")}; then run: kiln heal`,
          cause: error,
        });
    }
    await sleep(20, undefined, clock);
  }
}

/** Removes every group of a run whose processes are dead, and returns which there were. */
export async function removeGroups(runId: string, clock: Clock = systemClock): Promise<string[]> {
  const groups = groupsOfRun(runId);
  for (const group of groups) await removeGroup(group, clock);
  return groups;
}

/** "@" stands in no run id, so the name of one run's group is never the beginning of another's. */
export function groupName(runId: string, faultId: string): string {
  return `kiln-${runId}@${faultId}`;
}

/** The name of the fault's group that a group is or lies in, if any. */
export function faultGroupOf(group: string): string | undefined {
  return group.split("/").find((name) => isOurs(name, "kiln-"));
}

/** Every group that was made for a run, or for any run of Kiln's, wherever it is. Looks at the folders of both controllers' hierarchies. */
export function groupsOfRun(runId?: string): string[] {
  const beginning = runId === undefined ? "kiln-" : groupName(runId, "");
  const mounts = new Set(
    (["cpu", "memory"] as const).flatMap((controller) => hierarchyOf(controller)?.mount ?? []),
  );
  return [...mounts]
    .flatMap((mount) => foldersBelow(mount))
    .filter(({ name }) => isOurs(name, beginning))
    .map(({ path }) => path);
}

function isOurs(name: string, beginning: string): boolean {
  return name.startsWith(beginning) && name.includes("@");
}

interface Folder {
  readonly name: string;
  readonly path: string;
}

/** Deepest first, so that they can be removed in this order. Groups come and go while it looks. */
function foldersBelow(path: string): Folder[] {
  try {
    const folders = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return folders.flatMap(({ name }) => {
      const folder = { name, path: join(path, name) };
      return [...foldersBelow(folder.path), folder];
    });
  } catch (error) {
    if (hasErrno(error, "ENOENT", "EACCES", "ENODEV")) return [];
    throw error;
  }
}

function unavailable(text: string, cause: unknown): Error {
  return environmentError("cgroup-unavailable", text, {
    hint: "control groups need root, or a part of their tree that was handed to this user; a parent's own limit may also forbid it",
    cause,
  });
}

/** Undefined when the file, its group or its process is gone. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENODEV", "ESRCH")) return undefined;
    throw error;
  }
}

function words(path: string): string[] {
  return read(path)?.trim().split(/\s+/) ?? [];
}

/** The number after a name in a file of "name number" lines; 0 where the kernel has no such line. */
function number(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
}
