// Carries out the plan's faults on time: inject, confirm, hold, heal. What comes after the harm is mending.ts. Drills are carried out in the same
// way, each alone.
import type { ActiveFault } from "../faults/active-fault.ts";
import type { JournalWriter } from "../journal/events.ts";
import type { DrillStep, FaultStep, Plan } from "../plan/plan.ts";
import type { LiveStack } from "../stack/stack.ts";
import { deadline, sleep, sleepPrecisely, type Clock } from "../support/clock.ts";
import { messageOf } from "../support/errors.ts";
import { afterHeal, awaitMended } from "./mending.ts";

/** The ledger is told so long ahead: its flush takes a millisecond, on a disk that others write to a second, and must not make the fault late. */
const announceMs = 2_000;
/** A fault that could not be injected within this time of its plan is not injected at all. */
const latestMs = 2_000;
/** Between two looks at whether another fault has been healed. */
const roomEveryMs = 10;
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

type Step = FaultStep | DrillStep;
/** By id. */
type InForce = Map<string, Step>;

/** Resolves when every fault is healed and every drill undone (or broken beyond that), whatever happened. Rejects only for a bug. */
export async function carryOutFaults(request: ScheduleRequest): Promise<void> {
  const inForce: InForce = new Map();
  const steps: readonly Step[] = [...request.plan.faults, ...(request.plan.drills ?? [])];
  await Promise.all(steps.map((step) => carryOut(step, request, inForce)));
}

async function carryOut(step: Step, request: ScheduleRequest, inForce: InForce): Promise<void> {
  const { journal, clock, signal } = request;
  const skip = (reason: string): unknown => journal.write({ type: "fault-skipped", id: step.id, reason });
  if (step.skipped !== undefined) {
    skip(step.skipped.reason ?? `the stack lacks: ${step.skipped.missing.join(", ")}`);
    return;
  }
  if (!(await arrived(step.startMs - announceMs, request))) return;
  const active = request.activate(step);
  try {
    const refusal = await untilDue(active, step, request, inForce);
    if (refusal !== undefined) {
      skip(refusal);
      return;
    }
    await active.inject(signal);
    // Nothing is left in the world that Kiln would have to take back.
    if (step.kind === "momentary") inForce.delete(step.id);
    // A look that takes long must not hold the fault in beyond its planned end: the next step counts on that.
    const confirmEnd =
      step.kind === "held" ? deadline(Math.max(1, step.healMs - clock.nowMs()), signal) : signal;
    await active.confirm(confirmEnd);
    if (step.kind === "held") await clock.sleepUntil(step.healMs, signal);
    else await awaitMended(step, step.startMs, request);
  } catch (error) {
    // An aborted run heals below; a failed verb was journalled by the active fault and is the judge's to weigh.
    if (!signal.aborted)
      journal.write({ type: "note", level: "warning", text: `${step.id}: ${messageOf(error)}` });
  } finally {
    // One that could not be healed stays in force, and counts against the limit.
    if (await active.heal(deadline(lastHealMs + undoMs(step)))) inForce.delete(step.id);
    if (active.state !== "idle") await afterHeal(step, request);
  }
}

/**
 * Tells the ledger and waits for the planned instant. Resolves to the reason why the fault must not be injected, where there is one; else
 * the fault counts as in force.
 */
async function untilDue(
  active: ActiveFault,
  step: Step,
  { plan, clock, signal }: ScheduleRequest,
  inForce: InForce,
): Promise<string | undefined> {
  try {
    await active.announce();
  } catch (error) {
    return `the ledger could not be told of it: ${messageOf(error)}`;
  }
  await sleepPrecisely(step.startMs, signal, clock);
  // The plan keeps to its own limit; this is for a fault that is in force for longer than planned, because healing it takes its time.
  const most = (): number =>
    [step, ...inForce.values()].some(isDrill) ? 1 : (plan.atMostAtOnce ?? Infinity);
  while (inForce.size >= most() && clock.nowMs() - step.startMs <= latestMs)
    await sleep(roomEveryMs, signal, clock);
  if (inForce.size >= most())
    return `${[...inForce.keys()].join(", ")} still in force, and at most ${most()} at once may be`;
  const lateMs = clock.nowMs() - step.startMs;
  // The harness was stopped or the machine slept: a fault that comes now would hit a stretch that was planned to be calm.
  if (lateMs > latestMs) return `its time had passed ${Math.round(lateMs)} ms ago`;
  // In the same turn as the look above: two faults of one instant must not both find room.
  inForce.set(step.id, step);
  return undefined;
}

function isDrill(step: Step): boolean {
  return "demands" in step;
}

/** What the plan gives to undoing a drill, which takes commands of the stack's, beyond what healing a fault takes. */
function undoMs(step: Step): number {
  return isDrill(step) ? step.settleUntilMs - step.healMs : 0;
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
