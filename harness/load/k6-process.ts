// One k6 process for one segment: started paused ahead of its time, released at the boundary, its rows read from a pipe (k6 ends with
// its reader, so it cannot outlive the harness), its CPU time and memory read from /proc while it lives.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { deadline, eventually, everyTick, sleep, type Clock } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import { processStat, signalProcess, ticksPerSecond } from "../support/process-identity.ts";
import type { Spawned, Spawner } from "../support/spawner.ts";
import { loadEnvironment } from "./contract.ts";
import { freePort } from "../support/free-ports.ts";
import { createK6Api, type K6Api } from "./k6-api.ts";
import { k6Failure, portTakenCode, stderrTail } from "./k6-failure.ts";
import type { RunSegment } from "./remaining.ts";

export interface K6Settings {
  readonly k6: string;
  /** Absolute path of the k6 script. */
  readonly scriptPath: string;
  readonly targetUrl: string;
  readonly seed: string;
  readonly timeoutMs: number;
  readonly spawn: Spawner;
  readonly clock: Clock;
  /** k6's working directory. */
  readonly workDir: string;
}

export interface K6End {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly cpuMs: number;
  readonly peakRssBytes: number;
  /** The end of its log. */
  readonly log: string;
}

export interface K6Process {
  readonly pid: number;
  /**
   * Lets the segment begin at `atMs` of the clock (how exactly: see `releaseLeadMs`). Late when called late.
   * Rejects when k6 does not answer, or with the signal's reason.
   */
  release(atMs: number, signal: AbortSignal): Promise<void>;
  /** Ends k6: SIGINT, by which it hands over its last rows, then SIGKILL. Resolves when it is gone. Idempotent. */
  stop(): Promise<void>;
  /** Resolves when k6 has ended and its stream is read to the end. Never rejects. */
  readonly ended: Promise<K6End>;
}

const readyWithinMs = 20_000;
const interruptWithinMs = 3_000;
const startAttempts = 3;

/**
 * The PATCH is sent this much before the boundary. Measured on two cores (k6 v2.2.0, 43 releases, machine half busy): k6's grid of starts
 * then begins 0.06 ms before to 0.7 ms after the boundary in the typical case, and no start comes earlier. The very first start is later,
 * because k6 activates its users after the grid's zero: 2 to 5 ms with 163 users, 7 to 12 ms with 438 (there the second one, too).
 * A larger lead would make every other start of the segment early.
 */
const releaseLeadMs = 0.8;
/** Timers fire up to about 1 ms late, so the last stretch before a release is spun through. */
const spinMs = 3;

/** Starts k6 for a segment and resolves when it waits, paused, with all users made. Rejects with a usage error for a wrong script. */
export async function startK6(
  settings: K6Settings,
  segment: RunSegment,
  onData: (chunk: Uint8Array) => void,
): Promise<K6Process> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort(`k6 ${process.pid} ${segment.index} ${attempt}`);
    const spawned = await spawnK6(settings, segment, port);
    const log = stderrTail(spawned);
    const running = follow(settings, spawned, log, onData);
    const api = createK6Api(port);
    try {
      const exitCode = await readyOrEnded(settings.clock, api, running.ended);
      if (exitCode === "ready")
        return { ...running, pid: spawned.identity.pid, release: releaser(settings.clock, api) };
      if (exitCode !== portTakenCode || attempt === startAttempts) {
        throw k6Failure("before its segment began", exitCode, log(), settings.scriptPath);
      }
    } catch (error) {
      await running.stop();
      api.close();
      throw error;
    }
    api.close();
  }
}

