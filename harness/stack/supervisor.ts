// The processes that Kiln itself started for the stack: start and wait until ready, end in good order within a deadline.
import { join } from "node:path";
import { type Clock, deadline, eventually, sleep } from "../support/clock.ts";
import { environmentError, messageOf } from "../support/errors.ts";
import { type ProcessIdentity, isAlive, signalProcess } from "../support/process-identity.ts";
import type { Spawned } from "../support/spawner.ts";
import { logsDir } from "./record.ts";
import { lastLines } from "./servers/log-tail.ts";
import type { BringUpContext, Launch } from "./servers/server.ts";

/** What has to be known of a process to be in charge of it. */
export type PartProcess = Pick<Spawned, "identity" | "exited">;

export interface Supervisor {
  /** Prepares, starts and awaits a part. */
  bring(launch: Launch): Promise<void>;
  /** Waits for a part that another one starts; its log is the starter's. */
  awaitReady(launch: Launch, starter: string): Promise<void>;
  /** Starts a part again that was brought up before and has been ended. */
  restart(launch: Launch): Promise<void>;
  /** Takes charge of a part that somebody else started. */
  adopt(launch: Launch, spawned: PartProcess): void;
  /** Ends what was started under that name: its stop signal, then SIGKILL after 5 s. Nothing to do is fine. */
  end(name: string): Promise<void>;
  /** SIGKILL, and waits until the process is gone. */
  endProcess(identity: ProcessIdentity): Promise<void>;
}

const readyMs = 30_000;
/** One look at readiness. */
const lookMs = 2_000;
const stopMs = 5_000;

interface Started {
  readonly launch: Launch;
  readonly spawned: PartProcess;
}

export function createSupervisor(context: BringUpContext): Supervisor {
  const started = new Map<string, Started>();
  const launchNow = async (launch: Launch): Promise<void> => {
    const spawned = await launch.start();
    started.set(launch.name, { launch, spawned });
    await waitUntilReady(launch, context, spawned, launch.name);
  };
  return {
    bring: async (launch) => {
      context.signal.throwIfAborted();
      await launch.prepare();
      await launchNow(launch);
      await launch.afterFirstStart();
    },
    awaitReady: (launch, starter) => waitUntilReady(launch, context, started.get(starter)?.spawned, starter),
    restart: launchNow,
    adopt: (launch, spawned) => void started.set(launch.name, { launch, spawned }),
    end: async (name) => {
      const entry = started.get(name);
      if (entry === undefined) return;
      started.delete(name);
      await stop(entry.spawned.identity, entry.launch.stopSignal, context.clock);
    },
    endProcess: (identity) => stop(identity, "SIGKILL", context.clock),
  };
}

async function stop(identity: ProcessIdentity, signal: NodeJS.Signals, clock: Clock): Promise<void> {
  if (!signalProcess(identity, signal)) return;
  // A stopped process (a pause fault, a debugger) would keep the signal pending.
  signalProcess(identity, "SIGCONT");
  const gone = async (): Promise<boolean> => {
    const untilMs = clock.nowMs() + stopMs;
    while (isAlive(identity) && clock.nowMs() < untilMs) await sleep(20, undefined, clock);
    return !isAlive(identity);
  };
  if (await gone()) return;
  signalProcess(identity, "SIGKILL");
  // If even that does not end it in time, the sweep that follows reports it.
  await gone();
}

async function waitUntilReady(
  launch: Launch,
  context: BringUpContext,
  spawned: PartProcess | undefined,
  logName: string,
): Promise<void> {
  const limit = deadline(readyMs, context.signal);
  const log = join(logsDir(context.record.runDir), `${logName}.log`);
  let lastError: unknown;
  const notReady = (why: string): Error =>
    environmentError(
      "service-not-ready",
      `${launch.name} ${why} (awaited: ${launch.awaited})\n${lastLines(log)}`,
      {
        hint: `see ${log}`,
        cause: lastError,
      },
    );
  const look = async (): Promise<true | undefined> => {
    if (spawned !== undefined && !isAlive(spawned.identity)) {
      const { code, signal } = await spawned.exited;
      throw notReady(`ended before it was ready (${signal ?? `exit code ${code}`})`);
    }
    try {
      await launch.ready(deadline(lookMs, limit));
      return true;
    } catch (error) {
      lastError = error;
      return undefined;
    }
  };
  try {
    await eventually(look, limit, 50, context.clock);
  } catch (error) {
    context.signal.throwIfAborted();
    if (!limit.aborted) throw error;
    throw notReady(`was not ready within ${readyMs / 1_000} s: ${messageOf(lastError)}`);
  }
}
