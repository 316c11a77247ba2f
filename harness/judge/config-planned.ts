// Held faults that write a valid but wrong configuration state. Nothing in it tells that it is wrong, so a stack may put it in force while
// the fault is in: exactly that state, and no longer than until the fault is healed and has settled. A drill that updates a configuration
// plans a state in the same way, until it is rolled back.
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import type { Facts } from "./checker.ts";
import type { Serve } from "./config-serves.ts";
import { finding, measure, seconds } from "./finding.ts";
import type { FaultRecord, Finding } from "./verdict.ts";

/** The state that a fault wrote or a drill put in force, and the time in which serving it is planned. */
export interface PlannedState {
  readonly fault: string;
  /** Null of a drill that was never looked at: its own finding is no pass then, and nothing is held against the stack here. */
  readonly valuesHash: string | null;
  readonly fromMs: number;
  /** Infinity for a fault that was never healed: what is served then is Kiln's doing. */
  readonly toMs: number;
}

export function plannedStates(
  evidence: Evidence,
  facts: Facts,
  records: readonly FaultRecord[],
): PlannedState[] {
  const looks = evidence.eventsOf("fault-confirmed");
  return records.flatMap(({ id, healed }) => {
    const span = facts.spans.find(({ fault }) => fault === id);
    const valuesHash = looks.flatMap((look) =>
      look.id === id && look.confirmation.plannedValuesHash !== undefined
        ? [look.confirmation.plannedValuesHash]
        : [],
    )[0];
    if (span === undefined || valuesHash === undefined) return [];
    return [{ fault: id, valuesHash, fromMs: span.fromMs, toMs: healed === null ? Infinity : span.toMs }];
  });
}

/** A roll-back is seen in force before a drill counts as undone; the probe's answer may be two of its periods old. */
export const rollBackSlackMs = 2_000;

/** What the drills on a configuration file had planned to be served. */
export function drillStates(plan: Plan, evidence: Evidence, facts: Facts, file: string): PlannedState[] {
  const looks = evidence.eventsOf("fault-confirmed");
  return facts.drills.flatMap(({ id, drill, beganMs, undone }): PlannedState[] => {
    if (!updates(plan, drill, file) || beganMs === null) return [];
    const valuesHash = looks.find((look) => look.id === id)?.confirmation.plannedValuesHash ?? null;
    const toMs = undone === null ? Infinity : undone.atMs + rollBackSlackMs;
    return [{ fault: id, valuesHash, fromMs: beganMs, toMs }];
  });
}

export function updates({ stack }: Plan, drill: string, file: string): boolean {
  return drill === "config-update" && stack.operations?.["config-update"]?.file === file;
}

/** What was served of a planned state: in its time ("planned"), beyond it ("late"), or not at all (undefined). */
export function plannedUse(
  { served, atMs, lastSeenMs }: Serve,
  states: readonly PlannedState[],
): { readonly use: "planned" | "late"; readonly state: PlannedState } | undefined {
  const begun = states.filter(
    ({ valuesHash, fromMs }) =>
      (valuesHash === served.valuesHash || valuesHash === null) && atMs >= fromMs && served.checksumMatches,
  );
  const inTime = begun.find(({ toMs }) => lastSeenMs <= toMs);
  if (inTime !== undefined) return { use: "planned", state: inTime };
  const last = begun.at(-1);
  return last === undefined ? undefined : { use: "late", state: last };
}

/** How the service came through a held fault on its configuration. */
export function judgeHeld(
  record: FaultRecord,
  file: string,
  serves: readonly Serve[],
  state: PlannedState | undefined,
): Finding {
  const { id, healed } = record;
  const base = { id: `config-integrity/${id}`, fault: id, fromMs: record.plannedMs };
  const unknown = (why: string): Finding =>
    finding({
      ...base,
      about: "harness",
      status: "inconclusive",
      title: `${id}: whether ${file} is right again cannot be told: ${why}.`,
    });
  if (record.confirmed !== "yes") return unknown("the fault was not confirmed");
  if (state === undefined) return unknown("what the fault wrote is not in the evidence");
  if (healed === null) return unknown("the fault was not healed");
  const uses = serves.filter((serve) => plannedUse(serve, [state]) !== undefined);
  const events = uses.map(({ seq }) => seq);
  const late = uses.find((serve) => plannedUse(serve, [state])?.use === "late");
  if (late !== undefined) {
    const overMs = late.lastSeenMs - healed.atMs;
    const title = `${id}: the service still served what the fault had written into ${file} ${seconds(overMs)} after it was healed.`;
    return finding({ ...base, about: "stack", status: "fail", title, events });
  }
  const last = uses.at(-1);
  if (last === undefined) {
    const title = `${id}: the stack never put in force what the fault wrote into ${file}.`;
    return finding({ ...base, about: "stack", status: "pass", title });
  }
  if (!serves.some(({ seq, lastSeenMs }) => seq > last.seq && lastSeenMs > healed.atMs))
    return unknown("the service answered nothing else after heal");
  const inForceMs = uses.reduce((sum, { atMs, lastSeenMs }) => sum + lastSeenMs - atMs, 0);
  const title = `${id}: what the fault wrote into ${file} was in force for about ${seconds(inForceMs)} and is no longer.`;
  return finding({
    ...base,
    about: "stack",
    status: "pass",
    title,
    events,
    measures: [measure("in force", inForceMs, "ms")],
  });
}
