// Pins a thread to the last core of the machine that it may use, so that a burn leaves the other cores to the load generator. Needs
// taskset (util-linux); where it is missing or refuses, the thread stays free and the fault works all the same.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { hasErrno } from "../support/errors.ts";

/** The core, or null where the thread was not pinned. */
export async function pinToLastCpu(tid: number, signal: AbortSignal): Promise<number | null> {
  const cpu = lastAllowedCpu();
  if (cpu === undefined) return null;
  const { promise, resolve } = Promise.withResolvers<number | null>();
  execFile("taskset", ["-pc", String(cpu), String(tid)], { signal, timeout: 2_000 }, (error) =>
    resolve(error === null ? cpu : null),
  );
  return promise;
}

/** Last number of a list such as "0-3,6": what this process may use. */
function lastAllowedCpu(): number | undefined {
  try {
    const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
    const last = list?.split(/[,-]/).at(-1);
    return last === undefined ? undefined : Number(last);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
