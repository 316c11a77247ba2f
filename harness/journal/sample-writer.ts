// Where probes and load put numbers. The implementation is sample-store.ts (SQLite); tests may hand in their own.
import type { LoadCell, LoadSecond } from "./evidence.ts";

export interface SampleWriter {
  /** `atMs` is on the journal's axis (since the run folder was opened). */
  sample(name: string, unit: string, atMs: number, value: number): void;
  /** Plan time; a cell or second written again replaces its former self (late answers arrive). */
  cell(cell: LoadCell): void;
  second(second: LoadSecond): void;
  /** Makes all that was handed in durable against SIGKILL. The conductor calls it once a second. */
  commit(): void;
  close(): void;
}
