// What a run may have left on this machine, looked at with the tools that an operator would use. Compare a look before with one after.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  allPids,
  commandLine,
  environmentOf,
  identify,
  workingDirectory,
} from "../support/process-identity.ts";

const suspect = /kiln|postgres|redis|toxiproxy/i;
/** Folders that tests and benchmarks make for themselves; others of them may run at the same time. */
const ofTests = /^kiln-(?:bench|runs|fault|down|setup|journal)-/;

export interface Residues {
  /** Processes that bear the marker of one of these runs, live in its folder, or are its reaper. */
  readonly processes: readonly string[];
  readonly sharedMemory: readonly string[];
  readonly temporary: readonly string[];
}

export function residues(runsDir: string): Residues {
  const processes = allPids()
    .filter((pid) => pid !== process.pid && identify(pid) !== undefined)
    .filter((pid) => {
      const runId = environmentOf(pid)
        .find((entry) => entry.startsWith("KILN_RUN="))
        ?.slice("KILN_RUN=".length);
      const marked = runId !== undefined && existsSync(join(runsDir, runId));
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
  return { processes, sharedMemory: [...shared, ...segments].toSorted(), temporary: temporary.toSorted() };
}
