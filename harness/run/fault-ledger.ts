// The ledger as active faults see it: what they remember is on the disk before they go on, and is recalled from here.
import { dirname } from "node:path";
import type { FaultLedger, HealedElsewhere } from "../faults/fault-ledger.ts";
import { monotonicMs } from "../support/clock.ts";
import { crashPoint } from "../support/crash-point.ts";
import type { Json } from "../support/json.ts";
import { readLedger, type Ledger } from "./ledger.ts";

/** CLOCK_MONOTONIC at the zeros of the two axes: of the faults' clock, and of the journal. */
export interface Zeros {
  readonly planMs: number;
  readonly journalMs: number;
}

/** `zeros` are for heals that another process does while this one is stopped. */
export function createFaultLedger(ledger: Ledger, zeros?: Zeros): FaultLedger {
  const memories = new Map<string, Json>();
  return {
    async fault(id, fault, options) {
      crashPoint("ledger-fault-before");
      await ledger.append({ op: "fault", id, fault, options });
      crashPoint("ledger-fault-after");
    },
    async memory(id, memory) {
      crashPoint("ledger-memory-before");
      await ledger.append({ op: "memory", id, memory });
      crashPoint("ledger-memory-after");
      memories.set(id, memory);
    },
    async healed(id, by) {
      crashPoint("ledger-healed-before");
      await ledger.append({ op: "healed", id, by, monotonicMs: monotonicMs() });
      crashPoint("ledger-healed-after");
    },
    async healFailed(id, by, error) {
      await ledger.append({ op: "heal-failed", id, by, error });
    },
    recall: (id) => memories.get(id),
    healedElsewhere: (id) =>
      zeros === undefined ? undefined : healedByAnother(dirname(ledger.path), id, zeros),
  };
}

/** From the disk: the other process wrote it there. */
function healedByAnother(runDir: string, id: string, zeros: Zeros): HealedElsewhere | undefined {
  const entries = readLedger(runDir);
  const own = entries.findLastIndex((entry) => entry.op === "fault" && entry.id === id);
  const done = entries.slice(Math.max(0, own)).findLast((entry) => entry.op === "healed" && entry.id === id);
  if (done?.op !== "healed" || done.by === "harness" || done.monotonicMs === undefined) return undefined;
  const { by, monotonicMs, fromMonotonicMs = monotonicMs } = done;
  return { by, beganMs: fromMonotonicMs - zeros.planMs, journalMs: monotonicMs - zeros.journalMs };
}
