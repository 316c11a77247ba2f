// `kiln stop [run]`: ends a run that another process carries: its harness heals, takes down, judges and reports, as on Ctrl-C. Where that is
// dead, this does what is left to do.
import { basename, join, relative } from "node:path";
import { closeDeadRun, ending } from "../run/close-run.ts";
import { isLive, runState, workersOf, type RunState } from "../run/run-state.ts";
import { deadline, eventually } from "../support/clock.ts";
import { environmentError, exitCode, type ExitCode } from "../support/errors.ts";
import { isAlive, signalProcess } from "../support/process-identity.ts";
import { findRunOrCurrent } from "./find-run.ts";
import { healDead, tellHeal } from "./heal.ts";
import { reportOn } from "./report.ts";
import { say } from "./say.ts";

/** Healing has 15 s, taking down some 20 s, judging and reporting two days of evidence a minute. */
const endWithinMs = 300_000;
/** A reaper heals within 10 s and gives the next harness as long to come up. */
const reaperWithinMs = 90_000;

export async function stopCommand(text: string | undefined): Promise<ExitCode> {
  const runDir = findRunOrCurrent(text);
  const state = await whoeverIsInCharge(runDir);
  if (state.harnessLives && state.opened !== undefined) {
    const { harness } = state.opened;
    // By pid, start time and boot: never somebody else's process.
    if (signalProcess(harness, "SIGTERM"))
      say(`${state.runId}: its harness (process ${harness.pid}) heals, takes down and reports`);
    await gone(runDir, () => (isAlive(harness) ? undefined : true));
    const after = await whoeverIsInCharge(runDir);
    if (!after.harnessLives && after.ended !== undefined) return told(after);
    return endDead(after);
  }
  return state.ended === undefined || !state.tornDown ? endDead(state) : told(state);
}

/** The state once no reaper is between two harnesses. */
async function whoeverIsInCharge(runDir: string): Promise<RunState> {
  const look = (): RunState | undefined => {
    const workers = workersOf(runDir);
    return workers.harnessLives || !isLive(workers) ? runState(runDir) : undefined;
  };
  try {
    return await eventually(look, deadline(reaperWithinMs), 200);
  } catch (error) {
    throw environmentError(
      "reaper-busy",
      `${basename(runDir)}: its reaper has been at work for more than 90 s`,
      {
        hint: `see ${join(runDir, "logs", "reaper.log")}`,
        cause: error,
      },
    );
  }
}

async function gone(runDir: string, look: () => true | undefined): Promise<void> {
  try {
    await eventually(look, deadline(endWithinMs), 200);
  } catch (error) {
    const text = `${basename(runDir)}: its harness has not ended within 5 minutes`;
    throw environmentError("harness-not-ended", text, {
      hint: `see ${join(runDir, "logs", "harness.log")}; SIGKILL lets its reaper heal and take down`,
      cause: error,
    });
  }
}

async function endDead(state: RunState): Promise<ExitCode> {
  const { runDir } = state;
  say(`${state.runId}: its harness is dead; healing and taking down`);
  const done = await healDead(runDir);
  say(tellHeal(done));
  const byHand = { outcome: "interrupted", reason: "ended by kiln stop after its harness had died" } as const;
  const own = ending(state, "");
  closeDeadRun(runDir, own.outcome === "error" ? byHand : own);
  await reportOn(runDir);
  return done.heal.failed.length === 0 ? exitCode.pass : exitCode.environment;
}

function told({ runDir, runId, ended }: RunState): ExitCode {
  const reason = ended?.reason === undefined ? "" : ` (${ended.reason})`;
  say(`${runId} has ended: ${ended?.outcome ?? "no end is recorded"}${reason}`);
  say(`report: ${relative(process.cwd(), join(runDir, "report.html"))}`);
  return exitCode.pass;
}
