// The mounts that this process sees, as the kernel lists them in /proc/self/mountinfo (proc_pid_mountinfo(5)). Only looks; Linux only,
// anywhere else there are none.
import { readFileSync } from "node:fs";
import { hasErrno } from "../support/errors.ts";

export interface Mount {
  /** Absolute path of the mount point. */
  readonly path: string;
  /** What of the file system is mounted there: "/" is all of it. */
  readonly root: string;
  /** "tmpfs", "cgroup", "cgroup2", "ext4" ... */
  readonly type: string;
  /** What was mounted, in its own words: a device, or for file systems in memory any text. */
  readonly source: string;
  /** Of the file system: for a cgroup of version 1 its controllers are among them. */
  readonly options: readonly string[];
}

export function readMounts(): Mount[] {
  try {
    return parseMounts(readFileSync("/proc/self/mountinfo", "utf8"));
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
}

/** Fields: id, parent, device, root, mount point, options, any number of optional ones, "-", type, source, file system's options. */
export function parseMounts(text: string): Mount[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.split(" ");
    const dash = fields.indexOf("-", 6);
    if (dash < 0) return [];
    const [type = "", source = "", options = ""] = fields.slice(dash + 1);
    return [
      {
        root: unescape(fields[3] ?? ""),
        path: unescape(fields[4] ?? ""),
        type,
        source: unescape(source),
        options: options.split(","),
      },
    ];
  });
}

/** The kernel writes blanks and backslashes as three octal digits. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
