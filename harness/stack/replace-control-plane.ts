// Puts a new Toxiproxy in the place of one that is frozen or dead: the old process is ended by its identity, the new one is started on the
// same ports and given every proxy of the run's record. Needs no more than that record, so any process can do it.
import { type Clock, deadline, eventually, systemClock } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import { type ProcessIdentity, isAlive, listenersOn, signalProcess } from "../support/process-identity.ts";
import type { Spawned, Spawner } from "../support/spawner.ts";
import type { Tools } from "../support/tools.ts";
import { membersOf } from "./membership.ts";
import { portsOf } from "./record.ts";
import { toxiproxyLaunch } from "./servers/toxiproxy-server.ts";
import type { StackRecord, Toxic } from "./stack.ts";
import { toxiproxyControl, type ToxiproxyControl } from "./toxiproxy.ts";

/** What a link's proxy is to do. */
export interface DesiredLink {
  readonly enabled: boolean;
  readonly toxics: ReadonlyMap<string, Toxic>;
}

/** Every link open and without a toxic: what a run without faults wants. */
export function cleanLinks({ spec }: StackRecord): Map<string, DesiredLink> {
  return new Map(spec.links.map(({ name }) => [name, { enabled: true, toxics: new Map<string, Toxic>() }]));
}

export interface ReplaceRequest {
  readonly record: StackRecord;
  readonly spawn: Spawner;
  readonly tools: Pick<Tools, "toxiproxy">;
  /** Default: every link clean. */
  readonly desired?: ReadonlyMap<string, DesiredLink>;
  readonly clock?: Clock;
  /** Told of the new process as soon as it runs, before it is known to work. */
  readonly onStarted?: (spawned: Spawned) => void;
}

/** SIGKILL also ends a stopped process; this is for the kernel to close its sockets. */
const endMs = 3_000;
/** It answers within some tens of milliseconds, within a second on a machine that is very busy. */
const readyMs = 5_000;

/** Rejects with `control-plane-not-replaced` (environment) when the old process stays or the new one does not answer in time. */
export async function replaceControlPlane(request: ReplaceRequest): Promise<void> {
  const { record, spawn, tools, clock = systemClock, onStarted } = request;
  await endOld(record, clock);
  const spawned = await toxiproxyLaunch({ record, spawn, tools }).start();
  onStarted?.(spawned);
  const control = toxiproxyControl({ host: "127.0.0.1", port: record.toxiproxyPort });
  const answers = async (): Promise<true | undefined> => {
    if (!isAlive(spawned.identity))
      throw notReplaced(`the new one ended at once, see ${spawned.logFile ?? "its log"}`);
    return control.version().then(
      () => true,
      () => undefined,
    );
  };
  const limit = deadline(readyMs);
  try {
    await eventually(answers, limit, 20, clock);
  } catch (error) {
    throw limit.aborted ? notReplaced(`the new one did not answer within ${readyMs} ms`, error) : error;
  }
  const desired = request.desired ?? cleanLinks(record);
  await Promise.all(
    record.spec.links.map(({ name, to }) => setUp(control, record, name, to, desired.get(name))),
  );
}

async function endOld(record: StackRecord, clock: Clock): Promise<void> {
  const old = servingProxies(record);
  for (const identity of old) signalProcess(identity, "SIGKILL");
  const limit = deadline(endMs);
  try {
    await eventually(() => (old.some(isAlive) ? undefined : true), limit, 10, clock);
  } catch (error) {
    throw notReplaced(`the old one (pid ${old.map(({ pid }) => pid).join(", ")}) does not end`, error);
  }
}

/** Members of the run that hold one of Toxiproxy's ports: nobody else's process is touched, whoever took such a port. */
function servingProxies(record: StackRecord): ProcessIdentity[] {
  const { runId, runDir, toxiproxyPort, linkPorts } = record;
  const members = membersOf({ runId, runDir, ports: portsOf(record) }).map(({ identity }) => identity.pid);
  const found = listenersOn([toxiproxyPort, ...Object.values(linkPorts)], members);
  return [...new Map(found.map(({ identity }) => [identity.pid, identity])).values()];
}

/** Closed until its toxics are in: no request may slip through without the harm that is in force. */
async function setUp(
  control: ToxiproxyControl,
  record: StackRecord,
  name: string,
  to: string,
  desired: DesiredLink = { enabled: true, toxics: new Map() },
): Promise<void> {
  const { [name]: listenPort = 0 } = record.linkPorts;
  const { [to]: upstreamPort = 0 } = record.servicePorts;
  const bare = desired.enabled && desired.toxics.size === 0;
  await control.createProxy({ name, listenPort, upstreamPort, enabled: bare });
  for (const toxic of desired.toxics.values()) await control.addToxic(name, toxic);
  if (desired.enabled && !bare) await control.setEnabled(name, true);
}

function notReplaced(why: string, cause?: unknown): Error {
  return environmentError("control-plane-not-replaced", `Toxiproxy: ${why}`, { cause });
}
