// Goes on with a run whose harness died, in its own folder and on its own time: by the reaper of a detached run, or by hand after a crash or a
// reboot. What the dead harness left in force is healed first; what is left of its load is ended.
import { readPlanFile } from "../journal/plan-file.ts";
import { eventsIn } from "../journal/journal-reader.ts";
import type { Plan } from "../plan/plan.ts";
import { operationNames } from "../scenario/operations-spec.ts";
import { readStackRecord } from "../stack/record.ts";
import { monotonicMs, systemClock } from "../support/clock.ts";
import { usageError } from "../support/errors.ts";
import { bootId } from "../support/process-identity.ts";
import { registerSecretsOf } from "../support/redact.ts";
import { axisOf } from "./axis.ts";
import { tellHeals } from "./behind-back.ts";
import { withFolder } from "./conductor.ts";
import { endLoad } from "./end-load.ts";
import { healRun } from "./heal-run.ts";
import { openLedger, readLedger } from "./ledger.ts";
import { acquireLock } from "./lock.ts";
import { resumePointOf } from "./resume-point.ts";
import { continueRunFiles, type RunFiles } from "./run-files.ts";
import { runState, whyNotResumable, type RunState } from "./run-state.ts";
import type { RunRequest, RunResult } from "./run-request.ts";

export interface Resumed {
  readonly state: RunState;
  readonly plan: Plan;
  /** Absolute path of the k6 script. */
  readonly scriptPath: string;
  /** Absolute path of the journey script, where the run has one. */
  readonly journeyPath?: string;
  /** The working directory that the run's commands are relative to. */
  readonly cwd: string;
}

/** The plan of a run that can be resumed. Throws a usage error that says why not, and what can be done instead. */
export function readResumable(runDir: string, by: "reaper" | "user"): Resumed {
  const { plan: written, planFileHash } = readPlanFile(runDir);
  const state = runState(runDir);
  const { runId, opened } = state;
  const refuse = (code: string, text: string, hint: string): Error =>
    usageError(code, `${runId} cannot be resumed: ${text}`, { hint });
  if (state.harnessLives)
    throw refuse("run-in-progress", "it is going on", `look at it: kiln watch ${runId}`);
  if (by === "user" && state.reapers.length > 0) {
    const hint = `wait for it: kiln watch ${runId}`;
    throw refuse(
      "run-in-progress",
      "its reaper is at work: it heals a run, and resumes a detached one",
      hint,
    );
  }
  const why = whyNotResumable(state);
  const [header] = eventsIn(state.events, "run-started");
  if (
    why !== undefined ||
    opened?.cwd === undefined ||
    opened.scriptPath === undefined ||
    header === undefined
  ) {
    const over = state.ended !== undefined;
    const hint = over ? `see its report: kiln report ${runId}` : `clean up after it: kiln heal ${runId}`;
    throw refuse("run-not-resumable", why ?? "its ledger does not say how to go on", hint);
  }
  if (header.planFileHash !== undefined && header.planFileHash !== planFileHash) {
    const text = "plan.json is not the plan that was run: it was changed since";
    throw refuse("plan-changed", text, `put the file back as it was, or end the run: kiln heal ${runId}`);
  }
  // plan.json is redacted, and what is started again needs its secrets: they stand in stack.json, which only its owner may read.
  const stack = readStackRecord(runDir)?.spec ?? written.stack;
  for (const service of stack.services) if (service.kind === "program") registerSecretsOf(service.env ?? {});
  for (const name of operationNames) registerSecretsOf(stack.operations?.[name]?.env ?? {});
  const { scriptPath, journeyPath, cwd } = opened;
  const journey = journeyPath === undefined ? {} : { journeyPath };
  return { state, plan: { ...written, stack }, scriptPath, ...journey, cwd };
}

/** Resolves once all is taken down; rejects when the run cannot be gone on with at all (lock held, journal or samples unreadable). */
export async function resumeRun(
  { state }: Resumed,
  request: RunRequest,
  by: "reaper" | "user",
  interrupt: AbortSignal,
): Promise<RunResult> {
  const { runDir, runId } = state;
  const lock = acquireLock({ runId, runDir, wallMs: systemClock.wallMs(), takeOver: true });
  try {
    if (by === "user") await countResume(state);
    // Read again: who counted may have been another process.
    const now = runState(runDir);
    const axis = axisOf(now.events, {
      bootId: bootId(),
      monotonicMs: monotonicMs(),
      wallMs: systemClock.wallMs(),
    });
    if (axis === undefined) throw new TypeError("a resumable run has a header");
    const point = resumePointOf({ state: now, plan: request.plan, axis, by });
    const files = continueRunFiles(runId, runDir, axis.zeroMonotonicMs, request.onEvent);
    request.onFolder(runDir);
    const prepare = (): Promise<void> => settleWithTheDead(request, files, now);
    return await withFolder(request, files, interrupt, { point, prepare });
  } finally {
    lock.release();
  }
}

async function countResume({ runDir, resumes }: RunState): Promise<void> {
  const ledger = await openLedger(runDir);
  await ledger.append({ op: "resume", attempt: resumes + 1, by: "user" });
  await ledger.close();
}

/** Faults first: they are what must not outlive the harness. Then the journal is told of every heal that it does not know. */
async function settleWithTheDead(request: RunRequest, files: RunFiles, { events }: RunState): Promise<void> {
  const { runDir, journal, zeroMonotonicMs } = files;
  const { failed } = await healRun(runDir, { by: "harness", faults: request.faults });
  for (const { fault, error } of failed) {
    const text = `${fault.id} of the dead harness could not be healed: ${error}`;
    journal.write({ type: "note", level: "error", text });
  }
  await endLoad(runDir);
  tellHeals({ events, entries: readLedger(runDir), axis: { zeroMonotonicMs }, journal });
}
