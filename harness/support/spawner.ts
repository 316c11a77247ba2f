// How the engine starts processes: always through a Spawner, which writes an intent to the ledger before it acts, marks the child as a
// member of the run, and can therefore be undone after any death. The implementation is run/spawn.ts.
import type { ChildProcess } from "node:child_process";
import type { ProcessIdentity } from "./process-identity.ts";

export interface SpawnRequest {
  /** Component name, unique enough for people: "toxiproxy", "k6-3". It also names the log file. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to a small base environment (PATH, HOME, LANG, TZ) and the run's marker; the rest of the caller's environment is not passed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** "pipe" hands the stream to the caller; "log" appends it to logs/<name>.log (default). */
  readonly stdout?: "pipe" | "log";
  /** Folders outside the run folder that the process makes: whoever takes the run down by force removes them. */
  readonly folders?: readonly string[];
}

export interface Spawned {
  readonly name: string;
  readonly identity: ProcessIdentity;
  readonly child: ChildProcess;
  /** The file that takes what is not piped, where the spawner keeps one. */
  readonly logFile?: string;
  /** Resolves when the process has ended and its streams are closed. Never rejects. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/** Rejects with an environment error when the program cannot be started. */
export type Spawner = (request: SpawnRequest) => Promise<Spawned>;
