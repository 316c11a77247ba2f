// `kiln report <run>`: judges the evidence and writes every report of a run folder again.
import { join } from "node:path";
import { renderAll } from "../../reports/index.ts";
import type { ReportModel } from "../../reports/model-types.ts";
import { buildReportModel } from "../../reports/model.ts";
import { openRun } from "../journal/run-folder.ts";
import { environmentError, exitCode, hasErrno, messageOf, type ExitCode } from "../support/errors.ts";
import { findRun } from "./find-run.ts";
import { judgeRun } from "./judge.ts";
import { say } from "./say.ts";

export async function reportCommand(text: string): Promise<ExitCode> {
  await reportOn(findRun(text));
  return exitCode.pass;
}

/** Judges a run, writes its reports and says where they are. */
export async function reportOn(runDir: string): Promise<void> {
  const run = openRun(runDir);
  try {
    const verdict = judgeRun(run);
    const model = buildReportModel({ plan: run.plan, verdict, evidence: run.evidence });
    await writeReports(model, run.runDir);
    say(`${verdict.status}: ${verdict.because}\nreport: ${join(run.runDir, "report.html")}`);
  } finally {
    run.close();
  }
}

/** Throws `reports-not-written` (environment) that names each file and why. */
export async function writeReports(model: ReportModel, runDir: string): Promise<void> {
  try {
    await renderAll(model, runDir);
  } catch (error) {
    // Anything but the file system's refusal is a bug of a renderer.
    const refused = error instanceof AggregateError && error.errors.every(isRefusal);
    if (!refused) throw error;
    throw environmentError("reports-not-written", `${runDir}: ${messageOf(error)}`, {
      hint: "the folder must be one that you may write, with space left; the verdict stands in verdict.json or comes from `kiln judge`",
      cause: error,
    });
  }
}

const refusals = ["EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EISDIR", "ENOTDIR", "ENOENT"];

function isRefusal(error: unknown): boolean {
  return error instanceof Error && hasErrno(error.cause, ...refusals);
}
