// A small real stack for the faults' tests: Toxiproxy, a Redis, and two calm services with Kiln's agent in them, under the handle that a
// run would use; on request PostgreSQLs, a second Redis, and a service that another one keeps running. No watchdog: apart from that nobody
// mends anything here except the test.
import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { agentEnv, agentPreloadUrl } from "../../agent/agent-client.ts";
import type { ServiceSpec, StackSpec } from "../../scenario/stack-spec.ts";
import { exchange } from "../../stack/exchange.ts";
import { runMarker } from "../../support/run-marker.ts";
import { processHandle } from "../../stack/process-handle.ts";
import { agentSocketName, portsOf, scratchDir, serviceDir } from "../../stack/record.ts";
import type { StackHandle, StackRecord } from "../../stack/stack.ts";
import { sweep } from "../../stack/sweep.ts";
import { toxiproxyControl } from "../../stack/toxiproxy.ts";
import { deadline, eventually, systemClock } from "../../support/clock.ts";
import type { Json } from "../../support/json.ts";
import { loadTools, projectRoot } from "../../support/tools.ts";
import type { FaultContext } from "../fault.ts";
import { startDatabases, type Databases } from "./test-stores.ts";
import { freePort, startCalmService, startVictim, type Victim } from "./victim.ts";

const services = ["alpha", "beta"] as const;
type Service = (typeof services)[number];

export interface TestStack {
  readonly handle: StackHandle;
  /** What a fault remembered, by id; as JSON text, as a ledger would keep it. */
  readonly memories: Map<string, string>;
  /** A context as a run would make it; another call with the same id is another process after the first one's death. */
  context(id: string, limitMs?: number): FaultContext;
  /** Starts a service that is gone again, on its old port. Every one that was started can be. */
  revive(service: string): Promise<void>;
  stop(): Promise<void>;
}

export interface TestStackOptions {
  /** False starts nothing: for faults that only touch files. */
  readonly servers?: boolean;
  /** PostgreSQLs by name, each with user "app", who is no superuser, and database "app". */
  readonly databases?: readonly string[];
  /** A second Redis, "spare". */
  readonly spare?: boolean;
  /** "gamma", which "keeper" starts again as soon as it ends. */
  readonly keeper?: boolean;
}

export async function startTestStack(options: TestStackOptions = {}): Promise<TestStack> {
  const record = await newRecord(specFor(options));
  const handle = processHandle(record);
  for (const file of ["main", "other"]) writeConfig(handle.configFile(file), 1);
  const victims = new Map<string, Victim>();
  const start = async (service: Service): Promise<void> => {
    const socket = agentSocketName(record.runId, service);
    const env = agentEnv({
      socket,
      token: record.agentToken,
      main: "calm-service.mjs",
      preloadUrl: agentPreloadUrl,
    });
    victims.set(
      service,
      await startCalmService(
        { ...env, [runMarker]: record.runId, CONFIG_DIR: serviceDir(record.runDir, service) },
        record.servicePorts[service],
      ),
    );
    await eventually(
      () =>
        handle
          .agent(service)
          .call("ping", {}, deadline(1_000))
          .catch(() => undefined),
      deadline(15_000),
    );
  };
  const memories = new Map<string, string>();
  let databases: Databases | undefined;
  const stack: TestStack = {
    handle,
    memories,
    context: (id, limitMs = 30_000) => contextOf(stack, id, limitMs),
    revive: async (service) => {
      if (handle.process(service).find() !== undefined) return;
      const known = services.find((name) => name === service);
      if (known !== undefined) await start(known);
      else if (options.databases?.includes(service) === true) await databases?.revive(service);
      else if (service === "keeper" || service === "gamma") await startKeeper(record, victims);
      else await startRedis(record, victims, service);
    },
    stop: async () => {
      await Promise.all([...victims.values()].map((victim) => victim.stop()));
      await databases?.stop();
      // What a keeper started, and the shared memory of a PostgreSQL that a test killed.
      await sweep({ ...record, ports: portsOf(record) });
      rmSync(record.runDir, { recursive: true, force: true });
    },
  };
  if (options.servers === false) return stack;
  try {
    await startServers(record, victims);
    for (const service of services) await start(service);
    if (options.keeper === true) await startKeeper(record, victims);
    if (options.databases !== undefined) databases = await startDatabases(record);
  } catch (error) {
    await stack.stop();
    throw error;
  }
  return stack;
}

async function newRecord(spec: StackSpec): Promise<StackRecord> {
  const runDir = mkdtempSync(join(tmpdir(), "kiln-fault-test-"));
  mkdirSync(scratchDir(runDir), { recursive: true });
  const portsFor = async (list: readonly { readonly name: string }[]): Promise<Record<string, number>> => {
    const ports: Record<string, number> = {};
    for (const { name } of list) ports[name] = await freePort();
    return ports;
  };
  return {
    v: 1,
    runId: `test-${randomUUID()}`,
    runDir,
    spec,
    toxiproxyPort: await freePort(),
    servicePorts: await portsFor(spec.services),
    linkPorts: await portsFor(spec.links),
    agentToken: randomUUID(),
    controlToken: randomUUID(),
  };
}

