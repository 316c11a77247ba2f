// What `kiln run` and `kiln resume` have in common: progress while the run goes on, signals that end it, and judge and reports after it.
import { basename, join, relative } from "node:path";
import { buildReportModel } from "../../reports/model.ts";
import { createProgress } from "../../reports/progress.ts";
import { terminalSummary } from "../../reports/terminal.ts";
import type { JournalEvent } from "../journal/events.ts";
import { eventsIn } from "../journal/journal-reader.ts";
import { openRun } from "../journal/run-folder.ts";
import type { Plan } from "../plan/plan.ts";
import { Interrupted, type RunResult } from "../run/run-request.ts";
import { systemClock } from "../support/clock.ts";
import { exitCode, type ExitCode } from "../support/errors.ts";
import { exitCodeOf, judgeRun } from "./judge.ts";
import { createProgressFeed, type ProgressFeed } from "./progress-feed.ts";
import { writeReports } from "./report.ts";

/** Ends the process at once with that code; only cli.ts may. */
export type Leave = (code: ExitCode) => void;

/**
 * Shows a run while `start` carries it. SIGINT, SIGTERM and SIGHUP heal, still judge and report, and give 130; a second signal leaves at once
 * (the reaper then heals and takes down) and says how to do that by hand. Rejects with what ended a run of outcome "error".
 */
export async function carryOut(
  plan: Plan,
  leave: Leave,
  start: (listeners: ProgressFeed["listeners"], signal: AbortSignal) => Promise<RunResult>,
  past: readonly JournalEvent[] = [],
): Promise<ExitCode> {
  const progress = createProgress({ stream: process.stdout, clock: systemClock, env: process.env });
  const feed = createProgressFeed(plan, progress);
  // Of what another harness has told already, only where plan time began is needed here.
  feed.replay(eventsIn(past, "load-started"), 0);
  const interrupts = listenForSignals(() => feed.runDir(), leave);
  try {
    const result = await start(feed.listeners, interrupts.signal).finally(() => progress.close());
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
    await writeReports(model, run.runDir);
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
  leave: Leave,
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
