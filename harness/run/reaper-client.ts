// The harness's side of the reaper: starts it, keeps it, tells it that the harness lives, and dismisses it at the end.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { logsDir } from "../stack/record.ts";
import { baseEnvironment } from "../support/base-environment.ts";
import { deadline, everyTick, sleep } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import { lockPath } from "./lock.ts";

export interface Reaper {
  /** Of the reaper that lives now. */
  readonly pid: number;
  /** Says that the harness lives. Sent once a second anyway, from the event loop: only a harness that is stopped falls silent. */
  beat(): void;
  /** Dismisses it; resolves when it is gone. Idempotent. */
  bye(): Promise<void>;
}

const beatMs = 1_000;
const byeMs = 5_000;
const startMs = 20_000;
/** More deaths than this mean that it cannot run here, and that somebody must know. */
const mostDeaths = 10;

/**
 * Starts the reaper of a run (absolute folder, ledger already there). When it dies it is replaced and `onNote` is told. Rejects
 * with an environment error when it cannot be started.
 */
export async function startReaper(
  runDir: string,
  onNote: (text: string) => void = () => {},
): Promise<Reaper> {
  const over = new AbortController();
  let deaths = 0;
  let child = await launch(runDir);
  const keep = (current: ChildProcess): void => {
    current.once("exit", (code, signal) => {
      if (over.signal.aborted) return;
      deaths += 1;
      onNote(`the reaper ended (${signal ?? `exit code ${code}`}); starting another`);
      if (deaths > mostDeaths)
        onNote("the reaper keeps dying: nothing would clean up after a crash of this run");
      else void replace();
    });
  };
  const replace = async (): Promise<void> => {
    try {
      child = await launch(runDir);
      if (over.signal.aborted) say(child, "bye\n");
      else keep(child);
    } catch (error) {
      onNote(`the reaper cannot be started again: ${String(error)}`);
    }
  };
  keep(child);
  void everyTick(beatMs, () => say(child, "."), over.signal);
  const bye = async (): Promise<void> => {
    over.abort();
    say(child, "bye\n");
    const gone = new Promise<void>((resolve) => void child.once("exit", () => resolve()));
    if (child.exitCode !== null || child.signalCode !== null) return;
    const waited = new AbortController();
    const late = sleep(byeMs, waited.signal).then(
      () => child.kill("SIGKILL"),
      () => false,
    );
    await gone;
    waited.abort();
    await late;
  };
  return {
    get pid() {
      return child.pid ?? -1;
    },
    beat: () => say(child, "."),
    bye,
  };
}

function say(child: ChildProcess, text: string): void {
  if (child.stdin?.writable === true) child.stdin.write(text);
}

async function launch(runDir: string): Promise<ChildProcess> {
  mkdirSync(logsDir(runDir), { recursive: true });
  const log = openSync(join(logsDir(runDir), "reaper.log"), "a");
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [join(import.meta.dirname, "reaper.ts"), runDir], {
      // A session of its own, and a working directory that keeps no folder busy.
      detached: true,
      cwd: "/",
      env: { ...baseEnvironment(), KILN_LOCK_FILE: lockPath() },
      stdio: ["pipe", "pipe", log],
    });
  } finally {
    closeSync(log);
  }
  // Its death shows as an exit, which is acted on above; the broken pipe that comes with it says nothing more.
  child.stdin?.on("error", () => undefined);
  try {
    await watching(child);
  } catch (error) {
    child.kill("SIGKILL");
    throw environmentError("reaper-failed", "cannot start the reaper that cleans up after a crash", {
      hint: `see ${join(logsDir(runDir), "reaper.log")}`,
      cause: error,
    });
  }
  return child;
}

/** Resolves when it says that it watches and ignores signals: before that nothing may be put into the world. */
async function watching(child: ChildProcess): Promise<void> {
  const signal = deadline(startMs);
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`it ended with exit code ${code}`)));
    child.stdout?.once("data", () => resolve());
    signal.addEventListener("abort", () => reject(new Error(`it did not answer within ${startMs} ms`)), {
      once: true,
    });
  });
  child.stdout?.destroy();
}
