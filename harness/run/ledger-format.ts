// What the ledger holds: everything that the run has put into the world, one JSON object a line, flushed to disk before the deed.
import type { Json } from "../support/json.ts";
import type { ProcessIdentity } from "../support/process-identity.ts";

/**
 * foreground: somebody waits for the run; if its harness dies, it is healed and taken down. detached: nobody does; it is healed at once,
 * its stack is kept, and it is resumed.
 */
export type RunMode = "foreground" | "detached";

/** What a harness has to know to go on with the run of another one that died. */
export interface Resumable {
  readonly mode: RunMode;
  /** Working directory of the command: commands and paths of the stack are relative to it. */
  readonly cwd: string;
  /** Absolute path of the k6 script. */
  readonly scriptPath: string;
  /** Absolute path of the journey script, where the scenario has one. */
  readonly journeyPath?: string;
}

export type LedgerBody =
  /** First line, and one more for each harness that took the run over. */
  | ({
      readonly op: "open";
      readonly runId: string;
      readonly bootId: string;
      readonly harness: ProcessIdentity;
    } & Partial<Resumable>)
  /** Somebody is about to start a harness that goes on with the run. */
  | { readonly op: "resume"; readonly attempt: number; readonly by: "reaper" | "user" }
  /** The epoch rises when a reaper healed while the harness was stopped; a waking harness must obey. */
  | { readonly op: "epoch"; readonly epoch: number; readonly by: "harness" | "reaper" | "heal" }
  /** Something is about to be started; `done` follows with its identity. */
  | { readonly op: "intent"; readonly id: string; readonly what: "process" | "stack"; readonly text: string }
  | { readonly op: "done"; readonly id: string; readonly identity?: ProcessIdentity }
  /** A file system is about to be mounted there. */
  | { readonly op: "mount"; readonly path: string }
  /** A folder outside the run folder that must go with the run. */
  | { readonly op: "folder"; readonly path: string }
  | {
      readonly op: "fault";
      readonly id: string;
      readonly fault: string;
      readonly options: { readonly [key: string]: Json };
    }
  | { readonly op: "memory"; readonly id: string; readonly memory: Json }
  /** `monotonicMs` is CLOCK_MONOTONIC of the boot of the last `open`: when healing began and when it was done. */
  | {
      readonly op: "healed";
      readonly id: string;
      readonly by: "harness" | "reaper" | "heal";
      readonly fromMonotonicMs?: number;
      readonly monotonicMs?: number;
    }
  | {
      readonly op: "heal-failed";
      readonly id: string;
      readonly by: "harness" | "reaper" | "heal";
      readonly error: string;
    }
  | { readonly op: "torn-down"; readonly by: "harness" | "reaper" | "heal" };

/** `seq` counts on from what its writer found; the order of lines in the file is what holds (harness and reaper may both write). */
export type LedgerEntry = { readonly seq: number } & LedgerBody;
