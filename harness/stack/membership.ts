// Which processes belong to a run. Taking down kills what this finds, so a wrong "yes" ends somebody else's program and a wrong "no"
// leaves one behind. The rule, in order:
//
// 0. The ledger. A process that was started for the run, by its exact identity, is a member.
// 1. The marker. What Kiln starts has KILN_RUN=<run id> in its environment, and its children inherit it. This is a yes.
// 2. Descent. A child of a member is a member, whatever environment it was given.
// 3. An overwritten environment. PostgreSQL's children and Redis write their title over it, so the marker is lost when the parent is,
//    too. Only for a process whose environment holds no PATH any more (and no terminal), a working directory in the run folder, or an
//    argument that is a path in it, is a yes. An intact environment without the marker is a no: that is a user's `less
//    runs/x/logs/gateway.log`, a shell or an editor in the run folder, or `kiln judge runs/x` in CI, which has no terminal either.
// 4. A listener. A program whose orphans were started with a cleaned environment is known by its port: it listens on one of the run's
//    ports, and its working directory or an argument lies in the run folder.
//
// What this user may not look into (another user's processes) is never a member. The scanner, the run's reapers and an exclusion list
// are never members, nor are their children for being theirs.
import { readFileSync, realpathSync } from "node:fs";
import { sep } from "node:path";
import { hasErrno } from "../support/errors.ts";
import {
  type ProcessIdentity,
  allPids,
  commandLine,
  environmentOf,
  identify,
  listenersOn,
  processStat,
  workingDirectory,
} from "../support/process-identity.ts";
import { runMarker } from "../support/run-marker.ts";

export interface MembershipQuery {
  readonly runId: string;
  /** Absolute. */
  readonly runDir: string;
  /** Ports that were chosen for this run (rule 4). */
  readonly ports?: readonly number[];
  /** Processes that the run's ledger says were started. */
  readonly started?: readonly ProcessIdentity[];
  /** Processes that are never members. */
  readonly exclude?: readonly ProcessIdentity[];
}

export interface Member {
  readonly identity: ProcessIdentity;
  readonly parentPid: number;
  /** Command line, for people. */
  readonly command: string;
}

/** All living members of the run, in order of pid. Costs a few milliseconds on a machine with some hundred processes. */
export function membersOf(query: MembershipQuery): Member[] {
  const key = ({ pid, startTicks }: ProcessIdentity): string => `${pid}/${startTicks}`;
  const excluded = new Set((query.exclude ?? []).map(key));
  const started = new Set((query.started ?? []).map(key));
  const candidates = new Map<number, Member>();
  const members = new Set<number>();
  for (const pid of allPids()) {
    const stat = pid === process.pid ? undefined : processStat(pid);
    if (stat === undefined || excluded.has(key(stat.identity)) || isReaperOf(pid, query.runDir)) continue;
    candidates.set(pid, { identity: stat.identity, parentPid: stat.parentPid, command: commandLine(pid) });
    if (started.has(key(stat.identity))) members.add(pid);
  }
  const folders = runFolders(query.runDir);
  for (const pid of candidates.keys()) if (isMemberByItself(pid, query.runId, folders)) members.add(pid);
  const ports = query.ports ?? [];
  const inRun = ports.length === 0 ? [] : [...candidates.keys()].filter((pid) => liesInRun(pid, folders));
  for (const { identity } of listenersOn(ports, inRun)) members.add(identity.pid);
  addDescendants(candidates, members);
  return [...members]
    .flatMap((pid) => candidates.get(pid) ?? [])
    .toSorted((a, b) => a.identity.pid - b.identity.pid);
}

/** The living reapers of a run, known by their command line: `node …/harness/run/reaper.ts <run folder>`. */
export function reapersOf(runDir: string): ProcessIdentity[] {
  return allPids()
    .filter((pid) => isReaperOf(pid, runDir))
    .flatMap((pid) => identify(pid) ?? []);
}

function isReaperOf(pid: number, runDir: string): boolean {
  const args = argumentsOf(pid);
  return args.at(-1) === runDir && args.at(-2)?.endsWith(`${sep}run${sep}reaper.ts`) === true;
}

function addDescendants(candidates: ReadonlyMap<number, Member>, members: Set<number>): void {
  for (let before = -1; before !== members.size;) {
    before = members.size;
    for (const [pid, { parentPid }] of candidates) if (members.has(parentPid)) members.add(pid);
  }
}

function isMemberByItself(pid: number, runId: string, folders: readonly string[]): boolean {
  const environment = environmentOf(pid);
  if (environment.includes(`${runMarker}=${runId}`)) return true;
  const intact = environment.some((entry) => entry.startsWith("PATH="));
  return !intact && !hasTerminal(pid) && liesInRun(pid, folders);
}

function liesInRun(pid: number, folders: readonly string[]): boolean {
  // Unreadable means another user's process: its arguments could be read, but it is none of ours.
  const directory = workingDirectory(pid).replace(/ \(deleted\)$/, "");
  if (directory === "") return false;
  const inside = (path: string): boolean =>
    folders.some((folder) => path === folder.slice(0, -1) || path.startsWith(folder));
  return (
    inside(directory) ||
    argumentsOf(pid).some((arg) => inside(arg) || inside(arg.slice(arg.indexOf("=") + 1)))
  );
}

/** The run folder as given and as the kernel names it (symbolic links resolved), each with a separator at the end. */
function runFolders(runDir: string): string[] {
  const given = runDir.endsWith(sep) ? runDir : runDir + sep;
  try {
    return [...new Set([given, realpathSync(runDir) + sep])];
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [given];
    throw error;
  }
}

function argumentsOf(pid: number): string[] {
  return readProc(pid, "cmdline").split("\0").filter(Boolean);
}

/** Field 7 of /proc/<pid>/stat, tty_nr: 0 where there is no controlling terminal. */
function hasTerminal(pid: number): boolean {
  const text = readProc(pid, "stat");
  return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[4] ?? 0) !== 0;
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH", "EACCES", "EPERM")) return "";
    throw error;
  }
}
