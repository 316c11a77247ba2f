// Faults that overlap on purpose (a pattern, more than one fault at once): the plan gives them one group. What is harm of one and recovery
// from another cannot be told apart, so recovery is judged once, at the fault whose harm ends last, and the watchdog may go as far as the
// hardest of them allows.
import type { RecoveryLevel } from "../faults/fault.ts";
import type { FaultStep, Plan } from "../plan/plan.ts";
import { rankOf, type FaultTimeline } from "./instants.ts";
import { liftedByHeal, recoveryOf, type RecoveryFacts, type RecoveryInput } from "./recovery-time.ts";

export function sameGroup(a: FaultStep, b: FaultStep): boolean {
  return a.group !== undefined && a.group === b.group;
}

/** When the harm was over: healed where only Kiln lifts it, else when it may have cost what the plan allows it. */
function overAtMs({ step, healed, beganMs }: FaultTimeline): number {
  if (step.kind === "held") return healed?.atMs ?? step.healMs;
  return (beganMs ?? step.startMs) + step.expect.unavailableMs;
}

/** Recovery of a fault, alone or in its group. */
export function recoveryInGroup(input: RecoveryInput, ran: readonly FaultTimeline[]): RecoveryFacts {
  const { timeline } = input;
  const mates = ran.filter((other) => other !== timeline && sameGroup(other.step, timeline.step));
  if (mates.length === 0 || timeline.beganMs === null) return recoveryOf(input);
  const last = mates.reduce((a, b) => (overAtMs(b) > overAtMs(a) ? b : a), timeline);
  // A rescue is this fault's own: nothing that came later in the group mended it.
  if (last !== timeline && timeline.rescuedMs === null) return withOthers(input, last);
  const lifted = mates.filter(({ step }) => liftedByHeal(step)).map(overAtMs);
  const own = recoveryOf({ ...input, notBeforeMs: Math.max(...lifted, -Infinity) });
  const names = mates.map(({ step }) => step.id).join(", ");
  return { ...own, note: `${own.note}; judged for its whole group, with ${names}` };
}

function withOthers(input: RecoveryInput, last: FaultTimeline): RecoveryFacts {
  // Who mended a file is told by the file itself; failed requests belong to the group.
  if (input.config !== null) return recoveryOf({ ...input, load: { ...input.load, seconds: [] } });
  return {
    recovered: null,
    recoveryMs: null,
    recovery: "grouped",
    note: `it overlaps others on purpose: recovery is judged with ${last.step.id}, the last of its group to end`,
    episodes: 0,
    firstFailure: null,
  };
}

/** The hardest reaction that is right while this fault and the others of its group are there. */
export function hardestAllowed(plan: Plan, step: FaultStep): RecoveryLevel {
  const all = [step, ...plan.faults.filter((other) => sameGroup(other, step))];
  return all.map(({ expect }) => expect.recovery.atMost).reduce((a, b) => (rankOf(b) > rankOf(a) ? b : a));
}
