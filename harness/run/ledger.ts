// The ledger's writer and reader. An entry is on the disk (fdatasync) before `append` resolves, so whatever is done after it can be
// undone by another process. Readers accept a file of a dead writer: a line that was torn off was never acknowledged, so nothing was done.
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { environmentError, hasErrno, messageOf } from "../support/errors.ts";
import type { Json } from "../support/json.ts";
import type { ProcessIdentity } from "../support/process-identity.ts";
import type { LedgerBody, LedgerEntry } from "./ledger-format.ts";

export interface Ledger {
  readonly path: string;
  /** Resolves when the entry is on the disk. Entries keep the order of the calls. Rejects (environment) when it cannot be written. */
  append(body: LedgerBody): Promise<LedgerEntry>;
  close(): Promise<void>;
}

/** A fault that the ledger does not call healed: all that its `heal` needs. */
export interface OpenFault {
  readonly id: string;
  readonly fault: string;
  readonly options: { readonly [key: string]: Json };
  readonly memory?: Json;
}

export function ledgerPath(runDir: string): string {
  return join(runDir, "ledger.ndjson");
}

/** Opens the ledger of a run for appending and makes it when there is none; goes on after the last whole line of a dead writer. */
export async function openLedger(runDir: string): Promise<Ledger> {
  const path = ledgerPath(runDir);
  let seq = readLedger(runDir).reduce((last, entry) => Math.max(last, entry.seq), 0);
  // "a" is O_APPEND: one write per entry, so the lines of two writers (harness and reaper) never mix.
  const file = await open(path, "a", 0o600);
  let lead = endsTorn(path) ? "\n" : "";
  let last: Promise<unknown> = Promise.resolve();
  const append = (body: LedgerBody): Promise<LedgerEntry> => {
    seq += 1;
    const entry: LedgerEntry = { seq, ...body };
    const line = `${lead}${JSON.stringify(entry)}\n`;
    lead = "";
    const written = last.then(() => write(file, path, line)).then(() => entry);
    // One failed write must not stop the next ones: a later `healed` is worth having. The caller of the failed one gets the error.
    last = written.catch(() => undefined);
    return written;
  };
  return { path, append, close: async () => (await last, file.close()) };
}

async function write(file: FileHandle, path: string, line: string): Promise<void> {
  try {
    await file.appendFile(line);
    await file.datasync();
  } catch (error) {
    throw environmentError("ledger-unwritable", `cannot write the run's ledger ${path}`, {
      hint: "free disk space or check the folder's permissions, then run: kiln heal",
      cause: error,
    });
  }
}

function endsTorn(path: string): boolean {
  const fd = openSync(path, "r");
  try {
    const { size } = fstatSync(fd);
    const byte = Buffer.alloc(1);
    return size > 0 && readSync(fd, byte, 0, 1, size - 1) === 1 && byte[0] !== 0x0a;
  } finally {
    closeSync(fd);
  }
}

/** The entries of a run's ledger in the order of the file; none when there is no ledger. */
export function readLedger(runDir: string): LedgerEntry[] {
  let text: string;
  try {
    text = readFileSync(ledgerPath(runDir), "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw environmentError("ledger-unreadable", `cannot read the run's ledger: ${messageOf(error)}`, {
      hint: "what the run may have left behind is not known: make the file readable, then run: kiln heal",
      cause: error,
    });
  }
  return text.split("\n").flatMap(parseLine);
}

// No schema library here: the idle reaper reads this file too and has to stay small, and only Kiln writes it.
function parseLine(line: string): LedgerEntry[] {
  if (line === "") return [];
  try {
    const value: unknown = JSON.parse(line);
    const isEntry = typeof value === "object" && value !== null && "op" in value && "seq" in value;
    return isEntry ? [value as LedgerEntry] : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Faults without `healed`, the latest first (the order in which they should be taken back). */
export function openFaults(entries: readonly LedgerEntry[]): OpenFault[] {
  const open = new Map<string, OpenFault>();
  for (const entry of entries) {
    if (entry.op === "fault") {
      const { id, fault, options } = entry;
      open.set(id, { id, fault, options });
    } else if (entry.op === "memory") {
      const fault = open.get(entry.id);
      if (fault !== undefined) open.set(entry.id, { ...fault, memory: entry.memory });
    } else if (entry.op === "healed") open.delete(entry.id);
  }
  return [...open.values()].toReversed();
}

/** The run's epoch: 0, or higher when somebody healed while the harness was stopped. */
export function epochOf(entries: readonly LedgerEntry[]): number {
  return entries.reduce((epoch, entry) => (entry.op === "epoch" ? Math.max(epoch, entry.epoch) : epoch), 0);
}

/** True when the run's processes were ended and proved gone after the last thing that was started. */
export function isTornDown(entries: readonly LedgerEntry[]): boolean {
  const lastDeed = entries.findLastIndex((entry) => entry.op === "intent" || entry.op === "open");
  return entries.findLastIndex((entry) => entry.op === "torn-down") > lastDeed;
}

export interface StartedProcess {
  readonly name: string;
  readonly identity: ProcessIdentity;
}

/** Every process that the ledger says was started, living or not. */
export function startedProcesses(entries: readonly LedgerEntry[]): StartedProcess[] {
  const names = new Map<string, string>();
  const started: StartedProcess[] = [];
  for (const entry of entries) {
    if (entry.op === "intent") names.set(entry.id, entry.text);
    else if (entry.op === "done" && entry.identity !== undefined) {
      started.push({ name: names.get(entry.id) ?? entry.id, identity: entry.identity });
    }
  }
  return started;
}
