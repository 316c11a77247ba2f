// Takes charge of a stack whose harness died: adopts every part that still runs, starts again what does not, on the data that it had. After a
// reboot that is all of it. A supervised service is its supervisor's to bring back; only when that fails is the supervisor started anew.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { isStandby } from "../scenario/stack-spec.ts";
import { canBind } from "../support/free-ports.ts";
import { environmentError, messageOf } from "../support/errors.ts";
import { type ProcessIdentity, bootId, isAlive } from "../support/process-identity.ts";
import type { Spawned } from "../support/spawner.ts";
import {
  type BringUpOptions,
  type Carried,
  carry,
  launchesOf,
  nobodyListens,
  recordFor,
} from "./process-stack.ts";
import { dataDir, portsOf, readStackRecord, writeStackRecord } from "./record.ts";
import { replaceControlPlane } from "./replace-control-plane.ts";
import { toxiproxyLaunch, toxiproxyName } from "./servers/toxiproxy-server.ts";
import type { Launch } from "./servers/server.ts";
import { writeStartScripts } from "./start-script.ts";
import type { LiveStack, StackRecord } from "./stack.ts";
import { toxiproxyControl } from "./toxiproxy.ts";
import { mountVolumes, mountsOfRun } from "./volumes.ts";

export interface TakeOverOptions extends BringUpOptions {
  /** Every process that the run's ledger says was started, in its order. */
  readonly started: readonly { readonly name: string; readonly identity: ProcessIdentity }[];
  /** Told of each part that was not running any more and was started again, with the reason. */
  readonly onRestart: (service: string, why: string) => void;
}

/**
 * Resolves when every part is ready. Rejects with an environment error that names the part that could not be brought back; nothing of the
 * stack is left running then.
 */
export async function takeOver(options: TakeOverOptions): Promise<LiveStack> {
  const known = readStackRecord(options.runDir);
  if (known === undefined) {
    throw environmentError(
      "stack-record-missing",
      "the run has no stack.json: its stack was never brought up",
      {
        hint: "start a new run",
      },
    );
  }
  const carried = carry(await recordToUse(known, options), options);
  try {
    await mountAgain(carried, options);
    await bringBack(carried, options);
  } catch (error) {
    await carried.stack.down();
    throw error;
  }
  return carried.stack;
}

function livingProcess(name: string, { started }: TakeOverOptions): ProcessIdentity | undefined {
  return started.findLast((one) => one.name === name && isAlive(one.identity))?.identity;
}

/** The ports that all parts know; others only where nothing runs any more and somebody else has taken one of them. */
async function recordToUse(known: StackRecord, options: TakeOverOptions): Promise<StackRecord> {
  const names = [toxiproxyName, ...known.spec.services.map(({ name }) => name)];
  if (names.some((name) => livingProcess(name, options) !== undefined)) return known;
  const free = await Promise.all(portsOf(known).map((port) => canBind(port)));
  if (free.every(Boolean)) return known;
  const record = await recordFor(known.spec, options);
  writeStackRecord(record);
  return record;
}

/** A reboot takes the run's mounts away, with all that was on them. */
async function mountAgain({ context }: Carried, options: TakeOverOptions): Promise<void> {
  const { record } = context;
  if (mountsOfRun(record.runDir, record.runId).length > 0) return;
  await mountVolumes(record, options.mounts ?? nobodyListens);
}

async function bringBack(carried: Carried, options: TakeOverOptions): Promise<void> {
  const { context, supervisor, stack } = carried;
  const { services } = context.record.spec;
  const { servers, programs } = launchesOf(context);
  writeStartScripts(context.record, servers);
  const starterOf = (name: string): string | undefined => {
    const service = services.find((candidate) => candidate.name === name);
    return service?.kind === "program" ? service.startedBy : undefined;
  };
  const started = (name: string, why: string): void => options.onRestart(name, why);
  await bringBackProxies(carried, options);
  for (const launch of [...servers, ...programs]) {
    if (starterOf(launch.name) !== undefined) continue;
    // A server may have been started again by the stack's own watchdog: the ledger does not know that process, its port does.
    const found = servers.includes(launch) ? stack.handle.process(launch.name).find() : undefined;
    const identity = livingProcess(launch.name, options) ?? found;
    if (identity === undefined) {
      started(launch.name, "it was not running");
      await startAgain(launch, carried, options);
    } else supervisor.adopt(launch, adopted(identity));
  }
  const standbys = new Set(services.filter(isStandby).map(({ name }) => name));
  for (const launch of [...servers, ...programs].filter(({ name }) => !standbys.has(name))) {
    context.signal.throwIfAborted();
    try {
      await supervisor.awaitReady(launch, starterOf(launch.name) ?? launch.name);
    } catch (error) {
      context.signal.throwIfAborted();
      started(launch.name, messageOf(error));
      await stack.restart(launch.name);
    }
  }
}

async function bringBackProxies({ context, supervisor }: Carried, options: TakeOverOptions): Promise<void> {
  const { record, spawn, tools, clock } = context;
  const launch = toxiproxyLaunch(context);
  const identity = livingProcess(toxiproxyName, options);
  if (identity !== undefined) {
    supervisor.adopt(launch, adopted(identity));
    const control = toxiproxyControl({ host: "127.0.0.1", port: record.toxiproxyPort });
    const answers = await control.version().then(
      () => true,
      () => false,
    );
    if (answers) return;
  }
  options.onRestart(toxiproxyName, identity === undefined ? "it was not running" : "it did not answer");
  const onStarted = (spawned: Spawned): void => supervisor.adopt(launch, spawned);
  await replaceControlPlane({ record, spawn, tools, clock, onStarted });
}

/** On the data that it has; a PostgreSQL that never came to have any (its volume is gone, or it was cut short) is made anew. */
async function startAgain(
  launch: Launch,
  { context, supervisor, stack }: Carried,
  options: TakeOverOptions,
): Promise<void> {
  const { runDir, spec } = context.record;
  const kind = spec.services.find(({ name }) => name === launch.name)?.kind;
  const data = dataDir(runDir, launch.name);
  const whole =
    kind === "postgres" ? existsSync(join(data, "PG_VERSION")) : kind === "program" || existsSync(data);
  if (!whole) {
    // Emptied, not removed: it may be the mount point of a volume.
    for (const name of existsSync(data) ? readdirSync(data) : [])
      rmSync(join(data, name), { recursive: true });
    options.onRestart(launch.name, "its data is gone: it begins anew");
    await supervisor.bring(launch);
    return;
  }
  if (kind === "postgres" && !options.started.some(({ identity }) => identity.bootId === bootId())) {
    // Of another boot: a process that has got that number since would keep the server from starting.
    rmSync(join(data, "postmaster.pid"), { force: true });
  }
  await stack.restart(launch.name);
}

/** Not a child of this process: how it ends is not told to it. */
function adopted(identity: ProcessIdentity): Pick<Spawned, "identity" | "exited"> {
  return { identity, exited: Promise.resolve({ code: null, signal: null }) };
}
