// The order of a run: folder and lock, reaper, bring-up, preflight, load with faults, teardown. Each thing that is started is paired with
// its end, and the ends run in reverse order whatever happened, with a time budget of their own.
import { createActiveFault, type ActiveFault } from "../faults/active-fault.ts";
import type { FaultTable } from "../faults/fault.ts";
import type { JournalEvent, JournalWriter, Phase } from "../journal/events.ts";
import { createLoadDriver, type LiveLoad, type LoadDriver } from "../load/load-driver.ts";
import type { FaultStep, Plan } from "../plan/plan.ts";
import { startProbes } from "../probes/index.ts";
import { memoryAvailableBytes } from "../probes/system-probe.ts";
import { bringUp } from "../stack/process-stack.ts";
import type { LiveStack } from "../stack/stack.ts";
import { clockFrom, systemClock } from "../support/clock.ts";
import { formatDuration } from "../support/duration.ts";
import { messageOf } from "../support/errors.ts";
import { identify } from "../support/process-identity.ts";
import type { Tools } from "../support/tools.ts";
import { createWallJoin } from "../support/wall-join.ts";
import { carryOutFaults } from "./fault-schedule.ts";
import { createFaultLedger } from "./fault-ledger.ts";
import { epochOf, openLedger, readLedger, type Ledger } from "./ledger.ts";
import { acquireLock } from "./lock.ts";
import { preflight } from "./preflight.ts";
import { startPulse } from "./pulse.ts";
import { startReaper } from "./reaper-client.ts";
import { createRunFiles, newRunId, type RunFiles } from "./run-files.ts";
import { createSpawner } from "./spawn.ts";
import { watchForStop } from "./stop-conditions.ts";
import { takeDown } from "./take-down.ts";

/** From "all is ready" to the first planned request: long enough for the release of k6 to be sent on time. */
const leadMs = 250;
/** The stack is watched this much longer than the load, so that a watchdog's last lines are not missed. */
const tailMs = 1_000;

export interface RunRequest {
  readonly plan: Plan;
  /** Absolute path of the k6 script. */
  readonly scriptPath: string;
  /** Absolute folder that holds all runs. */
  readonly runsDir: string;
  readonly faults: FaultTable;
  readonly tools: Tools;
  readonly commandLine: readonly string[];
  readonly onEvent: (event: JournalEvent) => void;
  /** Called once a second with the live load; null before and after it. Plan time in milliseconds. */
  readonly onPulse: (live: LiveLoad | null, planMs: number | null) => void;
  /** Called once the folder exists. */
  readonly onFolder: (runDir: string) => void;
}

export type RunOutcome = "completed" | "interrupted" | "stopped" | "error";

export interface RunResult {
  readonly runDir: string;
  readonly outcome: RunOutcome;
  /** What ended a run of outcome "error". */
  readonly error?: unknown;
}

/** Why a run's signal was aborted by a person. */
export class Interrupted extends Error {
  readonly signalName: string;
  constructor(signalName: string) {
    super(`interrupted by ${signalName}`);
    this.signalName = signalName;
  }
}

interface Scope {
  readonly files: RunFiles;
  readonly ledger: Ledger;
  readonly signal: AbortSignal;
}

/** Runs a plan. Resolves once all is taken down; rejects only when there is no run folder to judge (lock held, folder not writable). */
export async function runPlan(request: RunRequest, interrupt: AbortSignal): Promise<RunResult> {
  const runId = newRunId(request.plan, systemClock.wallMs());
  const lock = acquireLock({ runId, runDir: `${request.runsDir}/${runId}`, wallMs: systemClock.wallMs() });
  try {
    const files = createRunFiles(runId, request);
    request.onFolder(files.runDir);
    return await withFolder(request, files, interrupt);
  } finally {
    lock.release();
  }
}

async function withFolder(request: RunRequest, files: RunFiles, interrupt: AbortSignal): Promise<RunResult> {
  const { journal, runDir } = files;
  const ledger = await openLedger(runDir);
  const harness = identify(process.pid);
  if (harness === undefined) throw new TypeError("this process has an identity");
  await ledger.append({ op: "open", runId: files.runId, bootId: harness.bootId, harness });
  const reaper = await startReaper(runDir, (text) => journal.write({ type: "note", level: "warning", text }));
  const result = await outcomeOf(interrupt, journal, () =>
    withReaper(request, { files, ledger, signal: interrupt }),
  );
  const reason = result.reason === undefined ? {} : { reason: result.reason };
  journal.write({ type: "run-ended", outcome: result.outcome, ...reason });
  journal.close();
  files.samples.close();
  await ledger.close();
  await reaper.bye();
  return { runDir, outcome: result.outcome, ...("error" in result ? { error: result.error } : {}) };
}

type Ended = { outcome: RunOutcome; reason?: string; error?: unknown };

async function outcomeOf(
  interrupt: AbortSignal,
  journal: JournalWriter,
  work: () => Promise<Ended>,
): Promise<Ended> {
  try {
    return await work();
  } catch (error) {
    if (interrupt.aborted) {
      const reason: unknown = interrupt.reason;
      if (reason instanceof Interrupted) journal.write({ type: "interrupted", signal: reason.signalName });
      return { outcome: "interrupted", reason: messageOf(reason) };
    }
    journal.write({ type: "note", level: "error", text: messageOf(error) });
    return { outcome: "error", reason: messageOf(error), error };
  }
}

