// The StackHandle of a process stack, made from its record alone: the live run uses it, and so does a reaper that never started anything.
import { callAgent } from "../agent/agent-client.ts";
import type { LinkSpec, ProgramService, ServiceSpec } from "../scenario/stack-spec.ts";
import { deadline } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import type { Json } from "../support/json.ts";
import { type Listener, listenersOn, signalProcess, stillListens } from "../support/process-identity.ts";
import { exchange } from "./exchange.ts";
import { httpRequest } from "./http.ts";
import { membersOf } from "./membership.ts";
import { agentSocketName, configPath, portsOf, scratchDir } from "./record.ts";
import type { AgentLink, ControlLink, LinkProxy, ServiceProcess, StackHandle, StackRecord } from "./stack.ts";
import { type ToxiproxyControl, toxiproxyControl } from "./toxiproxy.ts";

const host = "127.0.0.1";

export function processHandle(record: StackRecord): StackHandle {
  const { spec, runDir, servicePorts, linkPorts } = record;
  const control = toxiproxyControl({ host, port: record.toxiproxyPort });
  const service = (name: string): ServiceSpec => byName(spec.services, name, "service");
  const program = (name: string): ProgramService => {
    const found = service(name);
    if (found.kind === "program") return found;
    throw environmentError("stack-no-such-part", `service ${name} is no program of the stack's own`);
  };
  const at = (name: string) => ({ host, port: portOf(servicePorts, service(name).name) });
  const linkAt = (name: string) => ({ host, port: portOf(linkPorts, byName(spec.links, name, "link").name) });
  const processes = new Map<string, ServiceProcess>();
  return {
    spec,
    scratchDir: scratchDir(runDir),
    proxy: (name) => {
      const link = byName(spec.links, name, "link");
      return linkProxy(link, service(link.to), linkAt(name), at(link.to), control);
    },
    process: (name) => {
      const known = processes.get(name) ?? serviceProcess(record, at(name).port);
      processes.set(name, known);
      return known;
    },
    agent: (name) => agentLink(record, program(name)),
    control: (name) => controlLink(at(name), program(name)),
    configFile: (name) => configPath(runDir, byName(spec.configFiles ?? [], name, "config file")),
    http: (name, path, { link, ...question }) =>
      httpRequest(link === undefined ? at(name) : linkAt(link), { ...question, path }),
  };
}

function byName<T extends { readonly name: string }>(items: readonly T[], name: string, what: string): T {
  const found = items.find((item) => item.name === name);
  if (found !== undefined) return found;
  const known = items.map((item) => item.name).join(", ") || "none";
  throw environmentError("stack-no-such-part", `the stack has no ${what} ${name} (it has: ${known})`);
}

function portOf(ports: Readonly<Record<string, number>>, name: string): number {
  const port = ports[name];
  if (port === undefined)
    throw environmentError("stack-no-such-part", `the stack's record has no port for ${name}`);
  return port;
}

interface At {
  readonly host: string;
  readonly port: number;
}

function linkProxy(
  link: LinkSpec,
  target: ServiceSpec,
  listen: At,
  direct: At,
  control: ToxiproxyControl,
): LinkProxy {
  return {
    link,
    ...listen,
    addToxic: (toxic) => control.addToxic(link.name, toxic),
    removeToxic: (name) => control.removeToxic(link.name, name),
    setEnabled: (enabled) => control.setEnabled(link.name, enabled),
    state: () => control.state(link.name),
    exchange: (signal) => exchange(target, listen, signal),
    exchangeDirect: (signal) => exchange(target, direct, signal),
  };
}

function serviceProcess(record: StackRecord, port: number): ServiceProcess {
  let last: Listener | undefined;
  return {
    find: () => {
      // Most looks find the process of the last look: only its own descriptors are read then, instead of all of the machine's processes.
      if (last !== undefined && stillListens(last)) return last.identity;
      const members = membersOf({ runId: record.runId, runDir: record.runDir, ports: portsOf(record) });
      [last] = listenersOn(
        [port],
        members.map(({ identity }) => identity.pid),
      );
      return last?.identity;
    },
    signal: signalProcess,
  };
}

function agentLink(record: StackRecord, service: ProgramService): AgentLink {
  const socket = agentSocketName(record.runId, service.name);
  return {
    call: (command, params, signal) =>
      callAgent({ socket, token: record.agentToken, command, params, signal }),
  };
}

function controlLink(at: At, service: ProgramService): ControlLink {
  const ask = async (method: string, signal: AbortSignal, body?: Json): Promise<string> => {
    const path = service.controlPath;
    if (path === undefined)
      throw environmentError("stack-no-such-part", `service ${service.name} has no control endpoint`);
    const limit = deadline(5_000, signal);
    const answer = await httpRequest(at, {
      path,
      method,
      signal: limit,
      ...(body === undefined ? {} : { body }),
    });
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    const text = `${method} ${path} of ${service.name} answered ${answer.status}: ${answer.body.slice(0, 200)}`;
    throw environmentError("control-refused", text);
  };
  return {
    set: async (settings, signal) => void (await ask("PUT", signal, settings)),
    get: async (signal) => JSON.parse(await ask("GET", signal)) as Json,
    clear: async (signal) => void (await ask("DELETE", signal)),
  };
}
