// A whole run whose Toxiproxy is stopped (SIGSTOP) just before it has to take a fault back: replaced, the fault healed, the run finished, and
// the stack not blamed for the time in which nobody could reach it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EventOf, JournalEvent, JournalType } from "../journal/events.ts";
import { planFileName } from "../journal/plan-file.ts";
import type { Plan } from "../plan/plan.ts";
import { deadline, eventually, systemClock } from "../support/clock.ts";
import { isAlive, signalProcess } from "../support/process-identity.ts";
import { projectRoot } from "../support/tools.ts";
import {
  cli,
  makeRunsDir,
  newestRun,
  readVerdict,
  startKiln,
  type KilnProcess,
} from "../testing/kiln-process.ts";
import { residues } from "../testing/residues.ts";
import { readLedger, startedProcesses } from "./ledger.ts";

/** The frozen call is made this long after Toxiproxy was stopped: no look of the pulse can have replaced it by then. */
const beforeHealMs = 400;

/** One slow link for five seconds, and nothing else that users could notice (the run.ts beside it plants the defect, the scenario does not). */
const scenario = join(projectRoot, "fixtures", "defects", "inert-fault", "scenario.ts");

let runs: ReturnType<typeof makeRunsDir>;
let run: KilnProcess | undefined;
beforeAll(() => {
  runs = makeRunsDir();
});
afterAll(async () => {
  run?.child.kill("SIGTERM");
  await run?.ended;
  runs.remove();
});

function eventsOf<T extends JournalType>(runDir: string, type: T): EventOf<T>[] {
  const file = join(runDir, "journal.ndjson");
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n").slice(0, -1);
  return lines
    .map((line) => JSON.parse(line) as JournalEvent)
    .filter((event): event is EventOf<T> => event.type === type);
}

test("is replaced in the middle of a heal, and the stack is not blamed", async () => {
  run = startKiln([cli, "run", scenario], { runsDir: runs.path });
  const confirmed = await eventually(
    () => {
      if (run?.child.exitCode !== null) throw new Error(`the run ended too early: ${run?.output()}`);
      const runDir = newestOrNone();
      const look = runDir === undefined ? undefined : eventsOf(runDir, "fault-confirmed")[0];
      return runDir !== undefined && look?.confirmation.effective === true
        ? { runDir, id: look.id }
        : undefined;
    },
    deadline(120_000),
    50,
  );
  const { runDir, id } = confirmed;
  const plan = JSON.parse(readFileSync(join(runDir, planFileName), "utf8")) as Plan;
  const step = plan.faults.find((one) => one.id === id)!;
  expect(step.fault).toBe("latency");
  const [started] = eventsOf(runDir, "run-started");
  const [load] = eventsOf(runDir, "load-started");
  const healMs = started!.monotonicZeroMs + load!.zeroAtMs + step.healMs;
  await systemClock.sleepUntil(healMs - beforeHealMs);
  const frozen = startedProcesses(readLedger(runDir)).find(({ name }) => name === "toxiproxy")!.identity;
  expect(signalProcess(frozen, "SIGSTOP")).toBe(true);

  const { code, stdout, stderr } = await run.ended;
  const text = stdout + stderr;
  const verdict = readVerdict(runDir);
  expect(isAlive(frozen)).toBe(false);
  const changes = eventsOf(runDir, "control-plane");
  expect(
    changes.map(({ state }) => state),
    text,
  ).toEqual(["gone", "replaced"]);
  expect(changes[1]!.atMs - changes[1]!.fromMs!).toBeLessThan(6_000);
  const states = eventsOf(runDir, "fault");
  for (const { id: each } of plan.faults)
    expect(states.findLast((one) => one.id === each)?.state).toBe("healed");
  expect(states.filter(({ state }) => state === "broken")).toEqual([]);

  expect(
    verdict.findings.filter(({ status }) => status === "fail"),
    text,
  ).toEqual([]);
  const finding = verdict.findings.find((one) => one.id === "evidence/control-plane");
  // Ten seconds of eighteen are too many for a verdict; of a long run they would be a note.
  expect(finding).toMatchObject({ status: "inconclusive", about: "harness" });
  expect(finding?.title).toContain("missing evidence, not outage");
  expect(code).toBe(2);
  expect(readFileSync(join(runDir, "report.md"), "utf8")).toContain("Toxiproxy was gone");
  expect(residues(runs.path).processes).toEqual([]);
});

function newestOrNone(): string | undefined {
  try {
    return newestRun(runs.path);
  } catch {
    // No run folder yet.
    return undefined;
  }
}
