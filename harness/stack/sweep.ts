// Ends whatever is left of a run and proves that it is gone: scans, kills and scans again until two scans in a row are empty, then takes
// away shared memory that outlived its server. Needs nothing but the run's id and folder.
import { rmSync, statSync } from "node:fs";
import { type Clock, sleep, systemClock } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import { type ProcessIdentity, isAlive, signalProcess } from "../support/process-identity.ts";
import { type Member, type MembershipQuery, membersOf } from "./membership.ts";
import { dataDir, operationsDir, recordPath } from "./record.ts";
import {
  type Postmaster,
  readPostmaster,
  removePosixSegments,
  removeSystemVSegment,
} from "./shared-memory.ts";
import type { StackSpec } from "../scenario/stack-spec.ts";

export interface SweepRequest extends MembershipQuery {
  /** Undefined when the stack's record was never written. */
  readonly spec?: StackSpec | undefined;
  /** Ended before all others, so that they start nothing anew: watchdogs. */
  readonly first?: readonly ProcessIdentity[];
  readonly clock?: Clock;
}

export interface SweepReport {
  /** Every process that was found and is gone now. */
  readonly ended: readonly Member[];
  /** Shared memory that was removed: "System V segment 7", "/dev/shm/PostgreSQL.1". */
  readonly segments: readonly string[];
}

const sweepMs = 9_000;
const betweenScansMs = 100;
// PostgreSQL answers SIGQUIT within milliseconds (immediate shutdown); a stuck one must not hold up the rest.
const postmasterMs = 3_000;

/** Throws `processes-left` (environment) when something could not be ended within 9 s. */
export async function sweep(request: SweepRequest): Promise<SweepReport> {
  const clock = request.clock ?? systemClock;
  const untilMs = clock.nowMs() + sweepMs;
  const postmasters = new Map<string, Postmaster>();
  for (const identity of request.first ?? []) signalProcess(identity, "SIGKILL");
  const ended = new Map<string, Member>();
  for (let emptyScans = 0; emptyScans < 2;) {
    // Read each time: a server that was just starting writes its file between two scans, and a clean end removes it.
    for (const one of postgresDirs(request).flatMap(readPostmaster)) {
      postmasters.set(`${one.data}/${one.pid}/${one.segment?.id}`, one);
    }
    const members = membersOf(request);
    for (const member of members) ended.set(`${member.identity.pid}/${member.identity.startTicks}`, member);
    emptyScans = members.length === 0 ? emptyScans + 1 : 0;
    if (members.length > 0) await end(members, [...postmasters.values()], clock);
    if (clock.nowMs() > untilMs) throw left(membersOf(request));
    if (emptyScans < 2) await sleep(betweenScansMs, undefined, clock);
  }
  // The record was written before the first server was started.
  const sinceMs = statSync(recordPath(request.runDir), { throwIfNoEntry: false })?.mtimeMs ?? Infinity;
  const systemV = [...postmasters.values()]
    .flatMap(removeSystemVSegment)
    .map((id) => `System V segment ${id}`);
  return {
    ended: [...ended.values()],
    segments: [...systemV, ...removePosixSegments(postgresDirs(request), sinceMs)],
  };
}

/** Deletes the data of the run's PostgreSQL and Redis and copies of it: large, and of no use without their servers. Logs and config files stay. */
export function deleteData(spec: StackSpec, runDir: string): void {
  for (const service of spec.services) {
    if (service.kind !== "program") rmSync(dataDir(runDir, service.name), { recursive: true, force: true });
  }
  rmSync(operationsDir(runDir), { recursive: true, force: true });
}

async function end(
  members: readonly Member[],
  postmasters: readonly Postmaster[],
  clock: Clock,
): Promise<void> {
  const isDatabase = ({ identity, command }: Member): boolean =>
    postmasters.some(({ pid, data }) => identity.pid === pid || command.includes(data)) ||
    command.startsWith("postgres:");
  for (const { identity } of members.filter((member) => !isDatabase(member)))
    signalProcess(identity, "SIGKILL");
  const main = members
    .filter(({ identity }) => postmasters.some(({ pid }) => identity.pid === pid))
    .map(({ identity }) => identity);
  for (const identity of main) {
    signalProcess(identity, "SIGQUIT");
    signalProcess(identity, "SIGCONT");
  }
  const untilMs = clock.nowMs() + postmasterMs;
  while (main.some(isAlive) && clock.nowMs() < untilMs) await sleep(20, undefined, clock);
  for (const { identity } of members) signalProcess(identity, "SIGKILL");
}

function left(members: readonly Member[]): Error {
  const list = members
    .map(({ identity, command }) => `${identity.pid} ${command.slice(0, 120)}`)
    .join("\n  ");
  return environmentError(
    "processes-left",
    `${members.length} processes of the run could not be ended:\n  ${list}`,
    {
      hint: "run: kiln heal; if they stay, they wait in the kernel (state D)",
    },
  );
}

function postgresDirs(request: SweepRequest): string[] {
  const services = request.spec?.services ?? [];
  return services.filter(({ kind }) => kind === "postgres").map(({ name }) => dataDir(request.runDir, name));
}
