// Who brings back what a fault has broken. The stack itself, that is what is tested; it gets the recovery objective for it. Where that has
// passed, Kiln does it, so that the run goes on (`rescued`: the judge sees a censored recovery). What nothing in the stack was expected to
// bring back, the stack's driver starts again as an init would (`revived`), once the harm is over.
import { readFile } from "node:fs/promises";
import type { JournalWriter } from "../journal/events.ts";
import type { FaultStep, Plan } from "../plan/plan.ts";
import { defaultRecoveryMs } from "../plan/recovery-limit.ts";
import { isValidState } from "../probes/config-probe.ts";
import type { LiveStack, StackHandle } from "../stack/stack.ts";
import { deadline, eventually, sleep, type Clock } from "../support/clock.ts";
import { hasErrno, messageOf } from "../support/errors.ts";

/** Three periods of the configuration probe. */
const watchMendedMs = 1_500;
const lookEveryMs = 200;

export interface MendRequest {
  readonly plan: Pick<Plan, "objectives">;
  readonly stack: Pick<LiveStack, "handle" | "restart">;
  readonly journal: Pick<JournalWriter, "write">;
  /** Counts in plan time. */
  readonly clock: Clock;
  /** Aborts when the run is interrupted or stopped. */
  readonly signal: AbortSignal;
}

/**
 * Waits until the stack itself has mended what a fault broke, for the recovery objective from `fromMs` on; then rescues it. Rejects when the
 * run ends.
 */
export async function awaitMended(step: FaultStep, fromMs: number, request: MendRequest): Promise<void> {
  const { plan, stack, journal, signal, clock } = request;
  const [kind, name = ""] = step.target.split(":");
  const mended =
    kind === "config" ? () => isWhole(stack.handle.configFile(name)) : () => isReady(stack.handle, name);
  const limitMs = plan.objectives.recoveryMs ?? defaultRecoveryMs;
  const budget = deadline(Math.max(1, fromMs + limitMs - clock.nowMs()), signal);
  try {
    await eventually(mended, budget, lookEveryMs);
    // Left alone a moment longer, so that the probes see it mended before Kiln's own heal could have done it.
    await sleep(watchMendedMs, signal);
  } catch (error) {
    // Not mended in time. Which it was, the deadline or the end of the run, the signals know; anything else is no answer.
    signal.throwIfAborted();
    if (!budget.aborted) throw error;
    if (step.expect.revivedByDriver === true) return;
    journal.write({ type: "rescued", service: name, fault: step.id });
    // A corrupt file is put right by heal, which follows at once.
    if (kind === "service") await stack.restart(name);
  }
}

/**
 * Once the harm is over: starts again what only the driver brings back. Where the stack has to bring its service back itself, a held fault
 * gives it its time only now, and it is rescued like any other if that was not enough. A run that ends takes all down anyway.
 */
export async function afterHeal(step: FaultStep, request: MendRequest): Promise<void> {
  const { signal, journal, clock } = request;
  const [kind, name = ""] = step.target.split(":");
  if (kind !== "service" || signal.aborted) return;
  try {
    if (step.expect.revivedByDriver === true) await revive(step, name, request);
    else if (step.kind === "held" && step.expect.restarts) await awaitMended(step, clock.nowMs(), request);
  } catch (error) {
    if (signal.aborted) return;
    const text = `${step.id}: ${name} could not be started again: ${messageOf(error)}`;
    journal.write({ type: "note", level: "error", text });
  }
}

async function revive(step: FaultStep, service: string, { stack, journal }: MendRequest): Promise<void> {
  if (stack.handle.process(service).find() !== undefined) return;
  await stack.restart(service);
  // Only now: the judge takes the time from heal to this line for the driver's.
  journal.write({ type: "revived", service, fault: step.id });
}

async function isWhole(file: string): Promise<true | undefined> {
  try {
    return isValidState(await readFile(file, "utf8")) ? true : undefined;
  } catch (error) {
    if (hasErrno(error, "ENOENT", "EACCES", "ELOOP")) return undefined;
    throw error;
  }
}

/** Does its work: a program says that it is ready; a server, which listens while it still recovers, carries something out. */
async function isReady(stack: StackHandle, service: string): Promise<true | undefined> {
  const spec = stack.spec.services.find((candidate) => candidate.name === service);
  const limit = deadline(1_000);
  try {
    if (spec?.kind === "postgres") await stack.sql(service, "SELECT 1", [], limit);
    else if (spec?.kind === "redis") await stack.exchange(service, limit);
    else if (spec?.kind === "program") {
      const { status } = await stack.http(service, spec.readyPath, { signal: limit });
      return status >= 200 && status < 300 ? true : undefined;
    }
    return true;
  } catch {
    // Refused, reset or too slow: not ready yet. The caller's deadline decides what that means.
    return undefined;
  }
}
