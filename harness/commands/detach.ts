// Starts a harness as a process of a session of its own: no terminal, nothing on its standard input, what it says in the run folder. Waits
// until its run is begun, or gives its error and its exit code as if it had been run here.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { planFileName } from "../journal/plan-file.ts";
import { harnessLogPath, makeRunFolder } from "../run/run-files.ts";
import { workersOf } from "../run/run-state.ts";
import { deadline, eventually } from "../support/clock.ts";
import { environmentError, exitCode, type ExitCode } from "../support/errors.ts";
import { say, warn } from "./say.ts";

export interface DetachRequest {
  /** Of the command that is to go on by itself. */
  readonly args: readonly string[];
  /** Absolute. */
  readonly runDir: string;
}

/** A start heals and takes down runs that were left behind, each within some ten seconds. */
const upWithinMs = 120_000;
const cliPath = join(import.meta.dirname, "..", "cli.ts");

export async function startDetached({ args, runDir }: DetachRequest): Promise<ExitCode> {
  const isNew = !existsSync(runDir);
  makeRunFolder(runDir);
  const log = harnessLogPath(runDir);
  const before = sizeOf(log);
  const child = launch(args, log);
  const pid = child.pid ?? -1;
  const ended = new Promise<ExitCode>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(isExitCode(code) ? code : exitCode.bug));
  });
  // In its hands: the ledger names it, so that every other command finds it.
  const isUp = (): "up" | undefined => (workersOf(runDir).opened?.harness.pid === pid ? "up" : undefined);
  const over = new AbortController();
  const up = eventually(isUp, deadline(upWithinMs, over.signal), 50).catch(() => "late" as const);
  const outcome = await Promise.race([up, ended]).finally(() => over.abort());
  if (outcome === "up") {
    child.unref();
    tell(basename(runDir), pid, runDir);
    return exitCode.pass;
  }
  if (outcome === "late") {
    child.kill("SIGTERM");
    throw environmentError(
      "detach-failed",
      `the harness (process ${pid}) has not begun its run within 2 minutes`,
      {
        hint: `see ${log}`,
      },
    );
  }
  warn(readFileSync(log, "utf8").slice(before).trimEnd());
  // Nothing was begun: then there is no run of that name.
  if (isNew && !existsSync(join(runDir, planFileName))) rmSync(runDir, { recursive: true, force: true });
  return outcome;
}

function launch(args: readonly string[], log: string): ChildProcess {
  const out = openSync(log, "a");
  try {
    // A leader of its own session: no signal of this terminal reaches it.
    return spawn(process.execPath, [cliPath, ...args], { detached: true, stdio: ["ignore", out, out] });
  } finally {
    closeSync(out);
  }
}

function tell(runId: string, pid: number, runDir: string): void {
  say(
    [
      `run ${runId} goes on by itself (process ${pid})`,
      `  folder  ${relative(process.cwd(), runDir)}`,
      `  look    npx kiln status ${runId}`,
      `  follow  npx kiln watch ${runId}`,
      `  end     npx kiln stop ${runId}`,
    ].join("\n"),
  );
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

function isExitCode(code: number | null): code is ExitCode {
  return Object.values<number | null>(exitCode).includes(code);
}
