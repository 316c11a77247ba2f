import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { membersOf, reapersOf } from "../stack/membership.ts";
import { deadline, eventually, sleep } from "../support/clock.ts";
import { processStat, signalProcess } from "../support/process-identity.ts";
import { type DoomedRun, startDoomedRun } from "./testing/doomed-run.ts";

let run: DoomedRun;

afterEach(async () => run.discard());

const until = <T>(look: () => T | undefined): Promise<T> => eventually(look, deadline(20_000), 20);

test("ignores the signals of a terminal or a job's end, and cleans up when the harness dies", async () => {
  run = startDoomedRun("without-stack");
  await run.said("up");
  const [reaper] = reapersOf(run.runDir);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.kill(reaper!.pid, signal);
  await until(() =>
    readFileSync(join(run.runDir, "logs", "reaper.log"), "utf8").split("ignored").length > 3
      ? true
      : undefined,
  );
  expect(membersOf({ runId: run.runId, runDir: run.runDir }).map(({ command }) => command)).toEqual([
    "sleep 600",
  ]);
  run.child.kill("SIGKILL");
  await until(() => (existsSync(run.lockFile) ? undefined : true));
  expect(membersOf({ runId: run.runId, runDir: run.runDir })).toEqual([]);
  await until(() => (reapersOf(run.runDir).length === 0 ? true : undefined));
});

test("is replaced when it is killed, and the new one does its work", async () => {
  run = startDoomedRun("without-stack");
  await run.said("up");
  const [first] = reapersOf(run.runDir);
  signalProcess(first!, "SIGKILL");
  await run.said("note the reaper ended (SIGKILL); starting another");
  const second = await until(() => reapersOf(run.runDir).find(({ pid }) => pid !== first!.pid));
  expect(second.pid).not.toBe(first!.pid);
  run.child.kill("SIGKILL");
  await until(() => (existsSync(run.lockFile) ? undefined : true));
  expect(membersOf({ runId: run.runId, runDir: run.runDir })).toEqual([]);
});

test("waits almost without work", async () => {
  run = startDoomedRun("without-stack");
  await run.said("up");
  const [reaper] = reapersOf(run.runDir);
  const atFirst = processStat(reaper!.pid)!;
  await sleep(3_000);
  const later = processStat(reaper!.pid)!;
  expect(later.rssBytes).toBeLessThan(110e6);
  // 30 ticks are 0.3 s of processor time in 3 s.
  expect(later.cpuTicks - atFirst.cpuTicks).toBeLessThan(30);
});
