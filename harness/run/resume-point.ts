// What a dead harness has left on the disk that the next one needs to go on: how far the load is known, which faults it touched, what its
// probes knew.
import type { SegmentAccounts } from "../journal/events.ts";
import { eventsIn } from "../journal/journal-reader.ts";
import { type LoadTotals, noLoad, openSampleReader } from "../journal/sample-store.ts";
import { bookedUntil } from "../load/remaining.ts";
import type { Plan } from "../plan/plan.ts";
import type { WorldSeen } from "../probes/probe.ts";
import { strangeLine } from "../probes/watchdog-probe.ts";
import { messageOf } from "../support/errors.ts";
import type { ProcessIdentity } from "../support/process-identity.ts";
import type { Axis } from "./axis.ts";
import { readLedger } from "./ledger.ts";
import type { RunState } from "./run-state.ts";

export interface ResumePoint {
  /** Counts every resuming of the run, this one included. */
  readonly attempt: number;
  readonly by: "reaper" | "user";
  readonly axis: Axis;
  /** Plan time zero on CLOCK_MONOTONIC; null where the load had not begun. */
  readonly planZeroMs: number | null;
  /** The last event of the journal, on its axis. */
  readonly lastAtMs: number;
  /** Plan time up to which the load is wholly known. */
  readonly knownToMs: number;
  readonly accounts: readonly SegmentAccounts[];
  readonly totals: LoadTotals;
  /** Faults that the ledger names: they were, or were about to be, in the world. */
  readonly touched: ReadonlySet<string>;
  /** Faults of which the journal says that they began or were left out. */
  readonly told: ReadonlySet<string>;
  readonly seen: WorldSeen;
}

export interface ResumeInput {
  readonly state: RunState;
  readonly plan: Plan;
  readonly axis: Axis;
  readonly by: ResumePoint["by"];
}

export function resumePointOf({ state, plan, axis, by }: ResumeInput): ResumePoint {
  const { events, runDir } = state;
  const zeroAtMs = eventsIn(events, "load-started").at(0)?.zeroAtMs;
  const accounts = eventsIn(events, "segment-ended").map(
    ({ seq: _seq, atMs: _atMs, type: _type, ...account }) => account,
  );
  const { totals, lastSecond } = loadOnDisk(runDir);
  const told = [...eventsIn(events, "fault"), ...eventsIn(events, "fault-skipped")].map(({ id }) => id);
  return {
    attempt: state.resumes,
    by,
    axis,
    planZeroMs: zeroAtMs === undefined ? null : axis.zeroMonotonicMs + zeroAtMs,
    lastAtMs: events.reduce((last, { atMs }) => Math.max(last, atMs), 0),
    knownToMs: Math.max(
      settledTo(lastSecond, plan.load.timeoutMs),
      Math.floor(bookedUntil(plan.load.segments, accounts) / 1_000) * 1_000,
    ),
    accounts,
    totals,
    touched: new Set(readLedger(runDir).flatMap((entry) => (entry.op === "fault" ? [entry.id] : []))),
    told: new Set(told),
    seen: seenBefore(state),
  };
}

/** k6 hands its rows over four times a second, and a commit follows once a second. */
const handedOverMs = 1_000;

/** A second is known when every request that started in it had its time to end and to be written down before the harness died. */
function settledTo(lastSecond: number | null, timeoutMs: number): number {
  if (lastSecond === null) return 0;
  const knownMs = (lastSecond + 1) * 1_000 - timeoutMs - handedOverMs;
  return Math.max(0, Math.floor(knownMs / 1_000) * 1_000);
}

function loadOnDisk(runDir: string): { totals: LoadTotals; lastSecond: number | null } {
  let samples;
  try {
    samples = openSampleReader(runDir);
  } catch (error) {
    // Killed before the first commit made it a database; whatever else is wrong with it shows when it is opened for writing.
    if (!/missing|no such table/.test(messageOf(error))) throw error;
    return { totals: noLoad, lastSecond: null };
  }
  try {
    return { totals: samples.totals(), lastSecond: samples.lastSecond() };
  } finally {
    samples.close();
  }
}

function seenBefore({ events }: RunState): WorldSeen {
  const processes = new Map<string, ProcessIdentity>();
  for (const { service, change, identity } of eventsIn(events, "process")) {
    if (change === "appeared") processes.set(service, identity);
    else processes.delete(service);
  }
  const strange = eventsIn(events, "note").filter(({ text }) => text.startsWith(strangeLine)).length;
  // Number 0 tells that there are none; it stands in no file.
  const journeys = eventsIn(events, "journey").filter(({ number }) => number > 0).length;
  return { processes, watchdogLines: eventsIn(events, "watchdog").length + strange, journeys };
}
