// The order of a run: folder and lock, reaper, bring-up, preflight, load with faults, teardown. Each thing that is started is paired with
// its end, and the ends run in reverse order whatever happened, with a time budget of their own.
import type { JournalWriter } from "../journal/events.ts";
import type { ControlPlaneChange } from "../stack/control-plane.ts";
import { bringUp, type BringUpOptions } from "../stack/process-stack.ts";
import type { LiveStack } from "../stack/stack.ts";
import { takeOver } from "../stack/take-over.ts";
import { systemClock } from "../support/clock.ts";
import { messageOf } from "../support/errors.ts";
import { identify } from "../support/process-identity.ts";
import { bootOf } from "./go-on.ts";
import { openLedger, readLedger, startedProcesses } from "./ledger.ts";
import { acquireLock } from "./lock.ts";
import { createMountListener } from "./mount-listener.ts";
import { inPhase, observedLoad } from "./observed-load.ts";
import { startReaper } from "./reaper-client.ts";
import type { ResumePoint } from "./resume-point.ts";
import { createRunFiles, newRunId, type RunFiles } from "./run-files.ts";
import { Interrupted, type Ended, type RunRequest, type RunResult, type Scope } from "./run-request.ts";
import { createSpawner } from "./spawn.ts";
import { takeDown } from "./take-down.ts";
import { tellStop } from "./tell-stop.ts";

export type { RunRequest } from "./run-request.ts";

/** Runs a plan. Resolves once all is taken down; rejects only when there is no run folder to judge (lock held, folder not writable). */
export async function runPlan(request: RunRequest, interrupt: AbortSignal): Promise<RunResult> {
  const wallMs = systemClock.wallMs();
  const runId = request.runId ?? newRunId(request.plan, wallMs);
  const lock = acquireLock({ runId, runDir: `${request.runsDir}/${runId}`, wallMs });
  try {
    const files = createRunFiles(runId, request);
    request.onFolder(files.runDir);
    return await withFolder(request, files, interrupt);
  } finally {
    lock.release();
  }
}

/** A run whose folder and lock are this process's: to its end, whatever that is. `prepare` comes first once the reaper watches. */
export async function withFolder(
  request: RunRequest,
  files: RunFiles,
  interrupt: AbortSignal,
  resume?: { readonly point: ResumePoint; readonly prepare: () => Promise<void> },
): Promise<RunResult> {
  const { journal, runDir } = files;
  const ledger = await openLedger(runDir);
  const harness = identify(process.pid);
  if (harness === undefined) throw new TypeError("this process has an identity");
  const { mode = "foreground", scriptPath, journeyPath } = request;
  const journey = journeyPath === undefined ? {} : { journeyPath };
  const resumable = { mode, scriptPath, ...journey, cwd: process.cwd() };
  await ledger.append({ op: "open", runId: files.runId, bootId: harness.bootId, harness, ...resumable });
  const unwritable: unknown[] = [];
  tellStop(journal, interrupt, (error) => unwritable.push(error));
  const reaper = await startReaper(runDir, (text) => journal.write({ type: "note", level: "warning", text }));
  const scope: Scope = {
    files,
    ledger,
    signal: interrupt,
    ...(resume === undefined ? {} : { resume: resume.point }),
  };
  let result = await outcomeOf(interrupt, () => withReaper(request, scope, resume?.prepare ?? nothing));
  const endings: readonly (() => void | Promise<void>)[] = [
    () => {
      for (const error of unwritable) throw error;
    },
    () => files.samples.close(),
    () => tellEnd(journal, interrupt, result),
    () => journal.close(),
    () => ledger.close(),
    () => reaper.bye(),
  ];
  for (const end of endings) {
    try {
      await end();
    } catch (error) {
      // A disk that is full: each of the others must still come to its end, the reaper above all.
      if (result.outcome !== "error") result = { outcome: "error", reason: messageOf(error), error };
    }
  }
  return { runDir, outcome: result.outcome, ...("error" in result ? { error: result.error } : {}) };
}

function tellEnd(journal: JournalWriter, interrupt: AbortSignal, { outcome, reason }: Ended): void {
  const why: unknown = interrupt.reason;
  if (outcome === "interrupted" && why instanceof Interrupted)
    journal.write({ type: "interrupted", signal: why.signalName });
  if (outcome === "error" && reason !== undefined)
    journal.write({ type: "note", level: "error", text: reason });
  journal.write({ type: "run-ended", outcome, ...(reason === undefined ? {} : { reason }) });
}

const nothing = (): Promise<void> => Promise.resolve();

async function outcomeOf(interrupt: AbortSignal, work: () => Promise<Ended>): Promise<Ended> {
  try {
    return await work();
  } catch (error) {
    if (interrupt.aborted) return { outcome: "interrupted", reason: messageOf(interrupt.reason) };
    return { outcome: "error", reason: messageOf(error), error };
  }
}

async function withReaper(request: RunRequest, scope: Scope, prepare: () => Promise<void>): Promise<Ended> {
  const { files, ledger, signal } = scope;
  const { journal, runDir, runId, logsDir } = files;
  const spawn = createSpawner({ ledger, runId, runDir, logsDir });
  const listeners = { onControlPlane: toJournal(files), mounts: createMountListener(ledger, journal) };
  const options = { runDir, runId, spawn, tools: request.tools, signal, ...listeners };
  let stack: LiveStack | undefined;
  try {
    await prepare();
    signal.throwIfAborted();
    stack = await inPhase(journal, "bring-up", () => stackFor(request, scope, options));
    return await observedLoad(request, scope, stack, spawn);
  } finally {
    await inPhase(journal, "teardown", () => endStack(stack, scope));
  }
}

/** A new stack; or the one that the dead harness left, if its load had begun: before that there is nothing in it that is worth keeping. */
async function stackFor(
  { plan }: RunRequest,
  { files, resume }: Scope,
  options: BringUpOptions,
): Promise<LiveStack> {
  const { journal, runDir } = files;
  if (resume === undefined) return bringUp(plan.stack, options);
  if (resume.planZeroMs === null) {
    await takeDown({ runDir, by: "harness" });
    const gap = { gapFromMs: resume.lastAtMs, gapToMs: files.clock.nowMs() };
    journal.write({ type: "resumed", attempt: resume.attempt, by: resume.by, ...gap, ...bootOf(resume) });
    return bringUp(plan.stack, options);
  }
  return takeOver({
    ...options,
    started: startedProcesses(readLedger(runDir)),
    onRestart: (service, why) =>
      void journal.write({ type: "note", level: "warning", text: `${service} is started again: ${why}` }),
  });
}

/** The orderly end; where that fails, the forced one, which also says so in the ledger. */
async function endStack(stack: LiveStack | undefined, { files, ledger, resume }: Scope): Promise<void> {
  const { journal, runDir } = files;
  try {
    // What another harness has started may still run, even if this one never came to take it over.
    if (stack === undefined && resume !== undefined) await takeDown({ runDir, by: "harness" });
    await stack?.down();
    await ledger.append({ op: "torn-down", by: "harness" });
  } catch (error) {
    journal.write({ type: "note", level: "error", text: `taken down by force: ${messageOf(error)}` });
    await takeDown({ runDir, by: "harness" });
  }
}

/** What becomes of Toxiproxy, on the journal's axis. */
function toJournal({ journal, zeroMonotonicMs }: RunFiles): (change: ControlPlaneChange) => void {
  return ({ fromMs, ...change }) =>
    void journal.write({ type: "control-plane", ...change, fromMs: fromMs - zeroMonotonicMs });
}
