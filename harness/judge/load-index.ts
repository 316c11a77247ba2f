// The load second by second, put together once: what was planned, what went right, what failed, and whose fault a missing start is.
// Everything that judges users' experience reads this. Limits: one record a second (172,800 for 48 h), no latencies (they are read
// from the cells where needed).
import type { Evidence, LoadCell, LoadSecond } from "../journal/evidence.ts";
import type { LoadSegment, Plan } from "../plan/plan.ts";
import { LatencySketch } from "../support/latency-sketch.ts";

/** Start lateness p99 above this makes a second useless for latency: the generator was in trouble, not the stack (DESIGN "Load"). */
export const latenessLimitMs = 5;

export interface SecondFacts {
  readonly second: number;
  readonly rps: number;
  readonly kind: LoadSegment["kind"];
  /** Starts that the plan puts into this second. */
  readonly planned: number;
  /** Essential requests that got a right answer (ok, or degraded and saying so). */
  readonly ok: number;
  /** Essential requests that failed, shed ones included: an essential route must not be shed. */
  readonly failed: number;
  readonly shed: number;
  readonly limited: number;
  /** All requests with an outcome, essential or not. */
  readonly completed: number;
  /** Starts dropped while the users waited on the target: failures of the stack. */
  readonly stackDropped: number;
  /** Starts dropped for any other reason: the harness's fault. */
  readonly harnessDropped: number;
  /** bad: an essential request failed. good: load flowed and none failed. unknown: too little evidence for either. */
  readonly state: "good" | "bad" | "unknown";
  /** Kiln itself was not there or did not carry the traffic (missing-evidence.ts): what failed is not the stack's, the state is unknown. */
  readonly missing?: true;
  readonly firstFailureMs: number | null;
  readonly lastFailureMs: number | null;
  readonly okAfterFailureMs: number | null;
  /** p99 of start lateness, milliseconds; null where nothing started or nothing was recorded. */
  readonly latenessP99Ms: number | null;
}

export interface LoadIndex {
  /** Index is the plan second. Covers [0, endMs). */
  readonly seconds: readonly SecondFacts[];
  /** Plan time up to which the load's outcome is known. */
  readonly endMs: number;
}

interface Tally {
  ok: number;
  failed: number;
  shed: number;
  limited: number;
  completed: number;
  /** Sum of the latencies of all requests, milliseconds. */
  busyMs: number;
}

/** Plan time up to which every started request has had its time to end. */
function coverEndMs(plan: Plan, evidence: Evidence): number {
  if (!evidence.loadStarted) return 0;
  if (evidence.ended?.outcome === "completed") return Math.min(plan.durationMs, Math.max(0, evidence.endMs));
  const settledMs = evidence.endMs - plan.load.timeoutMs - 1_000;
  return Math.max(0, Math.min(plan.durationMs, Math.floor(settledMs / 1_000) * 1_000));
}

/** Starts of the plan's grid that fall in [fromMs, toMs). */
function plannedStarts(segments: readonly LoadSegment[], fromMs: number, toMs: number): number {
  let sum = 0;
  for (const { startMs, endMs, rps } of segments) {
    const from = Math.max(fromMs, startMs);
    const to = Math.min(toMs, endMs);
    // The k-th start lies at startMs + k * 1000 / rps; the tiny term keeps exact grid points on the right side of a boundary.
    const before = (ms: number): number => Math.ceil(((ms - startMs) * rps) / 1_000 - 1e-6);
    if (to > from) sum += before(to) - before(from);
  }
  return sum;
}

export function indexLoad(plan: Plan, evidence: Evidence): LoadIndex {
  const endMs = coverEndMs(plan, evidence);
  const length = Math.ceil(endMs / 1_000);
  const tallies = tally(plan, evidence, length);
  const recorded = new Map<number, LoadSecond>();
  for (const row of evidence.seconds()) {
    const second = planSecondOf(plan, row.second);
    const before = recorded.get(second);
    recorded.set(second, before === undefined ? row : joined(before, row));
  }
  const fewUsers = segmentsShortOfUsers(plan, evidence);
  const seconds: SecondFacts[] = [];
  for (let second = 0; second < length; second++) {
    const segment = segmentAt(plan, second);
    const own = recorded.get(second);
    const dropped = own?.dropped ?? 0;
    const waiting =
      dropped > 0 &&
      segment !== undefined &&
      !fewUsers.has(segment.index) &&
      usersWaited(plan, segment, tallies, second);
    seconds.push(
      secondFacts({ second, plan, segment, tally: tallies[second] ?? emptyTally(), own, dropped, waiting }),
    );
  }
  return { seconds, endMs };
}

/**
 * The second of the plan that a recorded one belongs to. The last planned starts may come late by milliseconds, in a second that the plan does
 * not have any more: they are its last second's.
 */
export function planSecondOf(plan: Plan, second: number): number {
  return Math.min(second, Math.ceil(plan.durationMs / 1_000) - 1);
}

