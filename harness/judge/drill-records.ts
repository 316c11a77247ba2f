// What the journal and the load say about each drill: when it was carried out, seen and undone, and what became of requests meanwhile.
import type { Evidence } from "../journal/evidence.ts";
import type { DrillStep, Plan } from "../plan/plan.ts";
import type { Facts } from "./checker.ts";
import { timelineOf } from "./instants.ts";
import { segmentAt, type LoadIndex } from "./load-index.ts";
import { cutBy, type MissingStretch } from "./missing-evidence.ts";
import type { DrillRecord } from "./verdict.ts";

/** A process that was ended is seen to be gone a second later. */
const aftermathMs = 2_000;

export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

export function drillRecords(plan: Plan, evidence: Evidence, load: LoadIndex): DrillRecord[] {
  return (plan.drills ?? []).map((step) => recordOf(step, plan, evidence, load));
}

function recordOf(step: DrillStep, plan: Plan, evidence: Evidence, load: LoadIndex): DrillRecord {
  const { id, fault: drill, startMs: plannedMs } = step;
  const timeline = timelineOf(step, evidence);
  const { beganMs, injected: done, confirmed, saw, healingMs: undoingMs, healed: undone } = timeline;
  const states = evidence.eventsOf("fault").filter((event) => event.id === id);
  const looks = evidence.eventsOf("fault-confirmed").filter((event) => event.id === id);
  return {
    id,
    drill,
    plannedMs,
    beganMs,
    done,
    confirmed,
    saw,
    disproved: confirmed === "no" && looks.some(({ confirmation }) => confirmation.disproved === true),
    undoingMs,
    undone,
    undoneBy: states.findLast(({ state }) => state === "healed")?.by ?? null,
    error: states.findLast(({ error }) => error !== undefined)?.error ?? null,
    ...requestsIn(plan, evidence, load, requestTime({ beganMs, undone }, step, plan)),
  };
}

type Requests = Pick<DrillRecord, "failedRequests" | "requests" | "unknownRequests">;

/** From one time-out before it, for requests in flight may fail by it. Null where it never began. */
function requestTime(
  { beganMs, undone }: Pick<DrillRecord, "beganMs" | "undone">,
  { settleUntilMs }: DrillStep,
  { load }: Plan,
): Stretch | null {
  if (beganMs === null) return null;
  return { fromMs: Math.max(0, beganMs - load.timeoutMs), toMs: undone?.atMs ?? settleUntilMs };
}

function requestsIn(plan: Plan, evidence: Evidence, load: LoadIndex, time: Stretch | null): Requests {
  if (time === null) return { failedRequests: 0, requests: 0, unknownRequests: 0 };
  const from = Math.floor(time.fromMs / 1_000);
  const to = Math.ceil(time.toMs / 1_000);
  let failedRequests = 0;
  let requests = 0;
  let planned = 0;
  for (const { outcome, essential, count } of evidence.cells(from * 1_000, to * 1_000)) {
    requests += count;
    if (outcome === "failed" || (outcome === "shed" && essential)) failedRequests += count;
  }
  for (const second of load.seconds.slice(from, to)) {
    planned += second.planned;
    failedRequests += second.stackDropped;
    requests += second.stackDropped;
  }
  // What the evidence does not reach was planned all the same, at the rate of then.
  planned += Math.max(0, to - load.seconds.length) * (segmentAt(plan, to - 1)?.rps ?? 0);
  return { failedRequests, requests, unknownRequests: Math.max(0, planned - requests) };
}

/** Its time, in which processes may be replaced because of it; Infinity where it was not seen to be undone. */
export function drillTime({ beganMs, undone }: DrillRecord): Stretch | null {
  if (beganMs === null) return null;
  return { fromMs: beganMs, toMs: undone === null ? Infinity : undone.atMs + aftermathMs };
}

/** The drill during which something happened. */
export function drillAt({ drills }: Pick<Facts, "drills">, atMs: number): DrillRecord | undefined {
  return drills.find((record) => {
    const time = drillTime(record);
    return time !== null && atMs >= time.fromMs && atMs <= time.toMs;
  });
}

/** The gap of the harness in which it was under way. */
export function drillCutBy(
  { done, undone, confirmed, plannedMs }: DrillRecord,
  missing: readonly MissingStretch[],
): MissingStretch | undefined {
  return cutBy({ injected: done, healed: undone, confirmed, plannedMs }, missing);
}