async function spawnK6(settings: K6Settings, segment: RunSegment, port: number): Promise<Spawned> {
  // Options of a user's own k6 configuration must not leak into a run.
  const config = join(settings.workDir, "k6-config.json");
  writeFileSync(config, "{}\n");
  const flags = ["--paused", "--address", `127.0.0.1:${port}`, "--out", "csv=-", "--config", config];
  const quiet = [
    "--no-thresholds",
    "--summary-mode=disabled",
    "--no-setup",
    "--no-teardown",
    "--quiet",
    "--no-color",
  ];
  return settings.spawn({
    name: `k6-${segment.index}`,
    command: settings.k6,
    args: ["run", ...flags, ...quiet, settings.scriptPath],
    env: {
      [loadEnvironment.target]: settings.targetUrl,
      [loadEnvironment.seed]: settings.seed,
      [loadEnvironment.segment]: String(segment.index),
      [loadEnvironment.rps]: String(segment.rps),
      [loadEnvironment.durationMs]: String(segment.endMs - segment.startMs),
      [loadEnvironment.users]: String(segment.users),
      [loadEnvironment.timeoutMs]: String(settings.timeoutMs),
      [loadEnvironment.firstIteration]: String(segment.first ?? 0),
      K6_CSV_TIME_FORMAT: "rfc3339_nano",
      // k6 holds rows back for 1 s by default; they are lost when it is killed.
      K6_CSV_SAVE_INTERVAL: "250ms",
      K6_NO_USAGE_REPORT: "true",
      K6_AUTO_EXTENSION_RESOLUTION: "false",
      TZ: "UTC",
    },
    cwd: settings.workDir,
    stdout: "pipe",
  });
}

function follow(
  { clock }: K6Settings,
  spawned: Spawned,
  log: () => string,
  onData: (chunk: Uint8Array) => void,
): Pick<K6Process, "stop" | "ended"> {
  const { identity, child } = spawned;
  if (child.stdout === null) throw environmentError("k6-no-pipe", "the spawner gave no pipe for k6's stdout");
  child.stdout.on("data", onData);
  let cpuMs = 0;
  let peakRssBytes = 0;
  const look = (): void => {
    const stat = processStat(identity.pid);
    if (stat?.identity.startTicks !== identity.startTicks) return;
    cpuMs = (stat.cpuTicks * 1_000) / ticksPerSecond;
    peakRssBytes = Math.max(peakRssBytes, stat.rssBytes);
  };
  const watching = new AbortController();
  const watched = everyTick(1_000, look, watching.signal, clock);
  // The pipe closes while the process is still on its way out: one more look than the last whole second.
  child.stdout.once("end", look);

  const ended = spawned.exited.then(async ({ code }): Promise<K6End> => {
    watching.abort();
    await watched;
    return { exitCode: code, cpuMs, peakRssBytes, log: log() };
  });
  let stopping: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    signalProcess(identity, "SIGINT");
    const patience = new AbortController();
    await Promise.race([
      ended,
      sleep(interruptWithinMs, patience.signal, clock).catch(ignoreAbort(patience.signal)),
    ]);
    patience.abort();
    signalProcess(identity, "SIGKILL");
    await ended;
  };
  return { ended, stop: () => (stopping ??= end()) };
}

function ignoreAbort(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}

async function readyOrEnded(
  clock: Clock,
  api: K6Api,
  ended: Promise<K6End>,
): Promise<"ready" | number | null> {
  const patience = new AbortController();
  const limit = AbortSignal.any([patience.signal, deadline(readyWithinMs)]);
  const ready = eventually(
    async () => ((await api.isReady(limit)) === true ? ("ready" as const) : undefined),
    limit,
    20,
    clock,
  );
  try {
    return await Promise.race([ready, ended.then(({ exitCode }) => exitCode)]);
  } catch (error) {
    throw environmentError("k6-not-ready", `k6 was not ready within ${readyWithinMs / 1_000} s`, {
      cause: error,
    });
  } finally {
    patience.abort();
    await ready.catch(ignoreAbort(limit));
  }
}

function releaser(clock: Clock, api: K6Api): K6Process["release"] {
  return async (atMs, signal) => {
    // One call shortly before: the connection and k6's side of it are warm.
    await clock.sleepUntil(atMs - 100, signal);
    await api.isReady(deadline(50, signal));
    await clock.sleepUntil(atMs - releaseLeadMs - spinMs, signal);
    while (clock.nowMs() < atMs - releaseLeadMs) await nextTurn();
    signal.throwIfAborted();
    await api.release(deadline(5_000, signal));
    api.close();
  };
}
