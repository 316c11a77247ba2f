// `kiln heal [run]`: by hand what the reaper does: takes back every fault that a dead run left in force and ends what is left of it. A run
// that is still in progress is refused; end it instead.
import { basename } from "node:path";
import { faultTable } from "../faults/index.ts";
import { healRun, isAbandoned, reconcileRuns, type Reconciled } from "../run/heal-run.ts";
import { isHeld, readLock } from "../run/lock.ts";
import { takeDown } from "../run/take-down.ts";
import { exitCode, usageError, type ExitCode } from "../support/errors.ts";
import { findRun, runsDir } from "./find-run.ts";

export async function healCommand(text: string | undefined): Promise<ExitCode> {
  const done =
    text === undefined
      ? await reconcileRuns(runsDir(), { by: "heal", faults: faultTable })
      : [await healNamed(findRun(text))];
  for (const one of done) process.stdout.write(`${describeHeal(one)}\n`);
  if (done.length === 0) process.stdout.write("nothing to heal: no run was left behind\n");
  return done.every(({ heal }) => heal.failed.length === 0) ? exitCode.pass : exitCode.environment;
}

async function healNamed(runDir: string): Promise<Reconciled> {
  const holder = readLock();
  if (holder !== undefined && isHeld(holder) && holder.runDir === runDir && !isAbandoned(runDir)) {
    const hint = `end it with: kill -TERM ${holder.harness.pid}`;
    throw usageError("run-in-progress", `${basename(runDir)} is still in progress; it heals its own faults`, {
      hint,
    });
  }
  const heal = await healRun(runDir, { by: "heal", faults: faultTable });
  return { runDir, heal, takeDown: await takeDown({ runDir, by: "heal" }) };
}

/** One line: what was found and undone. */
export function describeHeal({ runDir, heal, takeDown: ended }: Reconciled): string {
  const healed = heal.healed.map(({ id }) => id).join(", ") || "no fault was in force";
  const failed = heal.failed
    .map(({ fault, error }) => `; ${fault.id} could not be healed: ${error}`)
    .join("");
  return `${basename(runDir)}: healed: ${healed}${failed}; ended ${ended.ended.length} processes`;
}
