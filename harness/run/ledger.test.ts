import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  epochOf,
  isTornDown,
  ledgerPath,
  openFaults,
  openLedger,
  readLedger,
  startedProcesses,
} from "./ledger.ts";

let runDir: string;

beforeEach(() => void (runDir = mkdtempSync(join(tmpdir(), "kiln-ledger-"))));
afterEach(() => rmSync(runDir, { recursive: true, force: true }));

const identity = { pid: 7, startTicks: 8, bootId: "b" };

test("an entry is in the file when append resolves, in the order of the calls", async () => {
  const ledger = await openLedger(runDir);
  const calls = Array.from({ length: 20 }, (_, index) =>
    ledger.append({ op: "epoch", epoch: index, by: "harness" }),
  );
  expect((await calls[0]!).seq).toBe(1);
  expect(readLedger(runDir)[0]).toEqual({ seq: 1, op: "epoch", epoch: 0, by: "harness" });
  await Promise.all(calls);
  expect(readLedger(runDir).map(({ seq }) => seq)).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 1),
  );
  await ledger.close();
});

test("a torn last line counts as never written, and the next writer does not glue its entry to it", async () => {
  const dead = await openLedger(runDir);
  await dead.append({ op: "fault", id: "a", fault: "latency", options: {} });
  await dead.close();
  appendFileSync(ledgerPath(runDir), '{"seq":2,"op":"heal');
  expect(readLedger(runDir)).toHaveLength(1);
  const reaper = await openLedger(runDir);
  await reaper.append({ op: "healed", id: "a", by: "reaper" });
  await reaper.close();
  expect(readLedger(runDir).map(({ op }) => op)).toEqual(["fault", "healed"]);
  expect(readFileSync(ledgerPath(runDir), "utf8").endsWith("\n")).toBe(true);
});

test("no ledger means no entries", () => {
  expect(readLedger(join(runDir, "none"))).toEqual([]);
});

test("open faults are those without healed, latest first, with what was remembered last", async () => {
  const ledger = await openLedger(runDir);
  await ledger.append({ op: "fault", id: "a", fault: "latency", options: { link: "x" } });
  await ledger.append({ op: "fault", id: "b", fault: "config", options: {} });
  await ledger.append({ op: "fault", id: "c", fault: "kill", options: {} });
  await ledger.append({ op: "memory", id: "b", memory: { hash: "1" } });
  await ledger.append({ op: "memory", id: "b", memory: { hash: "2" } });
  await ledger.append({ op: "healed", id: "c", by: "harness" });
  await ledger.append({ op: "heal-failed", id: "a", by: "reaper", error: "no" });
  await ledger.close();
  expect(openFaults(readLedger(runDir))).toEqual([
    { id: "b", fault: "config", options: {}, memory: { hash: "2" } },
    { id: "a", fault: "latency", options: { link: "x" } },
  ]);
});

test("knows the epoch, what was started, and whether all was taken down since", async () => {
  const ledger = await openLedger(runDir);
  await ledger.append({ op: "open", runId: "r", bootId: "b", harness: identity });
  await ledger.append({ op: "intent", id: "redis#1", what: "process", text: "redis" });
  await ledger.append({ op: "done", id: "redis#1", identity });
  expect(startedProcesses(readLedger(runDir))).toEqual([{ name: "redis", identity }]);
  expect(epochOf(readLedger(runDir))).toBe(0);
  expect(isTornDown(readLedger(runDir))).toBe(false);
  await ledger.append({ op: "epoch", epoch: 2, by: "reaper" });
  await ledger.append({ op: "torn-down", by: "reaper" });
  expect(epochOf(readLedger(runDir))).toBe(2);
  expect(isTornDown(readLedger(runDir))).toBe(true);
  await ledger.append({ op: "intent", id: "redis#2", what: "process", text: "redis" });
  expect(isTornDown(readLedger(runDir))).toBe(false);
  await ledger.close();
});
