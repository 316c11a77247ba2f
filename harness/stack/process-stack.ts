// The stack as processes of this machine: free ports, Toxiproxy with a proxy for each link, the servers, the programs. Its life is
// here; what faults and probes may touch is process-handle.ts. Everything is started through the run's spawner, so that it can be found
// and ended by another process if this one dies.
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { type StackSpec, isStandby, loadLink, startersIn } from "../scenario/stack-spec.ts";
import { type Clock, systemClock } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import { type ProcessIdentity, listenerOn, workingDirectory } from "../support/process-identity.ts";
import type { Spawned, Spawner } from "../support/spawner.ts";
import type { Tools } from "../support/tools.ts";
import { removeGroups } from "./control-groups.ts";
import { ControlPlane, type ControlPlaneChange } from "./control-plane.ts";
import { processHandle } from "./process-handle.ts";
import { membersOf } from "./membership.ts";
import { freePorts } from "../support/free-ports.ts";
import { replaceControlPlane } from "./replace-control-plane.ts";
import { dataDir, logsDir, portsOf, scratchDir, serviceDir, writeStackRecord } from "./record.ts";
import { postgresLaunch } from "./servers/postgres.ts";
import { programLaunch } from "./servers/program.ts";
import { redisLaunch } from "./servers/redis.ts";
import type { BringUpContext, Launch } from "./servers/server.ts";
import { toxiproxyLaunch, toxiproxyName } from "./servers/toxiproxy-server.ts";
import { writeStartScripts } from "./start-script.ts";
import type { LiveStack, StackRecord } from "./stack.ts";
import { createSupervisor, type Supervisor } from "./supervisor.ts";
import { deleteData, sweep } from "./sweep.ts";
import { toxiproxyControl } from "./toxiproxy.ts";
import { type MountListener, mountVolumes, unmountAll } from "./volumes.ts";

export interface BringUpOptions {
  /** Absolute; stack/, logs/, scratch/ and stack.json are made in it. */
  readonly runDir: string;
  readonly runId: string;
  readonly spawn: Spawner;
  readonly tools: Tools;
  /** Aborts the bring-up; what was started by then is ended before it rejects. */
  readonly signal: AbortSignal;
  readonly clock?: Clock;
  /** Told when Toxiproxy is found gone and when it was replaced. */
  readonly onControlPlane?: (change: ControlPlaneChange) => void;
  /** Told of each volume before it is mounted, and of one that could not be given its limit of size. */
  readonly mounts?: MountListener;
}

/**
 * Starts everything and waits until it is ready. Rejects with an environment error that names the part, what was awaited and the end of its
 * log (`service-not-ready`), or the signal's reason; nothing of the stack is left running then.
 */
export async function bringUp(spec: StackSpec, options: BringUpOptions): Promise<LiveStack> {
  const record = await recordFor(spec, options);
  makeFolders(record);
  // On the disk before the first process: a reaper needs it as soon as there is anything to take down.
  writeStackRecord(record);
  const { context, supervisor, stack } = carry(record, options);
  try {
    await mountVolumes(record, options.mounts ?? nobodyListens);
    await startAll(context, supervisor);
  } catch (error) {
    await stack.down();
    throw error;
  }
  return stack;
}

export interface Carried {
  readonly context: BringUpContext;
  readonly supervisor: Supervisor;
  readonly stack: LiveStack;
}

/** The stack of a record with its life in this process's hands. It starts nothing: bringUp does, or somebody did before (take-over.ts). */
export function carry(record: StackRecord, options: BringUpOptions): Carried {
  const { spawn, tools, signal, clock = systemClock } = options;
  const context: BringUpContext = { record, spawn, tools, clock, signal };
  const supervisor = createSupervisor(context);
  const proxies = keptProxies(context, supervisor, options);
  let downAgain: Promise<void> | undefined;
  const stack: LiveStack = {
    handle: processHandle(record, proxies.control),
    targetUrl: `http://127.0.0.1:${record.linkPorts[loadLink(record.spec).name]}`,
    restart: (service) => restart(service, context, supervisor),
    lookAtProxies: () => proxies.look(),
    forgetHarm: () => proxies.forgetHarm(),
    down: () => (downAgain ??= proxies.close().then(() => takeAllDown(record, supervisor, clock))),
  };
  return { context, supervisor, stack };
}

function keptProxies(
  context: BringUpContext,
  supervisor: Supervisor,
  { onControlPlane = () => undefined }: BringUpOptions,
): ControlPlane {
  const { record, spawn, tools, clock } = context;
  const launch = toxiproxyLaunch(context);
  const onStarted = (spawned: Spawned): void => supervisor.adopt(launch, spawned);
  return new ControlPlane({
    record,
    control: toxiproxyControl({ host: "127.0.0.1", port: record.toxiproxyPort }),
    replace: (desired) => replaceControlPlane({ record, spawn, tools, desired, clock, onStarted }),
    onChange: onControlPlane,
    clock,
  });
}

export const nobodyListens: MountListener = { announce: () => Promise.resolve(), note: () => undefined };

