// `kiln report <run>`: judges the evidence and writes every report of a run folder again.
import { join } from "node:path";
import { renderAll } from "../../reports/index.ts";
import { buildReportModel } from "../../reports/model.ts";
import { openRun } from "../journal/run-folder.ts";
import { exitCode, type ExitCode } from "../support/errors.ts";
import { findRun } from "./find-run.ts";
import { judgeRun } from "./judge.ts";

export async function reportCommand(text: string): Promise<ExitCode> {
  const run = openRun(findRun(text));
  try {
    const verdict = judgeRun(run);
    await renderAll(buildReportModel({ plan: run.plan, verdict, evidence: run.evidence }), run.runDir);
    process.stdout.write(
      `${verdict.status}: ${verdict.because}\nreport: ${join(run.runDir, "report.html")}\n`,
    );
    return exitCode.pass;
  } finally {
    run.close();
  }
}
