// `kiln runs`: what lies under runs/, newest first, with what was said of each.
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { readPlanFile } from "../journal/plan-file.ts";
import type { Verdict } from "../judge/verdict.ts";
import { isHeld, readLock } from "../run/lock.ts";
import { formatDuration } from "../support/duration.ts";
import { exitCode, messageOf, type ExitCode } from "../support/errors.ts";
import { listRuns } from "./find-run.ts";
import { verdictFileName } from "./judge.ts";
import { say } from "./say.ts";

export function runsCommand(): ExitCode {
  const runs = listRuns();
  const holder = readLock();
  const live = holder !== undefined && isHeld(holder) ? holder.runDir : undefined;
  if (runs.length === 0) say("no runs yet: npx kiln run smoke");
  for (const run of runs) say(`${describe(run)}${run === live ? " (in progress)" : ""}`);
  return exitCode.pass;
}

function describe(runDir: string): string {
  const id = basename(runDir).padEnd(32);
  try {
    const { plan } = readPlanFile(runDir);
    const head = `${id} ${plan.scenario.padEnd(10)} seed ${plan.seed.padEnd(8)} ${formatDuration(plan.durationMs).padEnd(8)}`;
    return `${head} ${verdictOf(runDir)}`;
  } catch (error) {
    return `${id} unreadable: ${messageOf(error)}`;
  }
}

function verdictOf(runDir: string): string {
  const file = join(runDir, verdictFileName);
  if (!existsSync(file)) return "not judged";
  const verdict = JSON.parse(readFileSync(file, "utf8")) as Partial<Verdict> | null;
  if (typeof verdict?.status !== "string") return `not judged (${verdictFileName} holds no verdict)`;
  return `${verdict.status}${verdict.partial === true ? " (partial)" : ""}: ${verdict.because ?? ""}`;
}
