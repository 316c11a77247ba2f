// The StackHandle of a process stack, made from its record alone: the live run uses it, and so does a reaper that never started anything.
import { callAgent } from "../agent/agent-client.ts";
import type { LinkSpec, PostgresService, ProgramService, ServiceSpec } from "../scenario/stack-spec.ts";
import { deadline } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import type { Json } from "../support/json.ts";
import {
  type Listener,
  type ProcessIdentity,
  isAlive,
  listenersOn,
  signalProcess,
  stillListens,
} from "../support/process-identity.ts";
import { exchange } from "./exchange.ts";
import { httpRequest } from "./http.ts";
import { membersOf } from "./membership.ts";
import { operationsOf } from "./operations.ts";
import { agentSocketName, configPath, portsOf, scratchDir } from "./record.ts";
import { cgroupOf } from "./service-cgroup.ts";
import type {
  AgentLink,
  ControlLink,
  LinkProxy,
  RedisSession,
  ServiceProcess,
  SqlAccount,
  SqlSession,
  StackHandle,
  StackRecord,
} from "./stack.ts";
import { once, openRedis, openSql, postgresOperator } from "./store-access.ts";
import { talk } from "./talk.ts";
import { type ToxiproxyControl, toxiproxyControl } from "./toxiproxy.ts";
import { serviceVolume } from "./volumes.ts";

const host = "127.0.0.1";

/** `control` is the living run's, which replaces a Toxiproxy that is gone; any other process talks to whatever is there. */
export function processHandle(
  record: StackRecord,
  control: ToxiproxyControl = toxiproxyControl({ host, port: record.toxiproxyPort }),
): StackHandle {
  const { spec, runDir, servicePorts, linkPorts } = record;
  const service = (name: string): ServiceSpec => byName(spec.services, name, "service");
  const program = (name: string): ProgramService => {
    const found = service(name);
    if (found.kind === "program") return found;
    throw environmentError("stack-no-such-part", `service ${name} is no program of the stack's own`);
  };
  const at = (name: string) => ({ host, port: portOf(servicePorts, service(name).name) });
  const linkAt = (name: string) => ({ host, port: portOf(linkPorts, byName(spec.links, name, "link").name) });
  const processes = new Map<string, ServiceProcess>();
  const processOf = (name: string): ServiceProcess => {
    const known = processes.get(name) ?? serviceProcess(record, at(name).port);
    processes.set(name, known);
    return known;
  };
  return {
    spec,
    scratchDir: scratchDir(runDir),
    proxy: (name) => {
      const link = byName(spec.links, name, "link");
      return linkProxy(link, service(link.to), linkAt(name), at(link.to), control);
    },
    process: processOf,
    cgroup: (name) => cgroupOf(record, service(name).name, (one) => processOf(one).find()),
    volume: (name) => serviceVolume(runDir, service(name)),
    operations: operationsOf(record),
    agent: (name) => agentLink(record, program(name)),
    control: (name) => controlLink(at(name), program(name)),
    origin: (name) => `http://${host}:${at(name).port}`,
    configFile: (name) => configPath(runDir, byName(spec.configFiles ?? [], name, "config file")),
    http: (name, path, { link, ...question }) =>
      httpRequest(link === undefined ? at(name) : linkAt(link), { ...question, path }),
    exchange: (name, signal) => exchange(service(name), at(name), signal),
    ...stores(service, at),
  };
}

/** What Kiln asks of PostgreSQL and Redis under this application or client name unless it gives another. */
const ownName = "kiln";

function stores(
  service: (name: string) => ServiceSpec,
  at: (name: string) => At,
): Pick<StackHandle, "sql" | "sqlSession" | "redis" | "redisSession"> {
  const sqlSession = async (
    name: string,
    account: SqlAccount,
    as: string,
    signal: AbortSignal,
  ): Promise<SqlSession> => {
    const { user, database } = storeOf<PostgresService>(service(name), "postgres");
    return openSql(
      at(name),
      { user: account === "user" ? user : postgresOperator, database, name: as },
      signal,
    );
  };
  const redisSession = async (name: string, as: string, signal: AbortSignal): Promise<RedisSession> => {
    storeOf(service(name), "redis");
    return openRedis(at(name), as, signal);
  };
  return {
    sqlSession,
    redisSession,
    sql: (name, text, params, signal) =>
      once(
        () => sqlSession(name, "operator", ownName, signal),
        (session) => session.query(text, params, signal),
      ),
    redis: (name, args, signal) =>
      once(
        () => redisSession(name, ownName, signal),
        (session) => session.call(args, signal),
      ),
  };
}

function storeOf<S extends ServiceSpec>(service: ServiceSpec, kind: S["kind"]): S {
  if (service.kind === kind) return service as S;
  throw environmentError("stack-no-such-part", `service ${service.name} is no ${kind} of the stack`);
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
    updateToxic: (toxic, how) => control.updateToxic(link.name, toxic, how),
    removeToxic: (name) => control.removeToxic(link.name, name),
    setEnabled: (enabled) => control.setEnabled(link.name, enabled),
    state: () => control.state(link.name),
    exchange: (signal) => exchange(target, listen, signal),
    exchangeDirect: (signal) => exchange(target, direct, signal),
    talk: (request, signal) => talk(target, listen, request, signal),
    talkDirect: (request, signal) => talk(target, direct, request, signal),
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
    signal: (identity, signal) => {
      if (!isAlive(identity)) return false;
      assertMember(record, identity);
      return signalProcess(identity, signal);
    },
  };
}

/** The last guard before a signal: whatever a fault was told or remembers, only what the run itself started is hit. */
function assertMember(record: StackRecord, identity: ProcessIdentity): void {
  const { pid, startTicks } = identity;
  const { runId, runDir } = record;
  const ports = portsOf(record);
  const members = membersOf({ runId, runDir, ports }).map(({ identity }) => identity);
  if (members.some((member) => member.pid === pid && member.startTicks === startTicks)) return;
  // It ended while the others were looked at.
  if (!isAlive(identity)) return;
  throw environmentError("foreign-process", `process ${pid} was not started by run ${runId}: not signalled`);
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
