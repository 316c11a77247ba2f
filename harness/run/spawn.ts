// The Spawner: intent into the ledger, spawn, identity into the ledger. Children are leaders of their own session: a Ctrl-C in the
// terminal must reach only the harness, which heals before it ends them. Any of them can be found again by the marker in its environment.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { baseEnvironment } from "../support/base-environment.ts";
import { runMarker } from "../support/run-marker.ts";
import { environmentError } from "../support/errors.ts";
import { type ProcessIdentity, bootId, identify } from "../support/process-identity.ts";
import type { SpawnRequest, Spawned, Spawner } from "../support/spawner.ts";
import type { Ledger } from "./ledger.ts";

export interface SpawnerOptions {
  readonly ledger: Ledger;
  readonly runId: string;
  /** Absolute. */
  readonly runDir: string;
  readonly logsDir: string;
}

export function createSpawner(options: SpawnerOptions): Spawner {
  mkdirSync(options.logsDir, { recursive: true });
  let count = 0;
  return async (request) => {
    count += 1;
    const id = `${request.name}#${count}`;
    for (const path of request.folders ?? []) await options.ledger.append({ op: "folder", path });
    await options.ledger.append({ op: "intent", id, what: "process", text: request.name });
    const spawned = await start(request, options);
    // A program may end while the ledger is flushed, and Node then throws away output that nobody listens to yet.
    const hold = (): void => undefined;
    spawned.child.stdout?.on("readable", hold);
    await options.ledger.append({ op: "done", id, identity: spawned.identity });
    spawned.child.stdout?.off("readable", hold);
    return spawned;
  };
}

async function start(request: SpawnRequest, options: SpawnerOptions): Promise<Spawned> {
  const logFile = join(options.logsDir, `${request.name.replaceAll(/[^\w.-]/g, "_")}.log`);
  const log = openSync(logFile, "a");
  let child: ChildProcess;
  try {
    child = spawn(request.command, [...request.args], {
      cwd: request.cwd,
      env: { ...baseEnvironment(), ...request.env, [runMarker]: options.runId },
      stdio: ["ignore", request.stdout === "pipe" ? "pipe" : log, log],
      detached: true,
    });
  } finally {
    closeSync(log);
  }
  // Read at once: a program that ends immediately is gone from /proc when the event loop comes round again.
  const identity = child.pid === undefined ? undefined : (identify(child.pid) ?? ended(child.pid));
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) => {
      reject(
        environmentError("spawn-failed", `cannot start ${request.name} (${request.command})`, {
          hint: `check that ${request.command} exists and can be executed, and that ${request.cwd} is a folder`,
          cause: error,
        }),
      );
    });
  });
  if (identity === undefined) throw new TypeError("a spawned process has a pid");
  // Later errors come from kill() alone, and Kiln signals by identity instead.
  child.on("error", () => undefined);
  return { name: request.name, identity, child, logFile, exited };
}

/** An identity that no living process has: the program had ended before it could be looked at. */
function ended(pid: number): ProcessIdentity {
  return { pid, startTicks: -1, bootId: bootId() };
}
