// `kiln judge <run>`: the verdict on a run folder. A run that ended gets its verdict.json written (again); one that is still going, or
// whose harness was killed, gets a partial verdict.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { terminalSummary } from "../../reports/terminal.ts";
import { buildReportModel } from "../../reports/model.ts";
import { openRun, type OpenRun } from "../journal/run-folder.ts";
import { judge } from "../judge/judge.ts";
import type { Status, Verdict } from "../judge/verdict.ts";
import { exitCode, hasErrno, messageOf, type ExitCode } from "../support/errors.ts";
import { findRun } from "./find-run.ts";
import { warn } from "./say.ts";

export const verdictFileName = "verdict.json";

export function exitCodeOf(status: Status): ExitCode {
  return exitCode[status];
}

/** Judges an open run and writes verdict.json beside its evidence. */
export function judgeRun(run: OpenRun): Verdict {
  const verdict = judge(run.plan, run.evidence);
  const file = join(run.runDir, verdictFileName);
  try {
    writeFileSync(`${file}.tmp`, `${JSON.stringify(verdict, null, 2)}\n`);
    renameSync(`${file}.tmp`, file);
  } catch (error) {
    // Evidence that may only be read can still be judged.
    if (!hasErrno(error, "EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EISDIR")) throw error;
    warn(`kiln: the verdict is not kept: ${messageOf(error)}`);
  }
  return verdict;
}

export function judgeCommand(text: string): ExitCode {
  const run = openRun(findRun(text));
  try {
    const verdict = judgeRun(run);
    const model = buildReportModel({ plan: run.plan, verdict, evidence: run.evidence });
    process.stdout.write(terminalSummary(model));
    return exitCodeOf(verdict.status);
  } finally {
    run.close();
  }
}
