// `kiln run <scenario>`: plan, run, judge, report. Ctrl-C, SIGTERM and SIGHUP heal, still judge and report, and exit 130; a second signal
// leaves at once (the reaper then heals and takes down) and says how to do that by hand.
import { basename, join, relative } from "node:path";
import { renderAll } from "../../reports/index.ts";
import { buildReportModel } from "../../reports/model.ts";
import { createProgress } from "../../reports/progress.ts";
import { terminalSummary } from "../../reports/terminal.ts";
import { faultTable } from "../faults/index.ts";
import type { FaultTable } from "../faults/fault.ts";
import { openRun } from "../journal/run-folder.ts";
import { makePlan } from "../plan/make-plan.ts";
import { reconcileRuns } from "../run/heal-run.ts";
import { Interrupted, runPlan, type RunResult } from "../run/conductor.ts";
import { loadScenario } from "../scenario/load-scenario.ts";
import { systemClock } from "../support/clock.ts";
import { exitCode, type ExitCode } from "../support/errors.ts";
import { loadTools } from "../support/tools.ts";
import { runsDir } from "./find-run.ts";
import { describeHeal } from "./heal.ts";
import { exitCodeOf, judgeRun } from "./judge.ts";
import { createProgressFeed } from "./progress-feed.ts";

export interface RunContext {
  /** Ends the process at once with that code; only cli.ts may. */
  readonly leave: (code: ExitCode) => void;
  /** The table of faults; tests of Kiln's own verdict hand in one with a planted defect. */
  readonly faults?: FaultTable;
}

export async function runCommand(
  name: string,
  options: { readonly seed: string },
  context: RunContext,
): Promise<ExitCode> {
  const faults = context.faults ?? faultTable;
  const loaded = await loadScenario(name, { cwd: process.cwd() });
  const plan = makePlan(loaded.scenario, options.seed, faults, { file: loaded.shownFile });
  const tools = loadTools();
  for (const dead of await reconcileRuns(runsDir(), { by: "heal", faults }))
    process.stderr.write(`kiln: ${describeHeal(dead)}\n`);
  const progress = createProgress({ stream: process.stdout, clock: systemClock, env: process.env });
  const feed = createProgressFeed(plan, progress);
  const interrupts = listenForSignals(() => feed.runDir(), context.leave);
  try {
    const files = { runsDir: runsDir(), tools, commandLine: ["kiln", ...process.argv.slice(2)] };
    const request = { plan, scriptPath: loaded.scriptPath, faults, ...files, ...feed.listeners };
    const result = await runPlan(request, interrupts.signal).finally(() => progress.close());
    return await conclude(result);
  } finally {
    interrupts.stop();
  }
}

async function conclude(result: RunResult): Promise<ExitCode> {
  const run = openRun(result.runDir);
  try {
    const verdict = judgeRun(run);
    const model = buildReportModel({ plan: run.plan, verdict, evidence: run.evidence });
    await renderAll(model, run.runDir);
    process.stdout.write(terminalSummary(model));
    process.stdout.write(`report: ${relative(process.cwd(), join(run.runDir, "report.html"))}\n`);
    if (result.outcome === "interrupted") return exitCode.interrupted;
    if (result.outcome === "error") throw result.error;
    return exitCodeOf(verdict.status);
  } finally {
    run.close();
  }
}

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** One Ctrl-C reaches Kiln up to three times: from the terminal, from npm and from the launcher. */
const sameSignalMs = 500;

function listenForSignals(
  runDir: () => string | undefined,
  leave: RunContext["leave"],
): { readonly signal: AbortSignal; stop(): void } {
  const controller = new AbortController();
  let firstMs = 0;
  const onSignal = (name: NodeJS.Signals): void => {
    if (!controller.signal.aborted) {
      firstMs = systemClock.nowMs();
      process.stderr.write(
        `\nkiln: ${name}: healing and taking down, then the report; once more to leave at once\n`,
      );
      controller.abort(new Interrupted(name));
      return;
    }
    if (systemClock.nowMs() - firstMs < sameSignalMs) return;
    const folder = runDir();
    const heal = folder === undefined ? "" : `; to make sure: npx kiln heal ${basename(folder)}`;
    process.stderr.write(`\nkiln: leaving at once; the reaper heals and takes down${heal}\n`);
    leave(exitCode.interrupted);
  };
  for (const name of signals) process.on(name, onSignal);
  return { signal: controller.signal, stop: () => signals.forEach((name) => process.off(name, onSignal)) };
}
