// Who a process is. A pid alone is not an identity (pids are reused): pid, start time and boot id together are. Linux only, from /proc.
import { closeSync, openSync, readFileSync, readSync, readdirSync, readlinkSync } from "node:fs";
import { hasErrno } from "./errors.ts";

export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot (field 22 of /proc/<pid>/stat). */
  readonly startTicks: number;
  readonly bootId: string;
}

export interface ProcessStat {
  readonly identity: ProcessIdentity;
  readonly parentPid: number;
  /** One letter as in proc(5): R, S, D, T, Z ... */
  readonly state: string;
  /** User and system time together, in clock ticks (100 a second). */
  readonly cpuTicks: number;
  readonly rssBytes: number;
}

/** Linux reports CPU and start times to user space in ticks of 1/100 s (USER_HZ), whatever the kernel's own rate. */
export const ticksPerSecond = 100;
const pageBytes = 4096;

let cachedBootId: string | undefined;

export function bootId(): string {
  cachedBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return cachedBootId;
}

function gone(error: unknown): undefined {
  if (hasErrno(error, "ENOENT", "ESRCH", "EACCES", "EPERM")) return undefined;
  throw error;
}

/** What the kernel says of a process, or undefined when there is none. A zombie counts as none: it runs no more. */
export function processStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch (error) {
    return gone(error);
  }
  // The command name stands in brackets and may itself hold spaces and brackets.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const field = (index: number): number => Number(fields[index - 3]);
  const state = fields[0] ?? "?";
  if (state === "Z" || state === "X") return undefined;
  return {
    identity: { pid, startTicks: field(22), bootId: bootId() },
    parentPid: field(4),
    state,
    cpuTicks: field(14) + field(15),
    rssBytes: field(24) * pageBytes,
  };
}

/** The identity of a living process, or undefined. */
export function identify(pid: number): ProcessIdentity | undefined {
  return processStat(pid)?.identity;
}

/** True while exactly that process lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  if (identity.bootId !== bootId()) return false;
  return processStat(identity.pid)?.identity.startTicks === identity.startTicks;
}

/** Sends a signal to exactly that process; false when it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch (error) {
    if (hasErrno(error, "ESRCH")) return false;
    throw error;
  }
}

/** Every pid of the machine that this user may see. */
export function allPids(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Command line of a process as one text ("" when it cannot be read). */
export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch (error) {
    return gone(error) ?? "";
  }
}

/** Start-time environment of a process as NAME=value texts (empty when it cannot be read or was overwritten). */
export function environmentOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);
  } catch (error) {
    return gone(error) ?? [];
  }
}

/** Working directory of a process ("" when it cannot be read). */
export function workingDirectory(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch (error) {
    return gone(error) ?? "";
  }
}

/** The first process among `pids` (all by default) that listens on a TCP port of IPv4 or IPv6. */
export function listenerOn(port: number, pids: readonly number[] = allPids()): ProcessIdentity | undefined {
  return listenersOn([port], pids)[0]?.identity;
}

export interface Listener {
  readonly port: number;
  readonly identity: ProcessIdentity;
  readonly socket: HeldSocket;
}

interface HeldSocket {
  /** Its number in the process. */
  readonly descriptor: string;
  readonly inode: string;
}

/** The listeners among `pids` on any of these TCP ports, for one look at the kernel's tables. */
export function listenersOn(ports: readonly number[], pids: readonly number[]): Listener[] {
  const sockets = listeningSockets(new Set(ports));
  if (sockets.size === 0) return [];
  return pids.flatMap((pid) => {
    const held = socketsOf(pid).filter(({ inode }) => sockets.has(inode));
    const identity = held.length === 0 ? undefined : identify(pid);
    return identity === undefined
      ? []
      : held.map((socket) => ({ port: sockets.get(socket.inode) ?? 0, identity, socket }));
  });
}

/** True while that process lives and still holds that socket: cheap, for looking again, however many others it has open. */
export function stillListens({ identity, socket }: Listener): boolean {
  return isAlive(identity) && socketInode(identity.pid, socket.descriptor) === socket.inode;
}

/** inode -> port of every listening TCP socket on one of `ports`. */
function listeningSockets(ports: ReadonlySet<number>): Map<string, number> {
  const found = new Map<string, number>();
  for (const file of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    // An empty table is walked to its end, which takes the kernel some milliseconds.
    if (new Set(found.values()).size === ports.size) break;
    for (const line of listenLines(file)) {
      const columns = line.trim().split(/\s+/);
      // Column 1 is the local address, 9 the inode: proc_net_tcp in the kernel's documentation.
      const port = Number.parseInt(columns[1]?.split(":").at(-1) ?? "", 16);
      if (ports.has(port) && columns[9] !== undefined) found.set(columns[9], port);
    }
  }
  return found;
}

/**
 * The lines of listening sockets (state 0A). The kernel puts them first, so reading stops at the first other one: thousands of closed
 * connections and the walk over a large empty hash table would cost 20 ms a look.
 */
function listenLines(file: string): string[] {
  let fd: number;
  try {
    fd = openSync(file, "r");
  } catch (error) {
    // A kernel without IPv6 has no tcp6.
    return gone(error) ?? [];
  }
  try {
    const lines: string[] = [];
    // One line: with a larger buffer the kernel walks on to fill it.
    const chunk = Buffer.alloc(150);
    let rest = "";
    for (let bytes = readSync(fd, chunk); bytes > 0; bytes = readSync(fd, chunk)) {
      const parts = (rest + chunk.toString("latin1", 0, bytes)).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) {
        if (/^\s*\d+: \S+ \S+ 0A /.test(line)) lines.push(line);
        else if (!line.includes("local_address")) return lines;
      }
    }
    return lines;
  } finally {
    closeSync(fd);
  }
}

function socketsOf(pid: number): HeldSocket[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      const inode = socketInode(pid, descriptor);
      return inode === undefined ? [] : [{ descriptor, inode }];
    });
  } catch (error) {
    return gone(error) ?? [];
  }
}

/** Undefined where that descriptor is no socket, or is closed. */
function socketInode(pid: number, descriptor: string): string | undefined {
  try {
    const target = readlinkSync(`/proc/${pid}/fd/${descriptor}`);
    return target.startsWith("socket:[") ? target.slice(8, -1) : undefined;
  } catch (error) {
    return gone(error);
  }
}
