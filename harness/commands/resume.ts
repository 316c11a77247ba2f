// `kiln resume <run>`: goes on with a run whose harness died, by hand after a crash or a reboot. The reaper of a detached run calls it, too.
import { withDrills } from "../drills/index.ts";
import { faultTable } from "../faults/index.ts";
import { assertFree } from "../run/lock.ts";
import { readResumable, resumeRun } from "../run/resume.ts";
import { hasErrno, usageError, type ExitCode } from "../support/errors.ts";
import { loadTools } from "../support/tools.ts";
import { carryOut, type Leave } from "./carry-out.ts";
import { startDetached } from "./detach.ts";
import { findRun } from "./find-run.ts";

export interface ResumeOptions {
  /** Start it and return. */
  readonly detach?: boolean;
  /** The run's reaper is at work, and this is its doing. */
  readonly byReaper?: boolean;
  /** This process is what `--detach` started. */
  readonly detached?: boolean;
}

export async function resumeCommand(text: string, options: ResumeOptions, leave: Leave): Promise<ExitCode> {
  const runDir = findRun(text);
  const by = options.byReaper === true ? "reaper" : "user";
  const resumed = readResumable(runDir, by);
  const { plan, scriptPath, journeyPath, cwd, state } = resumed;
  const tools = loadTools();
  if (options.detach === true) {
    assertFree();
    return startDetached({ args: ["resume", runDir, "--detached"], runDir });
  }
  enter(cwd, state.runId);
  const mode = by === "reaper" || options.detached === true ? "detached" : "foreground";
  const journey = journeyPath === undefined ? {} : { journeyPath };
  const given = { plan, scriptPath, ...journey, tools, mode } as const;
  const fixed = { ...given, faults: withDrills(faultTable), runsDir: "", commandLine: [] } as const;
  return carryOut(
    plan,
    leave,
    (listeners, signal) => resumeRun(resumed, { ...fixed, ...listeners }, by, signal),
    state.events,
  );
}

/** The stack's commands and paths are relative to where the run was started. */
function enter(folder: string, runId: string): void {
  try {
    process.chdir(folder);
  } catch (error) {
    if (!hasErrno(error, "ENOENT", "EACCES", "ENOTDIR")) throw error;
    throw usageError(
      "run-not-resumable",
      `${runId} cannot be resumed: it was started in ${folder}, which is gone`,
      {
        hint: `clean up after it: kiln heal ${runId}`,
        cause: error,
      },
    );
  }
}
