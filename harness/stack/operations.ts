// The stack's own operations as commands that run to their end (docs/stacks.md). They are members of the run like everything else that Kiln
// starts, and bear the id of what they are run for: a new process can so end what a dead one has left running, before it undoes it.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { baseEnvironment } from "../support/base-environment.ts";
import { deadline, eventually } from "../support/clock.ts";
import { environmentError, messageOf } from "../support/errors.ts";
import { runMarker } from "../support/run-marker.ts";
import { type ProcessIdentity, environmentOf, isAlive, signalProcess } from "../support/process-identity.ts";
import { membersOf } from "./membership.ts";
import { fillPlaceholders } from "./placeholders.ts";
import { logsDir, operationsDir } from "./record.ts";
import { lastLines } from "./servers/log-tail.ts";
import type { OperationEnd, OperationRequest, OperationRunner, StackRecord } from "./stack.ts";

/** Name of the variable that holds the id of what a command is run for. */
const stepMarker = "KILN_STEP";
/** From SIGTERM to SIGKILL: a command may have to put something back before it ends. */
const graceMs = 5_000;
/** From SIGKILL until the process is gone. */
const killedMs = 2_000;

export function operationsOf(record: StackRecord): OperationRunner {
  return {
    run: (request) => run(record, request),
    endAll: (id) => endAll(record, id),
  };
}

async function run(record: StackRecord, request: OperationRequest): Promise<OperationEnd> {
  const { id, command, signal } = request;
  const logFile = join(logsDir(record.runDir), `${id}.log`);
  const own = new AbortController();
  const limit = deadline(command.withinMs, AbortSignal.any([signal, own.signal]));
  limit.throwIfAborted();
  const child = start(record, request, logFile);
  try {
    const end = await endOf(child, limit);
    if (end !== undefined) return { ...end, said: lastLines(logFile, 3).trim() };
  } finally {
    own.abort();
  }
  // Its time is up, or somebody ended it: nothing of it may go on behind the back of what comes next.
  await endAll(record, id);
  const why = signal.aborted ? messageOf(signal.reason) : `it was not done within ${command.withinMs} ms`;
  throw environmentError("operation-ended", `${command.command.join(" ")} was ended: ${why}`);
}

function start(
  record: StackRecord,
  { id, command, env = {}, values = {} }: OperationRequest,
  logFile: string,
): ChildProcess {
  const { runDir, runId, cwd } = record;
  const folder = operationsDir(runDir);
  for (const path of [folder, logsDir(runDir)]) mkdirSync(path, { recursive: true });
  const known: Readonly<Record<string, string>> = { ...values, dir: folder };
  const fill = (text: string): string =>
    fillPlaceholders(
      text.replaceAll(/\{(\w+)\}/g, (whole, name: string) => known[name] ?? whole),
      "operations",
      record,
    );
  const [program = "", ...args] = command.command.map(fill);
  const own = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, fill(value)]));
  const log = openSync(logFile, "a", 0o600);
  try {
    return spawn(program === "node" ? process.execPath : program, args, {
      cwd: cwd ?? process.cwd(),
      env: { ...baseEnvironment(), ...own, [runMarker]: runId, [stepMarker]: id },
      stdio: ["ignore", log, log],
      // A Ctrl-C in the terminal reaches only the harness, which undoes what is under way.
      detached: true,
    });
  } finally {
    closeSync(log);
  }
}

/** Undefined when the signal aborted first. */
async function endOf(
  child: ChildProcess,
  signal: AbortSignal,
): Promise<Pick<OperationEnd, "code" | "signal"> | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<
    Pick<OperationEnd, "code" | "signal"> | undefined
  >();
  const onAbort = (): void => resolve(undefined);
  signal.addEventListener("abort", onAbort, { once: true });
  child.once("exit", (code, killedBy) => resolve({ code, signal: killedBy }));
  child.once("error", (error) =>
    reject(
      environmentError("operation-not-started", `cannot start ${child.spawnfile}`, {
        hint: "check the command in the stack's operations",
        cause: error,
      }),
    ),
  );
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Whoever bears the id, and whom these have started: told to end, and made to when they do not. */
async function endAll({ runDir, runId }: StackRecord, id: string): Promise<void> {
  // Some servers write over their environment: they are known by whose children they were.
  const known = new Map<string, ProcessIdentity>();
  const left = (): ProcessIdentity[] => {
    const pids = new Set([...known.values()].filter(isAlive).map(({ pid }) => pid));
    for (const { identity, parentPid } of membersOf({ runId, runDir })) {
      const { pid, startTicks } = identity;
      if (!pids.has(parentPid) && !environmentOf(pid).includes(`${stepMarker}=${id}`)) continue;
      pids.add(pid);
      known.set(`${pid}/${startTicks}`, identity);
    }
    return [...known.values()].filter(isAlive);
  };
  const gone = (ms: number): Promise<boolean> =>
    eventually(() => (left().length === 0 ? true : undefined), deadline(ms)).catch(() => false);
  for (const identity of left()) {
    signalProcess(identity, "SIGTERM");
    // One that is stopped would keep the signal pending.
    signalProcess(identity, "SIGCONT");
  }
  if (await gone(graceMs)) return;
  for (const identity of left()) signalProcess(identity, "SIGKILL");
  if (await gone(killedMs)) return;
  const pids = left().map(({ pid }) => pid);
  throw environmentError("operation-left", `commands of ${id} still run: ${pids.join(", ")}`);
}
