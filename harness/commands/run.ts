// `kiln run <scenario>`: plan, run, judge, report; with --detach as a process of its own, which outlives the terminal and crashes of its own.
import { basename, join } from "node:path";
import { withDrills } from "../drills/index.ts";
import { faultTable } from "../faults/index.ts";
import type { FaultTable } from "../faults/fault.ts";
import { reconcileRuns } from "../run/heal-run.ts";
import { runPlan } from "../run/conductor.ts";
import { assertFree } from "../run/lock.ts";
import { newRunId } from "../run/run-files.ts";
import { systemClock } from "../support/clock.ts";
import type { ExitCode } from "../support/errors.ts";
import { loadTools } from "../support/tools.ts";
import { carryOut, type Leave } from "./carry-out.ts";
import { startDetached } from "./detach.ts";
import { runsDir } from "./find-run.ts";
import { describeHeal } from "./heal.ts";
import { planFor, type PlanChoice } from "./plan-for.ts";
import { warn } from "./say.ts";

export interface RunOptions extends PlanChoice {
  /** Start it and return. */
  readonly detach?: boolean;
  /** This process is what such a command started; the id of its run. */
  readonly detachedAs?: string;
}

export interface RunContext {
  readonly leave: Leave;
  /** The table of faults; tests of Kiln's own verdict hand in one with a planted defect. */
  readonly faults?: FaultTable;
}

export async function runCommand(name: string, options: RunOptions, context: RunContext): Promise<ExitCode> {
  const faults = context.faults ?? faultTable;
  const { plan, loaded } = await planFor(name, options, faults);
  const tools = loadTools();
  if (options.detach === true && options.detachedAs === undefined) {
    // What is wrong with the command or the machine is said here, where somebody reads it.
    assertFree();
    const runId = newRunId(plan, systemClock.wallMs());
    const args = [...process.argv.slice(2).filter((arg) => arg !== "--detach"), "--detached-as", runId];
    return startDetached({ args, runDir: join(runsDir(), runId) });
  }
  const steps = withDrills(faults);
  for (const dead of await reconcileRuns(runsDir(), { by: "heal", faults: steps }))
    warn(`kiln: ${describeHeal(dead)}`);
  const { detachedAs } = options;
  const mode = detachedAs === undefined ? {} : { mode: "detached" as const, runId: basename(detachedAs) };
  const request = {
    plan,
    scriptPath: loaded.scriptPath,
    ...(loaded.journeyPath === undefined ? {} : { journeyPath: loaded.journeyPath }),
    faults: steps,
    runsDir: runsDir(),
    tools,
    commandLine: ["kiln", ...commandLine(detachedAs)],
    ...mode,
  };
  return carryOut(plan, context.leave, (listeners, signal) => runPlan({ ...request, ...listeners }, signal));
}

/** As it was typed. */
function commandLine(detachedAs: string | undefined): string[] {
  const args = process.argv.slice(2);
  return detachedAs === undefined
    ? args
    : [...args.filter((arg) => arg !== "--detached-as" && arg !== detachedAs), "--detach"];
}
