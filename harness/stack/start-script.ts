// How the stack's own watchdog can start a server again: an executable script in the run folder that becomes that server, with the arguments,
// account, environment, folder and log of the process that Kiln started. Its environment carries the run's marker: what is started by it is
// found by its port like any other, and is ended with the run, also when the harness is dead.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { baseEnvironment } from "../support/base-environment.ts";
import type { SpawnRequest } from "../support/spawner.ts";
import { runMarker } from "../support/run-marker.ts";
import { logsDir, serviceDir } from "./record.ts";
import type { Launch } from "./servers/server.ts";
import type { StackRecord } from "./stack.ts";

export function startScriptPath(runDir: string, service: string): string {
  return join(serviceDir(runDir, service), "start");
}

/** One for each part that may be started by somebody else; to be called before anything that is told of them is started. */
export function writeStartScripts(record: StackRecord, launches: readonly Launch[]): void {
  for (const { request } of launches) {
    if (request === undefined) continue;
    const path = startScriptPath(record.runDir, request.name);
    // Whole or not there: it may be read while it is written anew.
    writeFileSync(`${path}.new`, startScript(record, request), { mode: 0o700 });
    renameSync(`${path}.new`, path);
  }
}

function startScript({ runDir, runId }: StackRecord, request: SpawnRequest): string {
  const { name, command, args, cwd, env } = request;
  const environment = { ...baseEnvironment(), ...env, [runMarker]: runId };
  const settings = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
  const words = [...settings, command, ...args].map(quoted).join(" ");
  return [
    "#!/bin/sh",
    `# Becomes ${name} of run ${runId}, as Kiln starts it. For whoever looks after it inside the stack.`,
    `cd ${quoted(cwd)} || exit 1`,
    `exec env -i ${words} </dev/null >>${quoted(join(logsDir(runDir), `${name}.log`))} 2>&1`,
    "",
  ].join("\n");
}

/** One word for a POSIX shell, whatever is in it. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
