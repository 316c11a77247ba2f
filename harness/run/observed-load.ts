// From a stack that is up to the end of its load: probes and pulse around it, preflight before it, faults in it. A resumed run comes in
// here, too: its plan time goes on, the load from the next whole second that k6 can keep.
import { createActiveFault, type ActiveFault } from "../faults/active-fault.ts";
import type { JournalWriter, Phase } from "../journal/events.ts";
import { createLoadDriver, type LoadDriver } from "../load/load-driver.ts";
import type { FaultStep } from "../plan/plan.ts";
import { startProbes } from "../probes/index.ts";
import type { ProbeContext } from "../probes/probe.ts";
import { memoryAvailableBytes } from "../probes/system-probe.ts";
import type { LiveStack } from "../stack/stack.ts";
import { clockFrom, systemClock, type Clock } from "../support/clock.ts";
import { formatDuration } from "../support/duration.ts";
import { messageOf } from "../support/errors.ts";
import type { Spawner } from "../support/spawner.ts";
import { createWallJoin } from "../support/wall-join.ts";
import { createFaultLedger } from "./fault-ledger.ts";
import { carryOutFaults } from "./fault-schedule.ts";
import { epochOf, readLedger } from "./ledger.ts";
import { preflight } from "./preflight.ts";
import { startPulse } from "./pulse.ts";
import { goOn } from "./go-on.ts";
import type { Begun, Ended, MakeLoad, RunRequest, Scope } from "./run-request.ts";
import { watchForStop } from "./stop-conditions.ts";
import { tellStop } from "./tell-stop.ts";

/** From "all is ready" to the first planned request: long enough for the release of k6 to be sent on time. */
const leadMs = 250;
/** The stack is watched this much longer than the load, so that a watchdog's last lines are not missed. */
const tailMs = 1_000;

/** What the pulse looks after, as far as it is there yet. */
interface Live {
  load: LoadDriver | null;
  /** Plan time zero on CLOCK_MONOTONIC. */
  zeroMs: number | null;
  check: () => void;
  readonly active: Set<ActiveFault>;
}

/** Watches a stack that is up, loads it and injects the plan's faults, until all of that is over. */
export async function observedLoad(
  request: RunRequest,
  scope: Scope,
  stack: LiveStack,
  spawn: Spawner,
): Promise<Ended> {
  const { files, resume } = scope;
  const { journal, samples, clock, zeroMonotonicMs, runDir, runId, logsDir } = files;
  const wall = createWallJoin();
  const makeLoad = loadMaker(request, scope, stack, spawn);
  const live: Live = {
    load: null,
    zeroMs: resume?.planZeroMs ?? null,
    check: () => undefined,
    active: new Set(),
  };
  const probes = startProbes({
    stack: stack.handle,
    journal,
    samples,
    clock,
    wall,
    zeroMonotonicMs,
    runDir,
    runId,
    ...(resume === undefined ? {} : { seen: resume.seen }),
    ...journeysAsked(request, spawn, () => live.zeroMs),
  });
  const pulse = startPulse({
    journal,
    samples,
    clock,
    wall,
    logsDir,
    duties: () => eachSecond(request, stack, live),
    onGap: onGap(journal, runDir, live.active, stack),
  });
  const blind = new AbortController();
  const watched = { ...scope, signal: AbortSignal.any([scope.signal, blind.signal]) };
  const work = async (): Promise<Ended> => {
    await probes.ready;
    const begun =
      resume === undefined || resume.planZeroMs === null
        ? await begin(request, watched, makeLoad)
        : await goOn(request.plan, files, { ...resume, planZeroMs: resume.planZeroMs }, makeLoad);
    return underLoad(request, watched, stack, begun, live);
  };
  const working = work();
  try {
    const ended = await Promise.race([working, pulse.failed]);
    live.load?.flush();
    samples.commit();
    return ended;
  } catch (error) {
    // Nothing is evidence any more (a full disk, say): the load ends and the faults are healed before the stack goes down.
    blind.abort(error);
    await working.catch(() => undefined);
    throw error;
  } finally {
    await probes.stop();
    await pulse.stop();
  }
}

function loadMaker(
  { plan, scriptPath, tools }: RunRequest,
  { files: { journal, samples, runDir } }: Scope,
  { targetUrl }: LiveStack,
  spawn: Spawner,
): MakeLoad {
  const fixed = { plan, scriptPath, targetUrl, spawn, k6: tools.k6, journal, samples, workDir: runDir };
  return (from) =>
    createLoadDriver({ ...fixed, clock: systemClock, ...(from === undefined ? {} : { from }) });
}

