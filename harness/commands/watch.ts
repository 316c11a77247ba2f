// `kiln watch [run]`: follows a run that another process carries, as if it ran here: the same live block or lines, from its journal and its
// samples. Ends with the run, and with its exit code; Ctrl-C ends the watching only.
import { basename, join, relative } from "node:path";
import { buildReportModel } from "../../reports/model.ts";
import { createProgress } from "../../reports/progress.ts";
import { terminalSummary } from "../../reports/terminal.ts";
import { eventsIn } from "../journal/journal-reader.ts";
import { tailJournal } from "../journal/journal-tail.ts";
import { watchLoad, type LoadWatch } from "../journal/live-load.ts";
import { readPlanFile } from "../journal/plan-file.ts";
import type { JournalEvent } from "../journal/events.ts";
import { openRun } from "../journal/run-folder.ts";
import { judge } from "../judge/judge.ts";
import type { Plan } from "../plan/plan.ts";
import { axisOf } from "../run/axis.ts";
import { isLive, runState, whyNotResumable, workersOf, type RunState } from "../run/run-state.ts";
import { monotonicMs, sleep, systemClock } from "../support/clock.ts";
import { exitCode, type ExitCode } from "../support/errors.ts";
import { bootId } from "../support/process-identity.ts";
import { findRunOrCurrent } from "./find-run.ts";
import { exitCodeOf } from "./judge.ts";
import { createProgressFeed, type ProgressFeed } from "./progress-feed.ts";
import { say, warn } from "./say.ts";

const lookEveryMs = 1_000;
/** A run whose end is in the journal is still being judged and reported for a while. */
const concludeMs = 120_000;

export async function watchCommand(text: string | undefined): Promise<ExitCode> {
  const runDir = findRunOrCurrent(text);
  const { plan } = readPlanFile(runDir);
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  process.once("SIGINT", leave);
  process.once("SIGTERM", leave);
  const load = watchLoad(runDir);
  const progress = createProgress({ stream: process.stdout, clock: systemClock, env: process.env });
  try {
    const feed = createProgressFeed(plan, progress);
    const over = await follow({ runDir, plan, feed, load, signal: leaving.signal }).finally(() =>
      progress.close(),
    );
    if (over) return conclude(runDir);
    const id = basename(runDir);
    warn(`\nkiln: the run goes on; watch it again: npx kiln watch ${id}; end it: npx kiln stop ${id}`);
    return exitCode.interrupted;
  } finally {
    load.close();
    process.off("SIGINT", leave);
    process.off("SIGTERM", leave);
  }
}

interface Following {
  readonly runDir: string;
  readonly plan: Plan;
  readonly feed: ProgressFeed;
  readonly load: LoadWatch;
  readonly signal: AbortSignal;
}

/** True when the run is over and nobody works on it any more, false when the watching was ended. */
async function follow({ runDir, plan, feed, load, signal }: Following): Promise<boolean> {
  const tail = tailJournal(runDir);
  const past = tail();
  const known = [...past];
  feed.replay(past, load.totals().failed);
  let endedMs: number | undefined;
  for (;;) {
    for (const event of tail()) {
      known.push(event);
      feed.listeners.onEvent(event);
    }
    const seen = load.look();
    feed.listeners.onPulse(
      seen === null ? null : { ...seen, completed: 0, planned: 0 },
      planTime(known, plan),
    );
    if (eventsIn(known, "run-ended").length > 0) endedMs ??= systemClock.nowMs();
    if (!isLive(workersOf(runDir))) return true;
    if (endedMs !== undefined && systemClock.nowMs() - endedMs > concludeMs) return true;
    try {
      await sleep(lookEveryMs, signal);
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }
}

/** Plan time now; null before the load. */
function planTime(events: readonly JournalEvent[], plan: Plan): number | null {
  const [started] = eventsIn(events, "load-started");
  const now = { bootId: bootId(), monotonicMs: monotonicMs(), wallMs: systemClock.wallMs() };
  const axis = started === undefined ? undefined : axisOf(events, now);
  if (started === undefined || axis === undefined) return null;
  return Math.min(plan.durationMs, now.monotonicMs - axis.zeroMonotonicMs - started.zeroAtMs);
}

/** What `kiln run` would have said at the end. */
function conclude(runDir: string): ExitCode {
  const state = runState(runDir);
  const run = openRun(runDir);
  try {
    const verdict = judge(run.plan, run.evidence);
    process.stdout.write(
      terminalSummary(buildReportModel({ plan: run.plan, verdict, evidence: run.evidence })),
    );
    if (state.ended === undefined) say(deadText(state));
    else say(`report: ${relative(process.cwd(), join(runDir, "report.html"))}`);
    if (state.ended?.outcome === "interrupted") return exitCode.interrupted;
    if (state.ended?.outcome === "error") return exitCode.environment;
    return exitCodeOf(verdict.status);
  } finally {
    run.close();
  }
}

/** What can be done about a run that nobody works on and that has not ended. */
export function deadText(state: RunState): string {
  const id = state.runId;
  const left = state.tornDown
    ? "it was healed and taken down"
    : "what it left behind is undone by: npx kiln heal";
  const why = whyNotResumable(state);
  const on = why === undefined && state.mode === "detached" ? `; go on with it: npx kiln resume ${id}` : "";
  return `the harness of ${id} is dead: ${left}${state.tornDown ? "" : ` ${id}`}${on}`;
}
