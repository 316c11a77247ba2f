// What a run may have left on this machine, looked at with the tools that an operator would use. Compare a look before with one after.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type MembershipQuery, membersOf } from "../stack/membership.ts";
import { canBind } from "../support/free-ports.ts";
import {
  allPids,
  commandLine,
  environmentOf,
  identify,
  workingDirectory,
} from "../support/process-identity.ts";

const suspect = /kiln|postgres|redis|toxiproxy/i;
/** Folders that tests and benchmarks make for themselves (mkdtemp); others of them may run at the same time. Kiln makes none of these. */
const ofTests = /^kiln-[a-z-]+-\w{6}$/;

export interface Residues {
  /** Processes that bear the marker of one of these runs, live in its folder, or are its reaper. */
  readonly processes: readonly string[];
  readonly sharedMemory: readonly string[];
  /** Mount points below the folder of runs. */
  readonly mounts: readonly string[];
  /** Control groups that are named after one of these runs. */
  readonly cgroups: readonly string[];
  readonly temporary: readonly string[];
}

/** Of all runs in a folder. */
export function residues(runsDir: string): Residues {
  const isRun = (runId: string): boolean => existsSync(join(runsDir, runId));
  const processes = allPids()
    .filter((pid) => pid !== process.pid && identify(pid) !== undefined)
    .filter((pid) => {
      const runId = environmentOf(pid)
        .find((entry) => entry.startsWith("KILN_RUN="))
        ?.slice("KILN_RUN=".length);
      const marked = runId !== undefined && isRun(runId);
      return (
        marked ||
        workingDirectory(pid).startsWith(`${runsDir}/`) ||
        commandLine(pid).includes(`run/reaper.ts ${runsDir}/`)
      );
    })
    .map((pid) => `${pid} ${commandLine(pid)}`);
  const segments = execFileSync("ipcs", ["-m"], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.startsWith("0x"));
  const shared = readdirSync("/dev/shm").map((name) => `/dev/shm/${name}`);
  const temporary = readdirSync(tmpdir()).filter((name) => suspect.test(name) && !ofTests.test(name));
  return {
    processes,
    sharedMemory: [...shared, ...segments].toSorted(),
    mounts: mountPoints().filter((path) => path.startsWith(`${runsDir}/`)),
    cgroups: faultGroups().filter((path) => isRun(runIdOf(path))),
    temporary: temporary.toSorted(),
  };
}

/**
 * Of one run, as lines that name what is there now: members, shared memory, mounts, control groups, ports of the run that are taken.
 * Shared memory bears no run's name: what `orphanedMemory` saw before the run is somebody else's.
 */
export async function residuesOfRun(query: MembershipQuery, before: readonly string[]): Promise<string[]> {
  const members = membersOf(query).map(({ identity, command }) => `process ${identity.pid} ${command}`);
  const memory = orphanedMemory().filter((line) => !before.includes(line));
  const mounts = mountPoints()
    .filter((path) => path.startsWith(`${query.runDir}/`))
    .map((path) => `mount ${path}`);
  const groups = faultGroups()
    .filter((path) => runIdOf(path) === query.runId)
    .map((path) => `control group ${path}`);
  const ports: string[] = [];
  for (const port of query.ports ?? []) if (!(await canBind(port))) ports.push(`port ${port}`);
  return [...members, ...memory, ...mounts, ...groups, ...ports];
}

/** System V segments that nobody is attached to, and PostgreSQL's files in /dev/shm, of the whole machine. */
export function orphanedMemory(): string[] {
  const segments = readFileSync("/proc/sysvipc/shm", "utf8")
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    // Column 7 is the number of attached processes: a segment in use belongs to a living server.
    .filter((columns) => columns[6] === "0")
    .map((columns) => `System V segment ${columns[1]}`);
  const files = readdirSync("/dev/shm")
    .filter((name) => name.startsWith("PostgreSQL."))
    .map((name) => `/dev/shm/${name}`);
  return [...segments, ...files];
}

function mountPoints(): string[] {
  const table = readFileSync("/proc/mounts", "utf8").split("\n");
  return table.flatMap((line) => line.split(" ")[1] ?? []);
}

/** Groups that faults made: "kiln-<run>@<fault>". */
function faultGroups(): string[] {
  if (!existsSync("/sys/fs/cgroup")) return [];
  // Its exit code says nothing: groups of others come and go while it looks.
  const { stdout } = spawnSync("find", ["/sys/fs/cgroup", "-type", "d", "-name", "kiln-*@*"], {
    encoding: "utf8",
  });
  return stdout.split("\n").filter(Boolean);
}

function runIdOf(group: string): string {
  const name = basename(group);
  return name.slice("kiln-".length, name.lastIndexOf("@"));
}
