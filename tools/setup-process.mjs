// Set-up's dealings with other programs: look one up on PATH, ask its version, run it to its end, end it when set-up is interrupted.
// Nothing here reads stdin or needs a terminal.
import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { excerpt } from "./setup-lib.mjs";

/** A tool that cannot be had: becomes one line and exit code 4. `mend` names another tool when that is what to install. */
export class Missing extends Error {
  constructor(tool, reason, mend) {
    super(reason);
    this.problem = { tool, reason, mend };
  }
}

/** A program that ended badly; the message holds an excerpt of its output. */
export class ProgramFailed extends Error {}

const running = new Set();
let interrupted = false;

/** Whether `interruptAll` was called: nothing new may be started. */
export function wasInterrupted() {
  return interrupted;
}

/** Passes a signal on to every program that set-up is running, and refuses to start others. */
export function interruptAll(signal) {
  interrupted = true;
  for (const child of running) child.kill(signal);
}

/** The folders of PATH without this project's own node_modules/.bin, which npm puts first. */
export function searchPath(projectRoot) {
  const own = join(projectRoot, "node_modules", ".bin");
  return (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "" && folder !== own);
}

/** Whether a path is a file that this user may execute. */
export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not there, or not ours to run: both mean "look further"
  }
}

/** The paths of all programs of that name in those folders, first found first. */
export function findPrograms(name, folders) {
  return folders.map((folder) => join(folder, name)).filter(isProgram);
}

/**
 * Runs a program to its end and returns its output (both streams). Rejects with ProgramFailed when it cannot be started, ends with
 * another code than 0, or takes longer than `limitMs`. Options: cwd, env (added to this process's), limitMs.
 */
export function run(program, args, options = {}) {
  const { cwd, env = {}, limitMs = 20 * 60_000 } = options;
  const line = [program, ...args].join(" ");
  return new Promise((resolve, reject) => {
    if (interrupted) {
      reject(new ProgramFailed(`interrupted before: ${line}`));
      return;
    }
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    let output = "";
    const collect = (chunk) => {
      output = (output + chunk.toString()).slice(-200_000);
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const limit = setTimeout(() => child.kill("SIGKILL"), limitMs);
    const finish = (problem) => {
      clearTimeout(limit);
      running.delete(child);
      if (problem === undefined) resolve(output);
      else
        reject(
          new ProgramFailed(
            [`${line}: ${problem}`, ...excerpt(output).map((text) => `  | ${text}`)].join("\n"),
          ),
        );
    };
    child.on("error", (error) => finish(error.message));
    child.on("close", (code, signal) =>
      finish(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}`),
    );
  });
}