/** A record with free ports. */
export async function recordFor(spec: StackSpec, { runDir, runId }: BringUpOptions): Promise<StackRecord> {
  const { services, links } = spec;
  const ports = await freePorts(1 + services.length + links.length, `${runId}/${process.pid}`);
  const take = (items: readonly { readonly name: string }[], from: number): Record<string, number> =>
    Object.fromEntries(items.map(({ name }, index) => [name, ports[from + index] ?? 0]));
  return {
    v: 1,
    runId,
    runDir,
    spec,
    toxiproxyPort: ports[0] ?? 0,
    servicePorts: take(services, 1),
    linkPorts: take(links, 1 + services.length),
    agentToken: randomBytes(24).toString("hex"),
    controlToken: randomBytes(24).toString("hex"),
    cwd: process.cwd(),
  };
}

function makeFolders({ runDir, spec }: StackRecord): void {
  for (const name of [toxiproxyName, ...spec.services.map((service) => service.name)]) {
    mkdirSync(serviceDir(runDir, name), { recursive: true });
  }
  mkdirSync(logsDir(runDir), { recursive: true });
  mkdirSync(scratchDir(runDir), { recursive: true });
}

/** How each part is started that Kiln may have to start. */
export function launchesOf(context: BringUpContext): {
  readonly servers: Launch[];
  readonly programs: Launch[];
} {
  const servers: Launch[] = [];
  const programs: Launch[] = [];
  for (const service of context.record.spec.services) {
    if (service.kind === "postgres") servers.push(postgresLaunch(service, context));
    else if (service.kind === "redis") servers.push(redisLaunch(service, context));
    else programs.push(programLaunch(service, context));
  }
  return { servers, programs };
}

async function startAll(context: BringUpContext, supervisor: Supervisor): Promise<void> {
  const { services } = context.record.spec;
  const { servers, programs } = launchesOf(context);
  writeStartScripts(context.record, servers);
  await supervisor.bring(toxiproxyLaunch(context));
  // All are awaited, also when one fails: nothing may be started behind the back of the take-down that follows.
  const started = await Promise.allSettled(servers.map((launch) => supervisor.bring(launch)));
  const failed = started.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  const starterOf = (name: string): string | undefined => {
    const service = services.find((candidate) => candidate.name === name);
    return service?.kind === "program" ? service.startedBy : undefined;
  };
  const awaited = (name: string): boolean => !services.some((one) => one.name === name && isStandby(one));
  for (const launch of programs.filter(({ name }) => starterOf(name) === undefined)) {
    const children = programs.filter(({ name }) => starterOf(name) === launch.name && awaited(name));
    await supervisor.bring(launch);
    for (const child of children) await supervisor.awaitReady(child, launch.name);
  }
}

/** A supervised service is brought back by its supervisor, which is restarted for that; all else by Kiln. */
async function restart(name: string, context: BringUpContext, supervisor: Supervisor): Promise<void> {
  const { record } = context;
  const service = record.spec.services.find((candidate) => candidate.name === name);
  const { servers, programs } = launchesOf(context);
  const all = [toxiproxyLaunch(context), ...servers, ...programs];
  const starter = service?.kind === "program" ? service.startedBy : undefined;
  const launch = all.find((candidate) => candidate.name === (starter ?? name));
  if (launch === undefined) throw environmentError("stack-no-such-part", `the stack has no service ${name}`);
  const endRest = async (of: string): Promise<void> => {
    for (const identity of remains(record, of)) await supervisor.endProcess(identity);
  };
  await supervisor.end(launch.name);
  await endRest(launch.name);
  if (starter !== undefined) await endRest(name);
  await supervisor.restart(launch);
  const child = starter === undefined ? undefined : programs.find((candidate) => candidate.name === name);
  if (child !== undefined) await supervisor.awaitReady(child, launch.name);
}

/** What still serves for a part, or works on its data: children of a killed PostgreSQL would keep a new one from starting. */
function remains(record: StackRecord, service: string): ProcessIdentity[] {
  const { runDir, runId } = record;
  const data = dataDir(runDir, service);
  const members = membersOf({ runDir, runId }).map(({ identity }) => identity);
  const workers = members.filter(({ pid }) => workingDirectory(pid) === data);
  const port = record.servicePorts[service];
  const server =
    port === undefined
      ? undefined
      : listenerOn(
          port,
          members.map(({ pid }) => pid),
        );
  return server === undefined ? workers : [server, ...workers];
}

/** Good order first (each part has its deadline), then the proof: scans until nothing of the run is found. */
async function takeAllDown(record: StackRecord, supervisor: Supervisor, clock: Clock): Promise<void> {
  const { spec, runDir, runId } = record;
  const starters = startersIn(spec);
  const programs = spec.services.filter(({ kind }) => kind === "program").map(({ name }) => name);
  const servers = spec.services.filter(({ kind }) => kind !== "program").map(({ name }) => name);
  await endAll([...starters], supervisor);
  await endAll(
    programs.filter((name) => !starters.has(name)),
    supervisor,
  );
  await endAll(servers, supervisor);
  await supervisor.end(toxiproxyName);
  await sweep({ runDir, runId, ports: portsOf(record), spec, clock });
  // No process is left in either.
  await removeGroups(runId, clock);
  await unmountAll(runDir, runId, clock);
  deleteData(spec, runDir);
}

async function endAll(names: readonly string[], supervisor: Supervisor): Promise<void> {
  await Promise.all(names.map((name) => supervisor.end(name)));
}
