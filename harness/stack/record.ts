// stack.json: what a process that did not start the stack needs to touch it, and where things lie in a run folder. It holds the run's
// tokens, hence mode 0600; whoever writes or reads it never writes them anywhere else. Read without a schema: only Kiln writes it, and only whole (renamed into place).
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { environmentError, hasErrno } from "../support/errors.ts";
import { registerSecret } from "../support/redact.ts";
import type { ConfigFileSpec } from "../scenario/stack-spec.ts";
import type { StackRecord } from "./stack.ts";

export function recordPath(runDir: string): string {
  return join(runDir, "stack.json");
}

export function writeStackRecord(record: StackRecord): void {
  const path = recordPath(record.runDir);
  keepSecrets(record);
  writeFileSync(`${path}.new`, `${JSON.stringify(record, undefined, 1)}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

/** The record of a run's stack; undefined when none was brought up. Throws `stack-record-unreadable` (environment). */
export function readStackRecord(runDir: string): StackRecord | undefined {
  const path = recordPath(runDir);
  try {
    const value = JSON.parse(readFileSync(path, "utf8")) as Partial<StackRecord> | null;
    if (value?.v !== 1 || value.spec === undefined) throw new SyntaxError("not a stack record of version 1");
    keepSecrets(value);
    return value as StackRecord;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw environmentError("stack-record-unreadable", `cannot read ${path}`, {
      hint: "the run's processes can still be ended; faults that need the stack cannot be healed from here",
      cause: error,
    });
  }
}

function keepSecrets({ agentToken = "", controlToken = "" }: Partial<StackRecord>): void {
  for (const token of [agentToken, controlToken]) registerSecret(token);
}

/** A service's own folder. */
export function serviceDir(runDir: string, service: string): string {
  return join(runDir, "stack", service);
}

/** Where PostgreSQL and Redis keep their data: the only part of a service's folder that is deleted with the stack. */
export function dataDir(runDir: string, service: string): string {
  return join(serviceDir(runDir, service), "data");
}

export function logsDir(runDir: string): string {
  return join(runDir, "logs");
}

/** What the stack's own operations share: `{dir}` in their commands. */
export function operationsDir(runDir: string): string {
  return join(runDir, "operations");
}

export function scratchDir(runDir: string): string {
  return join(runDir, "scratch");
}

export function configPath(runDir: string, file: ConfigFileSpec): string {
  return join(serviceDir(runDir, file.service), file.file);
}

/** All ports of the run: of services, proxies and the control plane. */
export function portsOf(record: StackRecord): number[] {
  return [record.toxiproxyPort, ...Object.values(record.servicePorts), ...Object.values(record.linkPorts)];
}

/** The name of the agent's abstract socket (without the leading NUL byte) in a service of a run. */
export function agentSocketName(runId: string, service: string): string {
  return `kiln-${runId}-${service}`;
}
