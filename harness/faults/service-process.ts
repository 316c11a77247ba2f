// What the faults on a service's process share: which processes it is made of, and how they are remembered.
import { z } from "zod";
import { eventually } from "../support/clock.ts";
import {
  allPids,
  identify,
  isAlive,
  processStat,
  workingDirectory,
  type ProcessIdentity,
} from "../support/process-identity.ts";
import type { FaultContext } from "./fault.ts";

/** A PostgreSQL worker waits for its postmaster's death beside all else and ends within milliseconds of it. */
const orphanMs = 200;

export const identitySchema = z.object({ pid: z.number(), startTicks: z.number(), bootId: z.string() });

export function isSame(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && a.startTicks === b.startTicks && a.bootId === b.bootId;
}

/**
 * The processes that work for a service besides its main one: PostgreSQL's, one a session and some for itself. A program's children are
 * not its own (a watchdog's child is the service that it looks after), and Redis has none that answers.
 */
export function workersOf(ctx: FaultContext, service: string, main: ProcessIdentity): ProcessIdentity[] {
  return isPostgres(ctx, service)
    ? allPids().flatMap((pid) => {
        const stat = processStat(pid);
        return stat?.parentPid === main.pid ? [stat.identity] : [];
      })
    : [];
}

function isPostgres(ctx: FaultContext, service: string): boolean {
  return ctx.stack.spec.services.find(({ name }) => name === service)?.kind === "postgres";
}

/**
 * Kills a service's process, and of PostgreSQL every worker with it: while one of them lives, no new server can start on the data. Says whether
 * the main process was still there to be killed.
 */
export async function killWhole(ctx: FaultContext, service: string, main: ProcessIdentity): Promise<boolean> {
  const target = ctx.stack.process(service);
  const folder = isPostgres(ctx, service) ? workingDirectory(main.pid) : "";
  // The main one first: it would start new workers.
  const killed = target.signal(main, "SIGKILL");
  if (folder === "") return killed;
  const orphans = (): ProcessIdentity[] =>
    // All of its workers work in its data folder.
    allPids().flatMap((pid) => (workingDirectory(pid) === folder ? (identify(pid) ?? []) : []));
  // Most end by themselves as soon as they notice that they are alone; who is busy does not.
  const patientUntilMs = ctx.clock.nowMs() + orphanMs;
  const look = (): true | undefined => {
    const left = orphans();
    if (ctx.clock.nowMs() >= patientUntilMs) for (const worker of left) target.signal(worker, "SIGKILL");
    return left.length === 0 ? true : undefined;
  };
  await eventually(look, ctx.signal, 20, ctx.clock);
  return killed;
}

/** How many of these are gone. */
export function goneOf(identities: readonly ProcessIdentity[]): number {
  return identities.filter((identity) => !isAlive(identity)).length;
}
