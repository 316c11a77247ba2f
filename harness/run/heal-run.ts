// Takes back every fault that a run's ledger calls open, from any process: the reaper after the harness died, `kiln heal`, and each start
// (for runs that nobody cleaned up). Needs only the run folder and the table of faults.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { FaultContext, FaultTable } from "../faults/fault.ts";
import { processHandle } from "../stack/process-handle.ts";
import { reapersOf } from "../stack/membership.ts";
import { readStackRecord } from "../stack/record.ts";
import type { StackHandle } from "../stack/stack.ts";
import { type Clock, deadline, systemClock } from "../support/clock.ts";
import { environmentError, hasErrno, messageOf } from "../support/errors.ts";
import type { Json } from "../support/json.ts";
import { isAlive } from "../support/process-identity.ts";
import { type Ledger, type OpenFault, isTornDown, openFaults, openLedger, readLedger } from "./ledger.ts";
import { type TakeDownReport, takeDown } from "./take-down.ts";

export type Healer = "harness" | "reaper" | "heal";

export interface HealOptions {
  readonly by: Healer;
  readonly faults: FaultTable;
  readonly clock?: Clock;
  /** For each fault; 4 s by default, so that healing and taking down together stay under 10 s. A drill has the time that undoing it takes. */
  readonly deadlineMs?: number;
}

export interface HealReport {
  readonly healed: readonly OpenFault[];
  /** What could not be taken back, with the reason. After a take-down it only matters if it changed something outside the run's processes. */
  readonly failed: readonly { readonly fault: OpenFault; readonly error: string }[];
}

const healMs = 4_000;

/**
 * Heals all open faults at the same time (no two share a target) and writes `healed` or `heal-failed` for each. Rejects only when the
 * ledger itself cannot be read or written.
 */
export async function healRun(runDir: string, options: HealOptions): Promise<HealReport> {
  const open = openFaults(readLedger(runDir));
  if (open.length === 0) return { healed: [], failed: [] };
  const ledger = await openLedger(runDir);
  try {
    const settled = await Promise.allSettled(open.map((fault) => healOne(fault, runDir, ledger, options)));
    // Rejected: the ledger could not be written. Thrown only now, when all heals have had their turn.
    const results = settled.map((one) => {
      if (one.status === "rejected") throw one.reason;
      return one.value;
    });
    const failed = results.flatMap(({ fault, error }) => (error === undefined ? [] : [{ fault, error }]));
    const healed = results.flatMap(({ fault, error }) => (error === undefined ? [fault] : []));
    return { healed, failed };
  } finally {
    await ledger.close();
  }
}

async function healOne(
  fault: OpenFault,
  runDir: string,
  ledger: Ledger,
  { by, faults, clock = systemClock, deadlineMs }: HealOptions,
): Promise<{ readonly fault: OpenFault; readonly error?: string }> {
  const fromMonotonicMs = clock.nowMs();
  try {
    const module = faults.get(fault.fault);
    if (module === undefined)
      throw environmentError("fault-unknown", `this Kiln knows no fault ${fault.fault}`);
    const stack = stackOf(runDir);
    const signal = deadline(deadlineMs ?? module.times?.(fault.options, stack.spec).healMs ?? healMs);
    const context = healContext(fault, stack, ledger, signal, clock);
    await Promise.race([module.heal(context, fault.options), rejection(signal)]);
    await ledger.append({ op: "healed", id: fault.id, by, fromMonotonicMs, monotonicMs: clock.nowMs() });
    return { fault };
  } catch (error) {
    const text = messageOf(error);
    await ledger.append({ op: "heal-failed", id: fault.id, by, error: text });
    return { fault, error: text };
  }
}

function stackOf(runDir: string): StackHandle {
  const record = readStackRecord(runDir);
  if (record !== undefined) return processHandle(record);
  throw environmentError("stack-record-missing", "the run has no stack.json: its stack was never brought up");
}

function healContext(
  fault: OpenFault,
  stack: StackHandle,
  ledger: Ledger,
  signal: AbortSignal,
  clock: Clock,
): FaultContext {
  let memory: Json | undefined = fault.memory;
  return {
    id: fault.id,
    stack,
    clock,
    signal,
    selfHealMs: 0,
    remember: async (value) => {
      await ledger.append({ op: "memory", id: fault.id, memory: value });
      memory = value;
    },
    recall: () => memory,
  };
}

/** A heal that ignores its signal must not hold up the others. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener(
      "abort",
      () => reject(environmentError("heal-timeout", "heal did not end in time")),
      { once: true },
    );
  });
}

export interface Reconciled {
  readonly runDir: string;
  readonly heal: HealReport;
  readonly takeDown: TakeDownReport;
}

/** True when a run was begun, never taken down, and neither its harness nor a reaper of it is alive to do so. */
export function isAbandoned(runDir: string): boolean {
  const entries = readLedger(runDir);
  const opened = entries.findLast((entry) => entry.op === "open");
  if (opened === undefined || isTornDown(entries)) return false;
  return !isAlive(opened.harness) && reapersOf(runDir).length === 0;
}

/** Heals and takes down every abandoned run in a folder of runs: what each start does first. */
export async function reconcileRuns(runsDir: string, options: HealOptions): Promise<Reconciled[]> {
  const done: Reconciled[] = [];
  for (const runDir of runFolders(runsDir).filter(isAbandoned)) {
    const heal = await healRun(runDir, options);
    done.push({ runDir, heal, takeDown: await takeDown({ runDir, by: options.by }) });
  }
  return done;
}

function runFolders(runsDir: string): string[] {
  try {
    const entries = readdirSync(runsDir, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map((entry) => join(runsDir, entry.name));
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
}
