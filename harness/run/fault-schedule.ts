// Carries out the plan's faults on time: inject, confirm, hold, heal; for a momentary fault: wait until the stack has mended itself, and
// rescue it when its deadline has passed, so that the run goes on and the judge sees a censored recovery.
import { readFile } from "node:fs/promises";
import type { ActiveFault } from "../faults/active-fault.ts";
import type { JournalWriter } from "../journal/events.ts";
import type { FaultStep, Plan } from "../plan/plan.ts";
import type { LiveStack, StackHandle } from "../stack/stack.ts";
import { deadline, eventually, sleep, type Clock } from "../support/clock.ts";
import { isValidState } from "../probes/config-probe.ts";
import { hasErrno, messageOf } from "../support/errors.ts";

/** Where the scenario sets no recovery objective: the limit of REQUIREMENTS H6. */
const defaultRecoveryMs = 60_000;
/** A fault that could not be injected within this time of its plan is not injected at all. */
const latestMs = 2_000;
/** Three periods of the configuration probe. */
const watchMendedMs = 1_500;
/** Time that healing gets after the run itself was aborted. It never shares the run's spent signal. */
const lastHealMs = 15_000;

export interface ScheduleRequest {
  readonly plan: Plan;
  readonly stack: LiveStack;
  readonly journal: JournalWriter;
  /** Counts in plan time: zero is the first planned request. */
  readonly clock: Clock;
  /** Aborts when the run is interrupted or stopped. */
  readonly signal: AbortSignal;
  activate(step: FaultStep): ActiveFault;
}

/** Resolves when every fault is healed (or broken beyond that), whatever happened. Rejects only for a bug. */
export async function carryOutFaults(request: ScheduleRequest): Promise<void> {
  await Promise.all(request.plan.faults.map((step) => carryOut(step, request)));
}

async function carryOut(step: FaultStep, request: ScheduleRequest): Promise<void> {
  const { journal, clock, signal } = request;
  if (step.skipped !== undefined) {
    journal.write({
      type: "fault-skipped",
      id: step.id,
      reason: `the stack lacks: ${step.skipped.missing.join(", ")}`,
    });
    return;
  }
  if (!(await arrived(step.startMs, request))) return;
  const lateMs = clock.nowMs() - step.startMs;
  if (lateMs > latestMs) {
    // The harness was stopped or the machine slept: a fault that comes now would hit a stretch that was planned to be calm.
    journal.write({
      type: "fault-skipped",
      id: step.id,
      reason: `its time had passed ${Math.round(lateMs)} ms ago`,
    });
    return;
  }
  const active = request.activate(step);
  try {
    await active.inject(signal);
    // A look that takes long must not hold the fault in beyond its planned end: the next step counts on that.
    const confirmEnd =
      step.kind === "held" ? deadline(Math.max(1, step.healMs - clock.nowMs()), signal) : signal;
    await active.confirm(confirmEnd);
    if (step.kind === "held") await clock.sleepUntil(step.healMs, signal);
    else await awaitMended(step, request);
  } catch (error) {
    // An aborted run heals below; a failed verb was journalled by the active fault and is the judge's to weigh.
    if (!signal.aborted)
      journal.write({ type: "note", level: "warning", text: `${step.id}: ${messageOf(error)}` });
  } finally {
    await active.heal(deadline(lastHealMs));
  }
}

/** False when the run ended before that instant. */
async function arrived(atMs: number, { clock, signal }: ScheduleRequest): Promise<boolean> {
  try {
    await clock.sleepUntil(atMs, signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** Waits until the stack itself has mended what a momentary fault broke; after the recovery objective Kiln does it. */
async function awaitMended(step: FaultStep, request: ScheduleRequest): Promise<void> {
  const { plan, stack, journal, signal, clock } = request;
  const [kind, name = ""] = step.target.split(":");
  const mended =
    kind === "config" ? () => isWhole(stack.handle.configFile(name)) : () => isReady(stack.handle, name);
  const limitMs = plan.objectives.recoveryMs ?? defaultRecoveryMs;
  const budget = deadline(Math.max(1, step.startMs + limitMs - clock.nowMs()), signal);
  try {
    await eventually(mended, budget, 200);
    // Left alone a moment longer, so that the probes see it mended before Kiln's own heal could have done it.
    await sleep(watchMendedMs, signal);
  } catch (error) {
    // Not mended in time. Which it was, the deadline or the end of the run, the signals know; anything else is no answer.
    signal.throwIfAborted();
    if (!budget.aborted) throw error;
    journal.write({ type: "rescued", service: name, fault: step.id });
    // A corrupt file is put right by heal, which follows at once.
    if (kind === "service") await stack.restart(name);
  }
}

async function isWhole(file: string): Promise<true | undefined> {
  try {
    return isValidState(await readFile(file, "utf8")) ? true : undefined;
  } catch (error) {
    if (hasErrno(error, "ENOENT", "EACCES")) return undefined;
    throw error;
  }
}

async function isReady(stack: StackHandle, service: string): Promise<true | undefined> {
  const spec = stack.spec.services.find((candidate) => candidate.name === service);
  if (spec?.kind !== "program") return stack.process(service).find() === undefined ? undefined : true;
  try {
    const answer = await stack.http(service, spec.readyPath, { signal: deadline(1_000) });
    return answer.status >= 200 && answer.status < 300 ? true : undefined;
  } catch {
    // Refused, reset or too slow: not ready yet. The caller's deadline decides what that means.
    return undefined;
  }
}