/** A browser is wherever set-up found one, or where the caller says. */
function journeysAsked(
  { plan, journeyPath, tools }: RunRequest,
  spawn: Spawner,
  planZeroMs: () => number | null,
): Pick<ProbeContext, "journeys"> {
  const { journeys, durationMs, warmUpMs } = plan;
  if (journeys === undefined || journeyPath === undefined) return {};
  const chromium = process.env["KILN_CHROMIUM"] ?? tools.chromium;
  const asked = { plan: { durationMs, warmUpMs, journeys }, scriptPath: journeyPath, chromium };
  return { journeys: { ...asked, spawn, planZeroMs } };
}

function eachSecond({ onPulse }: RunRequest, stack: LiveStack, { load, zeroMs, check }: Live): void {
  load?.flush();
  check();
  void stack.lookAtProxies();
  const planMs = zeroMs === null ? null : systemClock.nowMs() - zeroMs;
  onPulse(planMs === null ? null : (load?.live() ?? null), planMs);
}

/** After a gap: obeys when the reaper has healed meanwhile, which its own epoch in the ledger shows. */
function onGap(
  journal: JournalWriter,
  runDir: string,
  active: ReadonlySet<ActiveFault>,
  stack: LiveStack,
): () => void {
  let known = epochOf(readLedger(runDir));
  return () => {
    const epoch = epochOf(readLedger(runDir));
    if (epoch === known) return;
    known = epoch;
    const what = `the reaper healed while the harness did not run (epoch ${epoch})`;
    journal.write({ type: "control-plane", what });
    stack.forgetHarm();
    for (const fault of active) {
      fault.catchUp().catch((error: unknown) => {
        journal.write({ type: "note", level: "error", text: `after a gap: ${messageOf(error)}` });
      });
    }
  };
}

export async function inPhase<T>(journal: JournalWriter, phase: Phase, work: () => Promise<T>): Promise<T> {
  journal.write({ type: "phase", phase, state: "begin" });
  try {
    return await work();
  } finally {
    journal.write({ type: "phase", phase, state: "end" });
  }
}

/** Preflight, k6 ready, and plan time zero is set. */
async function begin({ plan }: RunRequest, { files, signal }: Scope, makeLoad: MakeLoad): Promise<Begun> {
  const { journal, runDir } = files;
  const checks = await inPhase(journal, "preflight", () =>
    preflight(plan, runDir, memoryAvailableBytes(), signal),
  );
  journal.write({ type: "preflight", checks });
  const load = makeLoad();
  await load.prepare();
  const zeroMs = systemClock.nowMs() + leadMs;
  journal.write({ type: "load-started", zeroAtMs: zeroMs - files.zeroMonotonicMs });
  return { load, zeroMs, fromMs: 0, plan };
}

async function underLoad(
  request: RunRequest,
  { files, ledger, signal }: Scope,
  stack: LiveStack,
  { load, zeroMs, fromMs, plan }: Begun,
  live: Live,
): Promise<Ended> {
  const { journal, clock } = files;
  const ending = new AbortController();
  const loadSignal = AbortSignal.any([signal, ending.signal]);
  let unwritable: Error | undefined;
  tellStop(journal, ending.signal, (error) => {
    unwritable = new Error(messageOf(error), { cause: error });
  });
  const planClock = clockFrom(zeroMs);
  live.load = load;
  live.zeroMs = zeroMs;
  if (load !== null) {
    const stop = (reason: string): void => ending.abort(new Error(reason));
    live.check = watchForStop({ plan, load, clock: planClock, fromMs, stop });
  }
  const zeros = { planMs: zeroMs, journalMs: files.zeroMonotonicMs };
  const activate = (step: FaultStep): ActiveFault => {
    const active = createActiveFault({
      step,
      table: request.faults,
      stack: stack.handle,
      journal,
      ledger: createFaultLedger(ledger, zeros),
      clock: planClock,
    });
    live.active.add(active);
    return active;
  };
  await inPhase(journal, "load", async () => {
    const faults = carryOutFaults({ plan, stack, journal, clock: planClock, signal: loadSignal, activate });
    // Whichever fails first ends the other; both are awaited, so that faults are healed before the stack goes down.
    const both = await Promise.allSettled([
      (load?.run(zeroMs, loadSignal) ?? waitOut(planClock, fromMs, loadSignal)).catch(endBoth(ending)),
      faults.catch(endBoth(ending)),
    ]);
    const failed = both.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  });
  signal.throwIfAborted();
  if (unwritable !== undefined) throw unwritable;
  if (ending.signal.aborted) return { outcome: "stopped", reason: messageOf(ending.signal.reason) };
  await inPhase(journal, "settle", () => clock.sleepUntil(clock.nowMs() + tailMs, signal));
  journal.write({ type: "note", level: "info", text: `load of ${formatDuration(plan.durationMs)} done` });
  return { outcome: "completed" };
}

/** The end of a load of which nothing is left to carry: the stack is watched until then. */
async function waitOut(clock: Clock, untilMs: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleepUntil(untilMs, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function endBoth(ending: AbortController): (error: unknown) => never {
  return (error) => {
    ending.abort(error);
    throw error;
  };
}
