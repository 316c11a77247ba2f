// What an active fault needs of the run's ledger. The one that is on the disk is run/fault-ledger.ts; tests have their own.
import type { Json } from "../support/json.ts";

export type Healer = "harness" | "reaper" | "heal";

/** A heal by another process, while this one was stopped. */
export interface HealedElsewhere {
  readonly by: "reaper" | "heal";
  /** When that heal began, on the fault's clock. */
  readonly beganMs: number;
  /** When it was done, on the journal's axis. */
  readonly journalMs: number;
}

/** Each write is on disk when it returns (or resolves). */
export interface FaultLedger {
  fault(id: string, fault: string, options: { readonly [key: string]: Json }): void | Promise<void>;
  memory(id: string, memory: Json): void | Promise<void>;
  healed(id: string, by: Healer): void | Promise<void>;
  healFailed(id: string, by: Healer, error: string): void | Promise<void>;
  /** What was last written with `memory` under that id. */
  recall(id: string): Json | undefined;
  /** Looks whether somebody else has healed it; absent where nobody could. */
  healedElsewhere?(id: string): HealedElsewhere | undefined;
}
