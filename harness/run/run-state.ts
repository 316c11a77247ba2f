// How a run stands, by its folder and the machine's processes: what every command needs to know before it touches a run, and the reaper
// before it decides what becomes of one whose harness died.
import { basename } from "node:path";
import type { EventOf, JournalEvent } from "../journal/events.ts";
import { eventsIn, readJournal } from "../journal/journal-reader.ts";
import { reapersOf } from "../stack/membership.ts";
import { type ProcessIdentity, isAlive } from "../support/process-identity.ts";
import { isTornDown, readLedger } from "./ledger.ts";
import type { LedgerEntry, RunMode } from "./ledger-format.ts";

export type OpenEntry = Extract<LedgerEntry, { op: "open" }>;

/** Who works on a run. */
export interface Workers {
  /** Of the harness that took the run last; undefined where there is no ledger. */
  readonly opened: OpenEntry | undefined;
  /** Whether that harness lives. */
  readonly harnessLives: boolean;
  /** Those that live, without this process. */
  readonly reapers: readonly ProcessIdentity[];
}

export interface RunState extends Workers {
  /** Absolute. */
  readonly runDir: string;
  readonly runId: string;
  readonly mode: RunMode;
  /** How often it was resumed, and how often by a reaper. */
  readonly resumes: number;
  readonly resumesByReaper: number;
  /** The journal as it lies on the disk. */
  readonly events: readonly JournalEvent[];
  readonly ended: EventOf<"run-ended"> | undefined;
  /** Why somebody or something was ending it. */
  readonly stopping: string | undefined;
  readonly tornDown: boolean;
}

/** Cheap enough for once a second: the ledger, and all command lines of the machine. */
export function workersOf(runDir: string, entries: readonly LedgerEntry[] = readLedger(runDir)): Workers {
  const opened = entries.findLast((entry): entry is OpenEntry => entry.op === "open");
  return {
    opened,
    harnessLives: opened !== undefined && isAlive(opened.harness),
    reapers: reapersOf(runDir).filter(({ pid }) => pid !== process.pid),
  };
}

/** Costs a read of the whole journal besides. */
export function runState(runDir: string): RunState {
  const entries = readLedger(runDir);
  const workers = workersOf(runDir, entries);
  const { opened } = workers;
  const { events } = readJournal(runDir);
  const resumes = entries.filter((entry) => entry.op === "resume");
  return {
    runDir,
    runId: opened?.runId ?? basename(runDir),
    ...workers,
    mode: opened?.mode ?? "foreground",
    resumes: resumes.length,
    resumesByReaper: resumes.filter(({ by }) => by === "reaper").length,
    events,
    ended: eventsIn(events, "run-ended").at(-1),
    stopping: eventsIn(events, "stopping").at(-1)?.reason,
    tornDown: isTornDown(entries),
  };
}

/** Somebody is at work on it: its harness, or a reaper that cleans up or resumes it. */
export function isLive({ harnessLives, reapers }: Workers): boolean {
  return harnessLives || reapers.length > 0;
}

/** Why no harness can go on with this run; undefined where one can. Who is alive is another question. */
export function whyNotResumable(state: RunState): string | undefined {
  const { ended, stopping, tornDown, opened, events } = state;
  if (ended !== undefined) return `it has ended (${ended.outcome})`;
  if (opened === undefined || eventsIn(events, "run-started").length === 0) return "it had not begun";
  if (stopping !== undefined) return `it was being ended (${stopping})`;
  if (eventsIn(events, "phase").some(({ phase }) => phase === "teardown")) return "it was being taken down";
  if (tornDown) return "it was taken down: its stack and its data are gone";
  if (opened.cwd === undefined || opened.scriptPath === undefined)
    return "its ledger does not say how to go on";
  return undefined;
}
