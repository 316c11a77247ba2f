// What the ledger holds: everything that the run has put into the world, one JSON object a line, flushed to disk before the deed.
import type { Json } from "../support/json.ts";
import type { ProcessIdentity } from "../support/process-identity.ts";

export type LedgerBody =
  /** First line. The epoch rises when a reaper healed while the harness was stopped; a waking harness must obey. */
  | {
      readonly op: "open";
      readonly runId: string;
      readonly bootId: string;
      readonly harness: ProcessIdentity;
    }
  | { readonly op: "epoch"; readonly epoch: number; readonly by: "harness" | "reaper" | "heal" }
  /** Something is about to be started; `done` follows with its identity. */
  | { readonly op: "intent"; readonly id: string; readonly what: "process" | "stack"; readonly text: string }
  | { readonly op: "done"; readonly id: string; readonly identity?: ProcessIdentity }
  /** A folder outside the run folder that must go with the run. */
  | { readonly op: "folder"; readonly path: string }
  | {
      readonly op: "fault";
      readonly id: string;
      readonly fault: string;
      readonly options: { readonly [key: string]: Json };
    }
  | { readonly op: "memory"; readonly id: string; readonly memory: Json }
  | { readonly op: "healed"; readonly id: string; readonly by: "harness" | "reaper" | "heal" }
  | {
      readonly op: "heal-failed";
      readonly id: string;
      readonly by: "harness" | "reaper" | "heal";
      readonly error: string;
    }
  | { readonly op: "torn-down"; readonly by: "harness" | "reaper" | "heal" };

/** `seq` counts on from what its writer found; the order of lines in the file is what holds (harness and reaper may both write). */
export type LedgerEntry = { readonly seq: number } & LedgerBody;
