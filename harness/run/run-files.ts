// The run folder from the writer's side: made once, with the plan in it before anything else happens.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, release, totalmem } from "node:os";
import { join } from "node:path";
import type { JournalEvent, JournalWriter } from "../journal/events.ts";
import { continueJournal, openJournal } from "../journal/journal-file.ts";
import { planFileName } from "../journal/plan-file.ts";
import { openSampleWriter } from "../journal/sample-store.ts";
import type { SampleWriter } from "../journal/sample-writer.ts";
import type { Plan } from "../plan/plan.ts";
import { clockFrom, monotonicMs, systemClock, type Clock } from "../support/clock.ts";
import { environmentError, hasErrno } from "../support/errors.ts";
import { sha256 } from "../support/json.ts";
import { bootId } from "../support/process-identity.ts";
import { redact } from "../support/redact.ts";
import type { Tools } from "../support/tools.ts";

export interface RunFiles {
  readonly runId: string;
  /** Absolute. */
  readonly runDir: string;
  readonly logsDir: string;
  readonly journal: JournalWriter;
  readonly samples: SampleWriter;
  /** Counts from the journal's zero. */
  readonly clock: Clock;
  readonly zeroMonotonicMs: number;
}

/** What a detached harness, and one that resumes its run, say. */
export function harnessLogPath(runDir: string): string {
  return join(runDir, "logs", "harness.log");
}

export interface RunFilesRequest {
  readonly plan: Plan;
  /** Absolute folder that holds all runs. */
  readonly runsDir: string;
  readonly tools: Tools;
  readonly commandLine: readonly string[];
  readonly onEvent?: (event: JournalEvent) => void;
}

/** Sorts by time: "20261121-031509-smoke-1". Seeds may hold any character, ids only safe ones. */
export function newRunId(plan: Pick<Plan, "scenario" | "seed">, wallMs: number): string {
  const stamp = new Date(wallMs)
    .toISOString()
    .replaceAll(/[-:]|\.\d+Z$/g, "")
    .replace("T", "-");
  const safe = (text: string): string => text.replaceAll(/[^\w.]+/g, "_").slice(0, 24);
  return `${stamp}-${safe(plan.scenario)}-${safe(plan.seed)}`;
}

/** Makes the folder, writes plan.json and the journal's header. Throws an environment error when the folder cannot be written. */
export function createRunFiles(runId: string, request: RunFilesRequest): RunFiles {
  const runDir = join(request.runsDir, runId);
  const logsDir = join(runDir, "logs");
  const planText = `${redact(JSON.stringify(request.plan, null, 2))}\n`;
  writable(runDir, () => {
    mkdirSync(logsDir, { recursive: true });
    writeFileSync(join(runDir, planFileName), planText);
  });
  const zeroMonotonicMs = monotonicMs();
  const clock = clockFrom(zeroMonotonicMs);
  const journal = openJournal(runDir, clock, request.onEvent);
  journal.write({
    type: "run-started",
    runId,
    scenario: request.plan.scenario,
    seed: request.plan.seed,
    planHash: request.plan.hash,
    planFileHash: sha256(planText),
    wallStart: new Date(systemClock.wallMs()).toISOString(),
    monotonicZeroMs: zeroMonotonicMs,
    bootId: bootId(),
    tools: request.tools.versions,
    machine: {
      platform: `${process.platform} ${release()}`,
      arch: process.arch,
      cores: availableParallelism(),
      memoryBytes: totalmem(),
    },
    commandLine: request.commandLine,
  });
  return { runId, runDir, logsDir, journal, samples: openSampleWriter(runDir), clock, zeroMonotonicMs };
}

/** The folder of a run that is about to be started by another process: only a place for what that says. */
export function makeRunFolder(runDir: string): void {
  writable(runDir, () => mkdirSync(join(runDir, "logs"), { recursive: true }));
}

/** Turns the file system's refusal into an environment error. */
function writable(runDir: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!hasErrno(error, "ENOSPC", "EDQUOT", "EACCES", "EROFS", "ENOTDIR", "EEXIST")) throw error;
    const full = hasErrno(error, "ENOSPC", "EDQUOT");
    const text = full
      ? `no space left to write the run folder ${runDir}`
      : `cannot write the run folder ${runDir}`;
    const hint = full
      ? "free some space (`kiln clean --keep N` removes old run folders)"
      : "set KILN_RUNS_DIR to a folder that you may write";
    throw environmentError(full ? "disk-full" : "runs-unwritable", text, { hint, cause: error });
  }
}

/** The folder of a dead harness, opened to go on: the journal counts on, its zero lies where `zeroMonotonicMs` says. */
export function continueRunFiles(
  runId: string,
  runDir: string,
  zeroMonotonicMs: number,
  onEvent?: (event: JournalEvent) => void,
): RunFiles {
  const logsDir = join(runDir, "logs");
  const clock = clockFrom(zeroMonotonicMs);
  const journal = continueJournal(runDir, clock, onEvent);
  return { runId, runDir, logsDir, journal, samples: openSampleWriter(runDir), clock, zeroMonotonicMs };
}
