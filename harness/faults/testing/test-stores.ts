// Real PostgreSQLs for the faults' tests, brought up as a run brings them up, beside a test stack's other parts.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type { PostgresService } from "../../scenario/stack-spec.ts";
import { membersOf } from "../../stack/membership.ts";
import { runMarker } from "../../support/run-marker.ts";
import { dataDir, logsDir, serviceDir } from "../../stack/record.ts";
import { postgresLaunch } from "../../stack/servers/postgres.ts";
import type { BringUpContext } from "../../stack/servers/server.ts";
import type { StackRecord } from "../../stack/stack.ts";
import { createSupervisor } from "../../stack/supervisor.ts";
import { systemClock } from "../../support/clock.ts";
import { bootId, identify, signalProcess, workingDirectory } from "../../support/process-identity.ts";
import type { Spawner } from "../../support/spawner.ts";
import { loadTools } from "../../support/tools.ts";

export interface Databases {
  /** Starts one that is gone again, on its old data and port. */
  revive(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** Starts every PostgreSQL of the record's stack. */
export async function startDatabases(record: StackRecord): Promise<Databases> {
  const { runDir, runId, spec } = record;
  const services = spec.services.filter((service): service is PostgresService => service.kind === "postgres");
  const context: BringUpContext = {
    record,
    spawn: spawner(record),
    tools: loadTools(),
    clock: systemClock,
    signal: new AbortController().signal,
  };
  const supervisor = createSupervisor(context);
  const launches = new Map(services.map((service) => [service.name, postgresLaunch(service, context)]));
  const databases: Databases = {
    revive: async (name) => {
      const launch = launches.get(name);
      if (launch === undefined) throw new Error(`there is no database ${name}`);
      await supervisor.end(name);
      for (const { identity } of membersOf({ runId, runDir })) {
        if (workingDirectory(identity.pid) === dataDir(runDir, name)) signalProcess(identity, "SIGKILL");
      }
      await supervisor.restart(launch);
    },
    stop: async () => {
      await Promise.all([...launches.keys()].map((name) => supervisor.end(name)));
    },
  };
  try {
    for (const { name } of services) mkdirSync(serviceDir(runDir, name), { recursive: true });
    await Promise.all([...launches.values()].map((launch) => supervisor.bring(launch)));
  } catch (error) {
    await databases.stop();
    throw error;
  }
  return databases;
}

/** As the run's own, without a ledger. */
function spawner({ runId, runDir }: StackRecord): Spawner {
  mkdirSync(logsDir(runDir), { recursive: true });
  return async ({ name, command, args, env, cwd }) => {
    const log = openSync(join(logsDir(runDir), `${name}.log`), "a");
    const child = spawn(command, [...args], {
      cwd,
      env: { PATH: process.env["PATH"] ?? "", ...env, [runMarker]: runId },
      stdio: ["ignore", log, log],
      detached: true,
    });
    closeSync(log);
    const { promise: exited, resolve } = Promise.withResolvers<{
      code: number | null;
      signal: NodeJS.Signals | null;
    }>();
    child.once("close", (code, signal) => resolve({ code, signal }));
    const pid = child.pid ?? 0;
    return { name, identity: identify(pid) ?? { pid, startTicks: -1, bootId: bootId() }, child, exited };
  };
}