const program = {
  kind: "program",
  command: ["node", "calm-service.mjs"],
  readyPath: "/health",
  agentMain: "calm-service.mjs",
  controlPath: "/control",
  controlProbe: { method: "POST", path: "/work", body: {} },
} as const;

const testSpec: StackSpec = {
  name: "fault-test",
  driver: "processes",
  services: [
    { ...program, name: "alpha" },
    { ...program, name: "beta" },
    { kind: "redis", name: "cache" },
  ],
  links: [
    { name: "alpha", from: "load", to: "alpha", essential: true },
    { name: "beta", from: "alpha", to: "beta" },
    { name: "cache", from: "alpha", to: "cache" },
  ],
  configFiles: [
    { name: "main", service: "alpha", file: "main.json", lockFile: "main.lock", readPath: "/config/main" },
    {
      name: "other",
      service: "alpha",
      file: "other.json",
      lockFile: "other.lock",
      readPath: "/config/other",
    },
  ],
};

function specFor({ databases = [], spare = false, keeper = false }: TestStackOptions): StackSpec {
  const postgres = databases.map((name): ServiceSpec => ({
    kind: "postgres",
    name,
    user: "app",
    database: "app",
  }));
  const echo = { kind: "program", command: ["node", "echo-server.ts"], readyPath: "/" } as const;
  const kept: ServiceSpec[] = [
    { ...echo, name: "keeper", command: ["node", "restarter.ts"] },
    { ...echo, name: "gamma", startedBy: "keeper" },
  ];
  return {
    ...testSpec,
    services: [
      ...testSpec.services,
      ...postgres,
      ...(spare ? ([{ kind: "redis", name: "spare" }] as const) : []),
      ...(keeper ? kept : []),
    ],
  };
}

/** A configuration state as a good service writes it. */
export function writeConfig(path: string, version: number): void {
  mkdirSync(dirname(path), { recursive: true });
  const state = {
    version,
    checksum: "0123456789abcdef".repeat(4),
    values: { cacheSeconds: 30, greeting: `hello: ${version}`, limits: { perMinute: 10 } },
  };
  writeFileSync(path, `${JSON.stringify(state, null, 2)}\n`);
}

async function startServers(record: StackRecord, victims: Map<string, Victim>): Promise<void> {
  const tools = loadTools();
  const control = toxiproxyControl({ host: "127.0.0.1", port: record.toxiproxyPort });
  const env = { [runMarker]: record.runId };
  const toxiproxy = await startVictim({
    command: tools.toxiproxy,
    args: ["-host", "127.0.0.1", "-port", String(record.toxiproxyPort)],
    env: { ...env, LOG_LEVEL: "error" },
    port: record.toxiproxyPort,
    ready: () => control.version(),
  });
  victims.set("toxiproxy", toxiproxy);
  for (const { name, kind } of record.spec.services)
    if (kind === "redis") await startRedis(record, victims, name);
  for (const [name, listenPort] of Object.entries(record.linkPorts)) {
    await control.createProxy({ name, listenPort, upstreamPort: record.servicePorts[name] ?? 0 });
  }
}

async function startRedis(record: StackRecord, victims: Map<string, Victim>, name: string): Promise<void> {
  const port = record.servicePorts[name] ?? 0;
  const redis = await startVictim({
    command: loadTools().redisServer,
    args: ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", record.runDir],
    env: { [runMarker]: record.runId },
    port,
    ready: () => exchange({ kind: "redis", name }, { host: "127.0.0.1", port }, deadline(1_000)),
  });
  victims.set(name, redis);
}

async function startKeeper(record: StackRecord, victims: Map<string, Victim>): Promise<void> {
  const port = record.servicePorts["keeper"] ?? 0;
  const childPort = record.servicePorts["gamma"] ?? 0;
  const ready = async (): Promise<void> => {
    for (const at of [port, childPort]) await (await fetch(`http://127.0.0.1:${at}/`)).arrayBuffer();
  };
  const keeper = await startVictim({
    command: loadTools().node,
    args: [join(projectRoot, "fixtures", "victims", "restarter.ts")],
    env: { CHILD_PORT: String(childPort), [runMarker]: record.runId },
    port,
    ready,
  });
  victims.set("keeper", keeper);
}

function contextOf({ handle, memories }: TestStack, id: string, limitMs: number): FaultContext {
  const signal = deadline(limitMs);
  return {
    id,
    stack: handle,
    clock: systemClock,
    signal,
    selfHealMs: 120_000,
    remember: (memory) => {
      memories.set(id, JSON.stringify(memory));
      return Promise.resolve();
    },
    recall: () => {
      const text = memories.get(id);
      return text === undefined ? undefined : (JSON.parse(text) as Json);
    },
  };
}

/** The jobs that the agent in a service still has, in words. */
export async function jobsOf({ handle }: TestStack, service: Service): Promise<string[]> {
  const { jobs } = (await handle.agent(service).call("status", {}, deadline(5_000))) as {
    jobs: readonly { id: string }[];
  };
  return jobs.map(({ id }) => `${service}: job ${id}`);
}
