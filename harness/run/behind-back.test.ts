import { expect, test } from "vitest";
import type { ActiveState, JournalBody, JournalEvent } from "../journal/events.ts";
import { bootId } from "../support/process-identity.ts";
import { tellHeals } from "./behind-back.ts";
import type { LedgerBody, LedgerEntry } from "./ledger-format.ts";

const harness = { pid: 1, startTicks: 1, bootId: bootId() };
const entries = (...bodies: LedgerBody[]): LedgerEntry[] =>
  bodies.map((body, index) => ({ seq: index + 1, ...body }));
const open = (boot = bootId()): LedgerBody => ({ op: "open", runId: "r", bootId: boot, harness });
const fault = (id: string): LedgerBody => ({ op: "fault", id, fault: "latency", options: {} });

function told(states: Readonly<Record<string, ActiveState>>, ledger: LedgerEntry[]) {
  const events = Object.entries(states).map(([id, state], index): JournalEvent => ({
    seq: index + 1,
    atMs: 0,
    type: "fault",
    id,
    state,
  }));
  const written: { body: JournalBody; atMs: number | undefined }[] = [];
  const journal = {
    write: (body: JournalBody, atMs?: number) => {
      written.push({ body, atMs });
      return { seq: 0, atMs: 0, ...body };
    },
    close: () => undefined,
  };
  tellHeals({ events, entries: ledger, axis: { zeroMonotonicMs: 1_000 }, journal });
  return written;
}

test("a heal by another process is told with its own time, once", () => {
  const ledger = entries(open(), fault("f01"), {
    op: "healed",
    id: "f01",
    by: "reaper",
    monotonicMs: 41_000,
  });
  expect(told({ f01: "active" }, ledger)).toEqual([
    { body: { type: "fault", id: "f01", state: "healed", by: "reaper" }, atMs: 40_000 },
  ]);
  expect(told({ f01: "healed" }, ledger)).toEqual([]);
});

test("a heal of another boot is told as of now: its clock is gone", () => {
  const ledger = entries(open("old"), fault("f01"), {
    op: "healed",
    id: "f01",
    by: "heal",
    monotonicMs: 41_000,
  });
  expect(told({ f01: "active" }, ledger)).toMatchObject([{ body: { by: "heal" }, atMs: undefined }]);
});

test("a fault that could not be healed is told to be left in, with the reason", () => {
  const ledger = entries(open(), fault("f01"), {
    op: "heal-failed",
    id: "f01",
    by: "reaper",
    error: "no answer",
  });
  expect(told({ f01: "active" }, ledger)).toMatchObject([{ body: { state: "broken", error: "no answer" } }]);
});

test("nothing is told of a fault that was only announced, or that never came into the ledger", () => {
  const ledger = entries(open(), fault("f01"), { op: "healed", id: "f01", by: "reaper", monotonicMs: 1 });
  expect(told({}, ledger)).toEqual([]);
  expect(told({ f02: "injecting" }, ledger)).toEqual([]);
});
