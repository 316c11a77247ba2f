import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bootId, identify } from "../support/process-identity.ts";
import { acquireLock, assertFree, readLock, releaseLock } from "./lock.ts";
import { startDoomedRun } from "./testing/doomed-run.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kiln-lock-"));
  path = join(folder, "kiln.lock");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const request = (runId: string) => ({
  runId,
  runDir: join(folder, runId),
  wallMs: Date.UTC(2026, 10, 21),
  path,
});

function holder(runId: string, harness: { pid: number; startTicks: number; bootId: string }): string {
  return JSON.stringify({ runId, runDir: join(folder, runId), harness, since: "2026-11-21T00:00:00.000Z" });
}

test("a second run is refused with who holds it, since when and where", () => {
  const lock = acquireLock(request("first"));
  expect(() => acquireLock(request("second"))).toThrow(
    expect.objectContaining({
      code: "run-in-progress",
      kind: "environment",
      message: expect.stringContaining(
        `run first is in progress on this machine (process ${process.pid}, since 2026-11-21T00:00:00.000Z, folder ${folder}/first)`,
      ),
      hint: expect.stringContaining(`kill -TERM ${process.pid}`),
    }),
  );
  lock.release();
  lock.release();
  acquireLock(request("second")).release();
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  ["a process that ended", () => holder("old", { pid: 4_194_000, startTicks: 5, bootId: bootId() })],
  ["a process whose pid is another's now", () => holder("old", { ...identify(process.pid)!, startTicks: 1 })],
  ["a process of an earlier boot", () => holder("old", { ...identify(process.pid)!, bootId: "earlier" })],
  ["nobody: a torn file", () => '{"runId":"ol'],
])("takes the lock from %s", (_, content) => {
  writeFileSync(path, content());
  const lock = acquireLock(request("new"));
  expect(readLock(path)).toEqual(lock.holder);
  expect(readdirSync(folder)).toEqual(["kiln.lock"]);
});

test("release leaves another run's lock alone", () => {
  const lock = acquireLock(request("first"));
  writeFileSync(path, holder("second", identify(process.pid)!));
  lock.release();
  releaseLock("first", path);
  expect(readLock(path)?.runId).toBe("second");
});

test("holds on while only the reaper of a dead harness is alive", async () => {
  const run = startDoomedRun("without-stack");
  try {
    await run.said("up");
    const text = readFileSync(run.lockFile, "utf8");
    writeFileSync(path, text.replace(/"startTicks":\d+/, '"startTicks":1'));
    expect(() => acquireLock(request("second"))).toThrow(/is dead and its reaper is at work/);
    expect(() => acquireLock({ ...request("second"), takeOver: true })).toThrow(/is in progress/);
    expect(() => assertFree(path)).toThrow(/is in progress/);
    // The one who may: a harness that goes on with that very run.
    const resumed = acquireLock({ ...request(run.runId), takeOver: true });
    expect(resumed.holder.harness.pid).toBe(process.pid);
    expect(() => acquireLock({ ...request(run.runId), takeOver: true })).toThrow(/is in progress/);
    resumed.release();
  } finally {
    await run.discard();
  }
  acquireLock(request("second")).release();
});

test("of many processes that start at once over a stale lock, exactly one gets it", async () => {
  writeFileSync(path, holder("old", { pid: 4_194_000, startTicks: 5, bootId: bootId() }));
  const script = `import { acquireLock } from ${JSON.stringify(join(import.meta.dirname, "lock.ts"))};
    let got = "taken";
    try { acquireLock({ runId: String(process.pid), runDir: "/nonexistent/" + process.pid, wallMs: 0, path: ${JSON.stringify(path)} }); }
    catch (error) { got = error.code; }
    process.stdout.write(got);
    process.stdin.once("end", () => {}).resume();`;
  const children = Array.from({ length: 6 }, () =>
    spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "inherit"] }),
  );
  // All stay alive until everybody has tried: a holder that ends would rightly lose the lock.
  const said = await Promise.all(
    children.map(
      (child) => new Promise<string>((resolve) => child.stdout.once("data", (data) => resolve(String(data)))),
    ),
  );
  for (const child of children) child.stdin.end();
  expect(said.toSorted()).toEqual([...Array.from({ length: 5 }, () => "run-in-progress"), "taken"]);
});
