// What a process has open, read from outside in the kernel's books. Asynchronous and in small batches: thousands of descriptors must not
// hold up the harness's own timers.
import { readFile, readdir, readlink } from "node:fs/promises";
import { environmentError, hasErrno } from "../support/errors.ts";

const batch = 200;

/** Where each open descriptor of a process leads, such as "/dev/null" or "socket:[4711]". Rejects when the process is gone. */
async function openTargets(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const numbers = await readdir(folder).catch((error: unknown) => {
    if (hasErrno(error, "ENOENT", "ESRCH"))
      throw environmentError("service-gone", `there is no process ${pid} any more`, { cause: error });
    throw error;
  });
  const found: string[] = [];
  for (let from = 0; from < numbers.length; from += batch) {
    const some = numbers.slice(from, from + batch);
    found.push(...(await Promise.all(some.map((number) => targetOf(`${folder}/${number}`)))));
  }
  return found.filter((target) => target !== "");
}

/** "" for one that was closed since it was listed. */
async function targetOf(path: string): Promise<string> {
  try {
    return await readlink(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH")) return "";
    throw error;
  }
}

/** How many descriptors of the process are open to that file. */
export async function countOpenTo(pid: number, file: string): Promise<number> {
  return (await openTargets(pid)).filter((target) => target === file).length;
}

/** How many established TCP sessions (IPv4) the process has to that port. */
export async function countSessionsTo(pid: number, port: number): Promise<number> {
  const sessions = new Set<string>();
  for (const line of (await readFile(`/proc/${pid}/net/tcp`, "utf8")).split("\n")) {
    // Columns of proc_net_tcp in the kernel's documentation: local address, remote address, state (01: established), ..., inode.
    const [, , remote = "", state, , , , , , inode] = line.trim().split(/\s+/);
    if (state === "01" && inode !== undefined && Number.parseInt(remote.split(":")[1] ?? "", 16) === port)
      sessions.add(`socket:[${inode}]`);
  }
  return (await openTargets(pid)).filter((target) => sessions.has(target)).length;
}