/** What was recorded of a second and, after it, of its late starts. */
function joined(own: LoadSecond, late: LoadSecond): LoadSecond {
  const lateness = new LatencySketch();
  lateness.merge(own.lateness);
  lateness.merge(late.lateness);
  return {
    ...own,
    started: own.started + late.started,
    dropped: own.dropped + late.dropped,
    lateness,
    firstFailureMs: own.firstFailureMs ?? late.firstFailureMs,
    lastFailureMs: late.lastFailureMs ?? own.lastFailureMs,
    okAfterFailureMs: late.lastFailureMs === null ? own.okAfterFailureMs : late.okAfterFailureMs,
  };
}

function emptyTally(): Tally {
  return { ok: 0, failed: 0, shed: 0, limited: 0, completed: 0, busyMs: 0 };
}

function tally(plan: Plan, evidence: Evidence, length: number): Tally[] {
  const tallies = Array.from({ length }, emptyTally);
  for (const cell of evidence.cells()) {
    const into = tallies[planSecondOf(plan, cell.second)];
    if (into === undefined) continue;
    into.completed += cell.count;
    if (cell.latency.count > 0) into.busyMs += cell.latency.meanMs * cell.count;
    if (cell.outcome === "shed") into.shed += cell.count;
    if (cell.outcome === "limited") into.limited += cell.count;
    if (isRight(cell)) into.ok += cell.count;
    if (isFailure(cell)) into.failed += cell.count;
  }
  return tallies;
}

/** An essential request that got what it asked for; a degraded answer says so and is right by the degradation contract. */
export function isRight(cell: LoadCell): boolean {
  return cell.essential && (cell.outcome === "ok" || cell.outcome === "degraded");
}

/** A failed essential request. Shedding is a right of low-priority routes only; a 429 that a limit intends is no failure anywhere. */
function isFailure(cell: LoadCell): boolean {
  return cell.essential && (cell.outcome === "failed" || cell.outcome === "shed");
}

export function segmentAt(plan: Plan, second: number): LoadSegment | undefined {
  const ms = second * 1_000;
  return plan.load.segments.find((segment) => segment.endMs > ms && segment.startMs < ms + 1_000);
}

/** Segments that k6 ran, or was told to run, with fewer users than a hung target would keep busy: every drop there is the harness's. */
function segmentsShortOfUsers(plan: Plan, evidence: Evidence): ReadonlySet<number> {
  const short = new Set(
    plan.load.segments.filter(({ users, usersNeeded }) => users < usersNeeded).map(({ index }) => index),
  );
  for (const { index, users, usersNeeded } of evidence.eventsOf("segment-ended"))
    if (users < usersNeeded) short.add(index);
  return short;
}

/**
 * Were the users waiting on the target? By Little's law the mean number of requests in flight is the sum of their latencies over the
 * length of time, here the last request time-out. At least half of all users must have been in flight: with 1.25 x rate x time-out users
 * a target that hangs keeps four fifths of them busy, a healthy one a few per cent, so nothing lies near the middle.
 */
function usersWaited(plan: Plan, segment: LoadSegment, tallies: readonly Tally[], second: number): boolean {
  const length = Math.max(1, Math.ceil(plan.load.timeoutMs / 1_000));
  let busyMs = 0;
  for (let at = Math.max(0, second - length + 1); at <= second; at++) busyMs += tallies[at]?.busyMs ?? 0;
  return busyMs / (length * 1_000) >= segment.users / 2;
}

interface SecondInput {
  readonly second: number;
  readonly plan: Plan;
  readonly segment: LoadSegment | undefined;
  readonly tally: Tally;
  readonly own: LoadSecond | undefined;
  readonly dropped: number;
  readonly waiting: boolean;
}

function secondFacts({ second, plan, segment, tally, own, dropped, waiting }: SecondInput): SecondFacts {
  const planned = plannedStarts(plan.load.segments, second * 1_000, second * 1_000 + 1_000);
  const { ok, failed, shed, limited, completed } = tally;
  const stackDropped = waiting ? dropped : 0;
  const harnessDropped = dropped - stackDropped;
  const bad = failed > 0 || stackDropped > 0 || (own !== undefined && own.firstFailureMs !== null);
  // Half of the planned starts must have come to something: a second in which k6 stood still says nothing about the stack.
  const flowed = own !== undefined && ok > 0 && harnessDropped === 0 && completed * 2 >= planned;
  return {
    second,
    rps: segment?.rps ?? 0,
    kind: segment?.kind ?? "steady",
    planned,
    ok,
    failed,
    shed,
    limited,
    completed,
    stackDropped,
    harnessDropped,
    state: bad ? "bad" : flowed ? "good" : "unknown",
    firstFailureMs: own?.firstFailureMs ?? null,
    lastFailureMs: own?.lastFailureMs ?? null,
    okAfterFailureMs: own?.okAfterFailureMs ?? null,
    latenessP99Ms: own === undefined || own.lateness.count === 0 ? null : own.lateness.quantile(0.99),
  };
}
