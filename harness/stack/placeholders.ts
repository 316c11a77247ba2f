// Replaces the placeholders of a stack description ({port:…}, {link:…}, {dir}, {dir:…}, {config:…}, {log:…}, {volume}, {start:…}, {token};
// see stack-spec.ts).
import { join } from "node:path";
import { usageError } from "../support/errors.ts";
import { configPath, logsDir, serviceDir } from "./record.ts";
import { startScriptPath } from "./start-script.ts";
import type { StackRecord } from "./stack.ts";
import { volumePath } from "./volumes.ts";

/** `text` for `service` with every placeholder replaced. Throws `stack-placeholder` (usage) for one that names nothing in the stack. */
export function fillPlaceholders(text: string, service: string, record: StackRecord): string {
  return text.replaceAll(
    /\{(port|link|dir|config|log|volume|start|token)(?::([^{}]*))?\}/g,
    (whole, kind: string, target?: string) => {
      const value = valueOf(kind, target, service, record);
      if (value !== undefined) return value;
      const { services, links, configFiles = [] } = record.spec;
      const start = services.filter((candidate) => candidate.kind !== "program");
      const known =
        { port: services, dir: services, log: services, link: links, config: configFiles, start }[kind] ?? [];
      throw usageError(
        "stack-placeholder",
        `stack ${record.spec.name}, service ${service}: ${whole} names nothing`,
        {
          hint: `${kind} takes one of: ${known.map(({ name }) => name).join(", ") || "(there is none)"}`,
        },
      );
    },
  );
}

function valueOf(
  kind: string,
  target: string | undefined,
  service: string,
  record: StackRecord,
): string | undefined {
  const { runDir, spec, servicePorts, linkPorts } = record;
  if (kind === "dir" && target === undefined) return serviceDir(runDir, service);
  if (kind === "volume") {
    const owner = spec.services.find(({ name }) => name === service);
    return target === undefined && owner?.volume !== undefined ? volumePath(runDir, owner) : undefined;
  }
  if (kind === "token") return target === undefined ? record.controlToken : undefined;
  if (target === undefined) return undefined;
  if (kind === "start") {
    const server = spec.services.find(({ name }) => name === target);
    return server === undefined || server.kind === "program" ? undefined : startScriptPath(runDir, target);
  }
  if (kind === "link") return linkPorts[target] === undefined ? undefined : `127.0.0.1:${linkPorts[target]}`;
  if (kind === "config") {
    const file = spec.configFiles?.find(({ name }) => name === target);
    return file === undefined ? undefined : configPath(runDir, file);
  }
  if (servicePorts[target] === undefined) return undefined;
  if (kind === "port") return String(servicePorts[target]);
  return kind === "dir" ? serviceDir(runDir, target) : join(logsDir(runDir), `${target}.log`);
}
