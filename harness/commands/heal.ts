// `kiln heal [run]`: by hand what the reaper does: takes back every fault that a dead run left in force and ends what is left of it, and shows
// what it found and undid. A run that is still in progress is refused; end it instead.
import { basename } from "node:path";
import { withDrills } from "../drills/index.ts";
import { faultTable } from "../faults/index.ts";
import { readPlanFile } from "../journal/plan-file.ts";
import { healRun, reconcileRuns, type Reconciled } from "../run/heal-run.ts";
import { releaseLock } from "../run/lock.ts";
import { isLive, runState, workersOf } from "../run/run-state.ts";
import { takeDown } from "../run/take-down.ts";
import { exitCode, usageError, type ExitCode } from "../support/errors.ts";
import { findRun, runsDir } from "./find-run.ts";
import { say } from "./say.ts";

const healable = withDrills(faultTable);

export async function healCommand(text: string | undefined): Promise<ExitCode> {
  const done =
    text === undefined
      ? await reconcileRuns(runsDir(), { by: "heal", faults: healable })
      : [await healNamed(findRun(text))];
  for (const one of done) say(tellHeal(one));
  if (done.length === 0) say("nothing to heal: no run was left behind");
  return done.every(({ heal }) => heal.failed.length === 0) ? exitCode.pass : exitCode.environment;
}

async function healNamed(runDir: string): Promise<Reconciled> {
  if (isLive(workersOf(runDir))) {
    const id = basename(runDir);
    const hint = `look at it: kiln status ${id}; end it: kiln stop ${id}`;
    throw usageError("run-in-progress", `${id} is still in progress; it heals its own faults`, { hint });
  }
  return healDead(runDir);
}

/** For a run that nobody works on. */
export async function healDead(runDir: string): Promise<Reconciled> {
  const heal = await healRun(runDir, { by: "heal", faults: healable });
  const done = { runDir, heal, takeDown: await takeDown({ runDir, by: "heal" }) };
  releaseLock(runState(runDir).runId);
  return done;
}

/** One line: what was found and undone. */
export function describeHeal({ runDir, heal, takeDown: ended }: Reconciled): string {
  const healed = heal.healed.map(({ id }) => id).join(", ") || "no fault was in force";
  const failed = heal.failed
    .map(({ fault, error }) => `; ${fault.id} could not be healed: ${error}`)
    .join("");
  return `${basename(runDir)}: healed: ${healed}${failed}; ended ${ended.ended.length} processes`;
}

const shownProcesses = 12;

/** The same with everything that was found, a line each. */
export function tellHeal({ runDir, heal, takeDown: down }: Reconciled): string {
  const targets = targetsOf(runDir);
  const name = ({ id, fault }: { readonly id: string; readonly fault: string }): string =>
    `${id} (${fault}${targets.has(id) ? ` on ${targets.get(id)}` : ""})`;
  const lines = [
    ...heal.healed.map((fault) => `healed      ${name(fault)}`),
    ...heal.failed.map(({ fault, error }) => `NOT healed  ${name(fault)}: ${error}`),
    ...(heal.healed.length + heal.failed.length === 0 ? ["no fault was in force"] : []),
    ...down.ended
      .slice(0, shownProcesses)
      .map(({ identity, command }) => `ended       process ${identity.pid}: ${command.slice(0, 100)}`),
    ...(down.ended.length > shownProcesses ? [`ended       ${down.ended.length - shownProcesses} more`] : []),
    ...(down.ended.length === 0 ? ["no process was left"] : []),
    ...down.mounts.map((path) => `unmounted   ${path}`),
    ...[...down.segments, ...down.folders, ...down.cgroups].map((what) => `removed     ${what}`),
    ...down.problems.map((text) => `note        ${text}`),
  ];
  return [`${basename(runDir)}:`, ...lines.map((line) => `  ${line}`)].join("\n");
}

/** What each fault hit, by the plan; none where that cannot be read: healing needs only the ledger. */
function targetsOf(runDir: string): ReadonlyMap<string, string> {
  try {
    const { faults, drills = [] } = readPlanFile(runDir).plan;
    return new Map([...faults, ...drills].map(({ id, target }) => [id, target]));
  } catch {
    // Only a name for people is lost.
    return new Map();
  }
}
