// `kiln runs`: what lies under runs/, newest first, with what was said of each.
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { planFileName } from "../journal/run-folder.ts";
import type { Verdict } from "../judge/verdict.ts";
import type { Plan } from "../plan/plan.ts";
import { formatDuration } from "../support/duration.ts";
import { exitCode, messageOf, type ExitCode } from "../support/errors.ts";
import { listRuns } from "./find-run.ts";
import { verdictFileName } from "./judge.ts";

export function runsCommand(): ExitCode {
  const runs = listRuns();
  if (runs.length === 0) process.stdout.write("no runs yet: npx kiln run smoke\n");
  for (const run of runs) process.stdout.write(`${describe(run)}\n`);
  return exitCode.pass;
}

function describe(runDir: string): string {
  try {
    const plan = JSON.parse(readFileSync(join(runDir, planFileName), "utf8")) as Plan;
    const head = `${basename(runDir).padEnd(32)} ${plan.scenario.padEnd(10)} seed ${plan.seed.padEnd(8)} ${formatDuration(plan.durationMs).padEnd(8)}`;
    return `${head} ${verdictOf(runDir)}`;
  } catch (error) {
    return `${basename(runDir).padEnd(32)} unreadable: ${messageOf(error)}`;
  }
}

function verdictOf(runDir: string): string {
  const file = join(runDir, verdictFileName);
  if (!existsSync(file)) return "not judged";
  const verdict = JSON.parse(readFileSync(file, "utf8")) as Verdict;
  return `${verdict.status}${verdict.partial ? " (partial)" : ""}: ${verdict.because}`;
}
