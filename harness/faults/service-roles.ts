// Who looks after a service, and what a fault on it may therefore lead to. All from the stack's description: when a plan is made nothing runs.
import { serversStartedBy, type StackSpec } from "../scenario/stack-spec.ts";
import { calm } from "./expectations.ts";
import type { Expectation } from "./fault.ts";

/**
 * supervised: the stack's watchdog has to look after it. watchdog: that watchdog itself. dependency: a server that this watchdog was told how to
 * start ({start:…}), so that it has to when the server died. tended: some other service of the stack starts it. alone: nothing that the
 * description names would bring it back.
 */
export type Role = "supervised" | "watchdog" | "dependency" | "tended" | "alone";

export function roleOf(service: string, { watchdog, services }: StackSpec): Role {
  if (watchdog?.supervises === service) return "supervised";
  if (watchdog?.service === service) return "watchdog";
  const starters = services.flatMap((spec) =>
    spec.kind === "program" && serversStartedBy(spec).includes(service) ? [spec.name] : [],
  );
  if (watchdog !== undefined && starters.includes(watchdog.service)) return "dependency";
  const spec = services.find(({ name }) => name === service);
  const tended = starters.length > 0 || (spec?.kind === "program" && spec.startedBy !== undefined);
  return tended ? "tended" : "alone";
}

/** Something in the stack starts it again when it has ended. */
export function isBroughtBack(role: Role): boolean {
  return role === "supervised" || role === "dependency" || role === "tended";
}

/** `ms` where an essential link leads to the service, else nothing: what users lose while it does not answer. */
export function outageMs(service: string, { links }: StackSpec, ms: number): number {
  return links.some(({ to, essential }) => to === service && essential === true) ? ms : 0;
}

/** A start of a supervised program, the watchdog's notice included: the reference gateway took up to 2.5 s on a busy machine. */
export const programBackMs = 3_000;
/** A server has its own crash recovery to do, and perhaps nobody stands by. */
export const serverBackMs = 10_000;

/** Nobody is obliged to act, and whatever is done about it is right. */
export const anyAnswer: Expectation = {
  recovery: { atLeast: "none", atMost: "hard" },
  service: null,
  actWithinMs: null,
  restarts: true,
  unavailableMs: 0,
};

/** The watchdog's own process is hit: users must not notice, and what it looks after must be left in peace, also when it is back. */
export const watchdogItself: Expectation = { ...calm, restarts: true, revivedByDriver: true };

/** A service's process is gone. */
export function afterDeath(service: string, stack: StackSpec): Expectation {
  const role = roleOf(service, stack);
  if (role === "watchdog") return watchdogItself;
  const unavailableMs = outageMs(service, stack, serverBackMs);
  if (role !== "supervised" && role !== "dependency") return { ...anyAnswer, unavailableMs };
  return {
    recovery: { atLeast: "hard", atMost: "hard" },
    service,
    actWithinMs: stack.watchdog?.processGoneMs ?? null,
    restarts: true,
    unavailableMs: role === "supervised" ? programBackMs : unavailableMs,
  };
}
