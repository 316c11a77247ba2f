// What becomes of a run whose harness died, decided by its reaper. Foreground: heal and take all down. Detached: heal at once, keep the stack
// and its data, start a harness that goes on, three times at most in a run; then heal, take down, and say why in the journal.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { reapersOf } from "../stack/membership.ts";
import { sleep } from "../support/clock.ts";
import { messageOf } from "../support/errors.ts";
import { cleanUpAfter, healAll, release, type Say } from "./clean-up.ts";
import { closeDeadRun, ending } from "./close-run.ts";
import { endLoad } from "./end-load.ts";
import { openLedger } from "./ledger.ts";
import type { RunMode } from "./ledger-format.ts";
import { harnessLogPath } from "./run-files.ts";
import { runState, whyNotResumable, type RunState } from "./run-state.ts";

/** How often a reaper resumes one run. A harness that dies more often dies of something that another one would not survive either. */
export const mostResumes = 3;
const lookEveryMs = 100;
const cliPath = join(import.meta.dirname, "..", "cli.ts");

export async function afterDeath(runDir: string, say: Say): Promise<void> {
  if (modeOf(runDir, say) === "foreground") {
    say("healing and taking down");
    await cleanUpAfter(runDir, say);
    return;
  }
  say("healing; the run was detached, so its stack is kept");
  for (;;) {
    await healAndEndLoad(runDir, say);
    const state = runState(runDir);
    // Another reaper of this run was quicker.
    if (state.harnessLives) return say("another harness has taken the run over");
    const why = whyNotAgain(state);
    if (why !== undefined) {
      await giveUp(state, why, say);
      return;
    }
    say(`resuming, ${state.resumesByReaper + 1} of ${mostResumes}`);
    if (await resume(state, say)) return;
  }
}

/** Where nothing can be read any more, nothing can be resumed either. */
function modeOf(runDir: string, say: Say): RunMode {
  try {
    return runState(runDir).mode;
  } catch (error) {
    say(`the run's folder cannot be read: ${messageOf(error)}`);
    return "foreground";
  }
}

/** Neither may keep the other from being done, nor the run from being resumed or taken down. */
async function healAndEndLoad(runDir: string, say: Say): Promise<void> {
  for (const work of [() => healAll(runDir, say), async () => void (await endLoad(runDir))]) {
    try {
      await work();
    } catch (error) {
      say(`healing failed: ${messageOf(error)}`);
    }
  }
}

function whyNotAgain(state: RunState): string | undefined {
  const why = whyNotResumable(state);
  if (why !== undefined || state.resumesByReaper < mostResumes) return why;
  return `its harness died again, after it had been resumed ${mostResumes} times, which is as often as allowed`;
}

/** Starts a harness that goes on. True when it has a reaper of its own and is its business from now on; false when it died before. */
async function resume({ runDir, resumes, opened }: RunState, say: Say): Promise<boolean> {
  // Counted before it is tried: one that dies at once counts, too.
  const ledger = await openLedger(runDir);
  await ledger.append({ op: "resume", attempt: resumes + 1, by: "reaper" });
  await ledger.close();
  const child = startCli(["resume", runDir, "--by-reaper"], runDir, opened?.cwd);
  const gone = outcomeOf(child);
  for (;;) {
    const over = await Promise.race([gone, sleep(lookEveryMs).then(() => undefined)]);
    // From here on that one notices its death: it holds the other end of a pipe.
    if (reapersOf(runDir).some(({ pid }) => pid !== process.pid)) return true;
    if (over !== undefined) {
      say(`the harness that was to go on ended: ${over}`);
      return false;
    }
  }
}

async function giveUp(state: RunState, why: string, say: Say): Promise<void> {
  say(`not resumed: ${why}`);
  const { runDir, ended } = state;
  await cleanUpAfter(runDir, say, { keepLock: true });
  try {
    if (ended === undefined) closeDeadRun(runDir, ending(state, why));
  } catch (error) {
    say(`the journal could not be ended: ${messageOf(error)}`);
  }
  release(runDir);
  const said = await outcomeOf(startCli(["report", runDir], runDir, state.opened?.cwd));
  say(`report: ${said}`);
  say("done");
}

function startCli(args: readonly string[], runDir: string, cwd: string | undefined): ChildProcess {
  const log = openSync(harnessLogPath(runDir), "a");
  try {
    const stdio = ["ignore", log, log] as const;
    return spawn(process.execPath, [cliPath, ...args], {
      cwd: cwd ?? "/",
      detached: true,
      stdio: [...stdio],
    });
  } finally {
    closeSync(log);
  }
}

function outcomeOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(messageOf(error)));
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
  });
}