async function inPhase<T>(journal: JournalWriter, phase: Phase, work: () => Promise<T>): Promise<T> {
  journal.write({ type: "phase", phase, state: "begin" });
  try {
    return await work();
  } finally {
    journal.write({ type: "phase", phase, state: "end" });
  }
}

async function withReaper(request: RunRequest, scope: Scope): Promise<Ended> {
  const { files, ledger, signal } = scope;
  const { journal, runDir, runId, logsDir } = files;
  const spawn = createSpawner({ ledger, runId, runDir, logsDir });
  const { tools, plan } = request;
  let stack: LiveStack | undefined;
  try {
    stack = await inPhase(journal, "bring-up", () =>
      bringUp(plan.stack, { runDir, runId, spawn, tools, signal }),
    );
    return await withStack(request, scope, stack, spawn);
  } finally {
    await inPhase(journal, "teardown", () => endStack(stack, scope));
  }
}

/** The orderly end; where that fails, the forced one, which also says so in the ledger. */
async function endStack(stack: LiveStack | undefined, { files, ledger }: Scope): Promise<void> {
  try {
    await stack?.down();
    await ledger.append({ op: "torn-down", by: "harness" });
  } catch (error) {
    files.journal.write({ type: "note", level: "error", text: `taken down by force: ${messageOf(error)}` });
    await takeDown({ runDir: files.runDir, by: "harness" });
  }
}

async function withStack(
  request: RunRequest,
  scope: Scope,
  stack: LiveStack,
  spawn: ReturnType<typeof createSpawner>,
): Promise<Ended> {
  const { plan } = request;
  const { files } = scope;
  const { journal, samples, clock, zeroMonotonicMs, runDir, logsDir } = files;
  const wall = createWallJoin();
  const load = createLoadDriver({
    plan,
    scriptPath: request.scriptPath,
    targetUrl: stack.targetUrl,
    spawn,
    k6: request.tools.k6,
    journal,
    samples,
    clock: systemClock,
    workDir: runDir,
  });
  const probes = startProbes({ stack: stack.handle, journal, samples, clock, wall, zeroMonotonicMs, runDir });
  const live: { zeroMs: number | null; check: () => void } = { zeroMs: null, check: () => {} };
  const duties = (): void => {
    load.flush();
    live.check();
    const planMs = live.zeroMs === null ? null : systemClock.nowMs() - live.zeroMs;
    request.onPulse(planMs === null ? null : load.live(), planMs);
  };
  const pulse = startPulse({
    journal,
    samples,
    clock,
    wall,
    logsDir,
    duties,
    onGap: () => noteEpoch(journal, runDir),
  });
  try {
    await probes.ready;
    return await Promise.race([underLoad(request, scope, stack, load, live), pulse.failed]);
  } finally {
    await probes.stop();
    await pulse.stop();
    load.flush();
    samples.commit();
  }
}

/** After a gap: says so when the reaper has healed meanwhile, which its own epoch in the ledger shows. */
function noteEpoch(journal: JournalWriter, runDir: string): void {
  const epoch = epochOf(readLedger(runDir));
  if (epoch > 0)
    journal.write({
      type: "control-plane",
      what: `the reaper healed while the harness did not run (epoch ${epoch})`,
    });
}

async function underLoad(
  request: RunRequest,
  { files, ledger, signal }: Scope,
  stack: LiveStack,
  load: LoadDriver,
  live: { zeroMs: number | null; check: () => void },
): Promise<Ended> {
  const { plan } = request;
  const { journal, clock, runDir } = files;
  const checks = await inPhase(journal, "preflight", () =>
    preflight(plan, runDir, memoryAvailableBytes(), signal),
  );
  journal.write({ type: "preflight", checks });
  await load.prepare();
  const ending = new AbortController();
  const loadSignal = AbortSignal.any([signal, ending.signal]);
  const zeroMs = systemClock.nowMs() + leadMs;
  live.zeroMs = zeroMs;
  journal.write({ type: "load-started", zeroAtMs: zeroMs - files.zeroMonotonicMs });
  const planClock = clockFrom(zeroMs);
  live.check = watchForStop({
    plan,
    load,
    clock: planClock,
    stop: (reason) => ending.abort(new Error(reason)),
  });
  const activate = (step: FaultStep): ActiveFault =>
    createActiveFault({
      step,
      table: request.faults,
      stack: stack.handle,
      journal,
      ledger: createFaultLedger(ledger),
      clock: planClock,
    });
  await inPhase(journal, "load", async () => {
    const faults = carryOutFaults({ plan, stack, journal, clock: planClock, signal: loadSignal, activate });
    // Whichever fails first ends the other; both are awaited, so that faults are healed before the stack goes down.
    const both = await Promise.allSettled([
      load.run(zeroMs, loadSignal).catch(endBoth(ending)),
      faults.catch(endBoth(ending)),
    ]);
    const failed = both.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  });
  signal.throwIfAborted();
  if (ending.signal.aborted) return { outcome: "stopped", reason: messageOf(ending.signal.reason) };
  await inPhase(journal, "settle", () => clock.sleepUntil(clock.nowMs() + tailMs, signal));
  journal.write({ type: "note", level: "info", text: `load of ${formatDuration(plan.durationMs)} done` });
  return { outcome: "completed" };
}

function endBoth(ending: AbortController): (error: unknown) => never {
  return (error) => {
    ending.abort(error);
    throw error;
  };
}
