// Is the watchdog's own log true to what was seen from outside, and are its backoffs and its giving up as they should be?
import type { EventOf } from "../journal/events.ts";
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import type { WatchdogSpec } from "../scenario/stack-spec.ts";
import type { Facts } from "./checker.ts";
import { finding, measure, seconds } from "./finding.ts";
import { rankOf, startedByKiln, startOf, targetOf } from "./instants.ts";
import { excuses, harnessGaps, missingWithin } from "./missing-evidence.ts";
import { goodWindowsFor } from "./recovery-time.ts";
import { spanAt } from "./spans.ts";
import type { Finding } from "./verdict.ts";

/** A restart stops the old process (drains it, 6 s in production) and starts a new one; the probe sees it within a second. */
const restartTakesMs = 30_000;
/** The kernel's start time and the log's wall time agree to about 20 ms; the rest is room for the log line that follows the act. */
const clockSlackMs = 1_000;

export interface WatchTime {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Load and settle: bring-up and teardown start and end processes of their own. */
export function watchTime(evidence: Evidence): WatchTime {
  const teardown = evidence
    .eventsOf("phase")
    .find(({ phase, state }) => phase === "teardown" && state === "begin");
  return { fromMs: 0, toMs: Math.min(evidence.endMs, teardown?.atMs ?? Infinity) };
}

export function linesIn(evidence: Evidence, { fromMs, toMs }: WatchTime): EventOf<"watchdog">[] {
  return evidence.eventsOf("watchdog").filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
}

function isHardAction(event: EventOf<"watchdog">): boolean {
  return event.line.event === "action" && rankOf(event.line.level ?? "soft") >= rankOf("hard");
}

/** Every restart seen from outside has an action in the log, and every restart in the log was seen from outside. */
export function truth(plan: Plan, spec: WatchdogSpec, evidence: Evidence, facts: Facts): Finding[] {
  // Nobody looked at processes then, and whoever resumed the run may have started some.
  const unseen = harnessGaps(facts.missing);
  const time = watchTime(evidence);
  const seen = evidence.eventsOf("process").filter(({ service }) => service === spec.supervises);
  const born = seen.filter(({ change }) => change === "appeared");
  const told = linesIn(evidence, { ...time, fromMs: -Infinity }).filter(
    (event) => isHardAction(event) && targetOf(plan, event) === spec.supervises,
  );
  // A log without a single line, or a process that nobody ever looked at, is missing evidence: it contradicts nothing.
  const silent = evidence.eventsOf("watchdog").length === 0;
  const unwatched = seen.length === 0;
  const found: Finding[] = [];
  for (const [index, birth] of born.entries()) {
    const atMs = startOf(birth);
    const sinceMs = index === 0 ? -Infinity : startOf(born[index - 1] ?? birth);
    const inTime = index > 0 && atMs >= time.fromMs && atMs <= time.toMs;
    const explained =
      told.some((event) => event.atMs > sinceMs - clockSlackMs && event.atMs <= atMs + clockSlackMs) ||
      saysOfSlot(birth, evidence) ||
      startedByKiln(evidence, spec.supervises, atMs, sinceMs, clockSlackMs);
    if (inTime && !explained && !silent && missingWithin(unseen, atMs) === undefined) {
      const title = `${spec.supervises} was restarted at ${seconds(atMs)}, but the watchdog's log knows of no action.`;
      found.push(
        finding({
          id: `watchdog/untold-${birth.seq}`,
          about: "stack",
          status: "fail",
          title,
          events: [birth.seq],
          fromMs: atMs,
          toMs: atMs,
        }),
      );
    }
  }
  for (const action of told.filter(({ atMs }) => atMs >= time.fromMs && atMs + restartTakesMs <= time.toMs)) {
    const happened = born.some(
      (birth) =>
        startOf(birth) >= action.atMs - clockSlackMs && startOf(birth) <= action.atMs + restartTakesMs,
    );
    if (happened || unwatched || saidThatItFailed(action, told, evidence)) continue;
    if (missingWithin(unseen, action.atMs, action.atMs + restartTakesMs) !== undefined) continue;
    const title = `The watchdog's log claims a ${action.line.level ?? "hard"} recovery of ${spec.supervises} at ${seconds(action.atMs)}, but no new process was seen.`;
    found.push(
      finding({
        id: `watchdog/unseen-${action.seq}`,
        about: "stack",
        status: "fail",
        title,
        events: [action.seq],
        fromMs: action.atMs,
        toMs: action.atMs,
      }),
    );
  }
  return found;
}

/** A process that the watchdog started in a slot because it was told to: its log names it. */
function saysOfSlot({ identity }: EventOf<"process">, evidence: Evidence): boolean {
  return evidence.eventsOf("watchdog").some(({ line }) => line.event === "slot" && line.pid === identity.pid);
}

function saidThatItFailed(
  action: EventOf<"watchdog">,
  told: readonly EventOf<"watchdog">[],
  evidence: Evidence,
): boolean {
  const nextMs = told.find(({ atMs }) => atMs > action.atMs)?.atMs ?? Infinity;
  return evidence
    .eventsOf("watchdog")
    .some(({ atMs, line }) => line.event === "action-failed" && atMs >= action.atMs && atMs <= nextMs);
}

/** Backoff of hard actions on one target: never over the cap, never shrinking before health was sustained. */
export function backoff(plan: Plan, spec: WatchdogSpec, evidence: Evidence, facts: Facts): Finding[] {
  const lines = linesIn(evidence, watchTime(evidence));
  const hard = lines.filter((event) => isHardAction(event) && event.line.backoffMs !== undefined);
  const found: Finding[] = [];
  for (const [index, action] of hard.entries()) {
    const backoffMs = action.line.backoffMs ?? 0;
    const base = {
      about: "stack" as const,
      status: "fail" as const,
      events: [action.seq],
      fromMs: action.atMs,
      toMs: action.atMs,
    };
    if (backoffMs > spec.backoffCapMs) {
      const title = `The watchdog waited ${seconds(backoffMs)} before a hard recovery; its cap is ${seconds(spec.backoffCapMs)}.`;
      found.push(
        finding({
          ...base,
          id: `watchdog/backoff-cap-${action.seq}`,
          title,
          measures: [measure("backoff", backoffMs, "ms", spec.backoffCapMs)],
        }),
      );
    }
    const before = hard.slice(0, index).findLast((other) => targetOf(plan, other) === targetOf(plan, action));
    if (before === undefined || backoffMs >= (before.line.backoffMs ?? 0)) continue;
    const saidWell = lines.some(
      (other) =>
        other.line.event === "recovered" &&
        targetOf(plan, other) === targetOf(plan, action) &&
        other.atMs > before.atMs &&
        other.atMs <= action.atMs,
    );
    if (saidWell && wasWell(plan, facts, before.atMs, action.atMs)) continue;
    // Whether users were well in between was not seen.
    if (saidWell && missingWithin(excuses(facts), before.atMs, action.atMs) !== undefined) continue;
    const title = `The watchdog's backoff shrank from ${seconds(before.line.backoffMs ?? 0)} to ${seconds(backoffMs)} although health had not been sustained in between.`;
    found.push(
      finding({
        ...base,
        id: `watchdog/backoff-shrank-${action.seq}`,
        title,
        events: [before.seq, action.seq],
      }),
    );
  }
  return found;
}

/** Users' seconds bear out that there was health to speak of: as many good ones in a row as a recovery needs. */
function wasWell(plan: Plan, facts: Facts, fromMs: number, toMs: number): boolean {
  const span = spanAt(facts.spans, fromMs);
  const step = plan.faults.find(({ id }) => id === span?.fault);
  const needed = goodWindowsFor(step === undefined ? Infinity : step.settleUntilMs - step.healMs);
  let run = 0;
  for (const { state } of facts.load.seconds.slice(
    Math.max(0, Math.floor(fromMs / 1_000)),
    Math.ceil(toMs / 1_000),
  )) {
    run = state === "good" ? run + 1 : 0;
    if (run >= needed) return true;
  }
  return false;
}

/** Giving up is said once; saying it again without a recovery in between is a storm. */
export function givingUp(evidence: Evidence, facts: Facts): Finding[] {
  const lines = linesIn(evidence, watchTime(evidence)).filter(({ line }) =>
    ["gave-up", "recovered", "started", "adopted"].includes(line.event),
  );
  return lines.flatMap((event, index) => {
    // On one target it may have given up while another one is well.
    const before = lines.slice(0, index).findLast(({ line }) => line.target === event.line.target);
    if (event.line.event !== "gave-up" || before?.line.event !== "gave-up") return [];
    if (missingWithin(excuses(facts), event.atMs) !== undefined) return [];
    const title = `The watchdog gave up again at ${seconds(event.atMs)} without a recovery in between.`;
    return [
      finding({
        id: `watchdog/gave-up-again-${event.seq}`,
        about: "stack",
        status: "fail",
        title,
        events: [event.seq],
        fromMs: event.atMs,
        toMs: event.atMs,
      }),
    ];
  });
}
