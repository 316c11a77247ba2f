// A service's processes in a control group of Kiln's own, for faults around the process: which they are, how they get in and back to
// where they came from, and what the kernel's books say meanwhile. Works from the run's record and from what the fault remembered alone,
// so a process that did not put them in can take them out.
import { spawn } from "node:child_process";
import { truncateSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Clock, deadline, sleep, systemClock } from "../support/clock.ts";
import { environmentError, hasErrno, messageOf } from "../support/errors.ts";
import { type ProcessIdentity, allPids, isAlive, processStat } from "../support/process-identity.ts";
import {
  type CgroupController,
  type CpuBooks,
  type GroupLimit,
  type Hierarchy,
  type MemoryBooks,
  cpuBooks,
  faultGroupOf,
  groupName,
  groupOf,
  hierarchyOf,
  makeGroup,
  memoryBooks,
  moveInto,
  parentFor,
  processesIn,
  removeGroup,
} from "./control-groups.ts";
import { runMarker } from "../support/run-marker.ts";
import { scratchDir } from "./record.ts";
import type { StackRecord } from "./stack.ts";

/** A process and the group that it was in. Types, not interfaces: they are remembered as JSON. */
export type Moved = {
  readonly pid: number;
  readonly startTicks: number;
  readonly bootId: string;
  readonly from: string;
};

/** All that is needed to take a service's processes out of a group again. */
export type GroupPlan = {
  readonly controller: CgroupController;
  /** Folder of the group of Kiln's own. */
  readonly path: string;
  /** Where the serving process came from, and so what it started meanwhile. */
  readonly origin: string;
  readonly moved: readonly Moved[];
};

export interface ServiceCgroup {
  /**
   * What would have to be done for a fault of this id; does nothing. Throws `service-gone` without a serving process, `cgroup-unavailable`
   * where this machine does not let Kiln do it.
   */
  plan(controller: CgroupController, faultId: string): GroupPlan;
  /** Makes the group with its limit and moves the plan's processes into it, and what they started meanwhile. */
  enter(plan: GroupPlan, limit: GroupLimit): void;
  /** Moves the plan's processes into its group, which must still be there: for a process that took the place of the first. */
  adopt(plan: GroupPlan): void;
  /** Moves whatever is in the group back and removes it. Idempotent; leaves alone what somebody else moved elsewhere meanwhile. */
  leave(plan: GroupPlan): Promise<void>;
  /** True while that process is in the plan's group, as the kernel says. */
  holds(plan: GroupPlan, identity: ProcessIdentity): boolean;
  cpuBooks(plan: GroupPlan): CpuBooks | undefined;
  /** CPU time by thread of all processes in the group, nanoseconds; the key is the thread's id. */
  threadTimesNs(plan: GroupPlan): ReadonlyMap<number, number>;
  memoryBooks(plan: GroupPlan): MemoryBooks | undefined;
  /**
   * A process of Kiln's own reads a file of this size in the group, so that its cache, which the kernel takes back when the group is at its
   * limit, is charged to the group: shows the limit without anybody being killed for it.
   */
  press(plan: GroupPlan, bytes: number, signal: AbortSignal): Promise<void>;
}

interface Parts {
  readonly runId: string;
  readonly service: string;
  readonly scratchDir: string;
  /** The process that serves now. */
  readonly serving: () => ProcessIdentity | undefined;
  /** The processes that serve for the stack's other services: they and what they start are not this service's, whoever started them. */
  readonly others: () => readonly ProcessIdentity[];
}

const longestPressMs = 10_000;

/** `find` is how the process is found that serves for a service now. */
export function cgroupOf(
  { runId, runDir, spec }: StackRecord,
  service: string,
  find: (service: string) => ProcessIdentity | undefined,
  clock: Clock = systemClock,
): ServiceCgroup {
  const parts: Parts = {
    runId,
    service,
    scratchDir: scratchDir(runDir),
    serving: () => find(service),
    others: () => spec.services.flatMap(({ name }) => (name === service ? [] : (find(name) ?? []))),
  };
  return {
    plan: (controller, faultId) => planFor(parts, controller, groupName(runId, faultId)),
    enter: (plan, limit) => {
      makeGroup(plan.path, need(plan.controller), limit);
      moveAll(plan, parts);
    },
    adopt: (plan) => moveAll(plan, parts),
    leave: (plan) => leave(plan, clock),
    holds: (plan, { pid }) => groupOf(pid, need(plan.controller)) === plan.path,
    cpuBooks: ({ path }) => cpuBooks(path),
    threadTimesNs: ({ path }) => new Map(processesIn(path).flatMap((pid) => threadTimesOf(pid))),
    memoryBooks: ({ path }) => memoryBooks(path, need("memory")),
    press: (plan, bytes, signal) => press(plan, bytes, parts, deadline(longestPressMs, signal)),
  };
}

function need(controller: CgroupController): Hierarchy {
  const hierarchy = hierarchyOf(controller);
  if (hierarchy !== undefined) return hierarchy;
  throw environmentError(
    "cgroup-unavailable",
    `no control group hierarchy with the ${controller} controller is mounted`,
  );
}

function planFor(parts: Parts, controller: CgroupController, name: string): GroupPlan {
  const hierarchy = need(controller);
  const [serving, ...rest] = processesOf(parts);
  const origin = serving === undefined ? undefined : groupOf(serving.pid, hierarchy);
  if (serving === undefined || origin === undefined) {
    throw environmentError("service-gone", `${parts.service} has no process that listens on its port`);
  }
  // Two such faults on one service at once could not be told apart, nor taken back in any order.
  if (faultGroupOf(origin) !== undefined && !origin.endsWith(`/${name}`)) {
    throw environmentError(
      "cgroup-busy",
      `${parts.service} is in the group of another fault: ${faultGroupOf(origin)}`,
    );
  }
  const parent = parentFor(origin, hierarchy);
  if (parent === undefined) {
    const text = `no control group above ${origin} hands the ${controller} controller on`;
    throw environmentError("cgroup-unavailable", text);
  }
  const path = join(parent, name);
  const moved = [serving, ...rest].flatMap((identity) => {
    const from = groupOf(identity.pid, hierarchy);
    // In the group already: it was started there, or is put in a second time.
    return from === undefined || from === path ? [] : [{ ...identity, from }];
  });
  return { controller, path, origin: origin === path ? dirname(path) : origin, moved };
}

/** The serving process first, then what it started, without the other services' processes and what those started. */
function processesOf({ serving, others }: Parts): ProcessIdentity[] {
  const first = serving();
  if (first === undefined) return [];
  const foreign = new Set(others().map(({ pid }) => pid));
  const all = allPids().flatMap((pid) => processStat(pid) ?? []);
  const found = [first];
  for (const { pid } of found) {
    const children = all.filter(({ parentPid, identity }) => parentPid === pid && !foreign.has(identity.pid));
    found.push(...children.map(({ identity }) => identity));
  }
  return found;
}

/** A process that is started while others are moved may be left outside; each round finds fewer. */
const mostRounds = 20;

function moveAll(plan: GroupPlan, parts: Parts): void {
  const hierarchy = need(plan.controller);
  for (const moved of plan.moved) if (isAlive(moved)) moveInto(plan.path, moved.pid);
  for (let round = 0; round < mostRounds; round += 1) {
    const outside = processesOf(parts).filter(({ pid }) => groupOf(pid, hierarchy) === plan.origin);
    if (outside.length === 0) return;
    for (const { pid } of outside) moveInto(plan.path, pid);
  }
  throw environmentError(
    "cgroup-unavailable",
    `${parts.service} starts processes faster than they can be moved`,
  );
}

const leaveMs = 3_000;

async function leave(plan: GroupPlan, clock: Clock): Promise<void> {
  const fromOf = new Map(plan.moved.filter(isAlive).map(({ pid, from }) => [pid, from]));
  const untilMs = clock.nowMs() + leaveMs;
  for (;;) {
    const left = processesIn(plan.path);
    if (left.length === 0) break;
    if (clock.nowMs() > untilMs)
      throw environmentError(
        "cgroup-left",
        `processes ${left.join(", ")} stay in the control group ${plan.path}`,
      );
    for (const pid of left) moveBack(pid, fromOf.get(pid) ?? plan.origin, plan.path);
    // What starts a process while it is moved leaves that one behind: the next look finds it.
    await sleep(5, undefined, clock);
  }
  await removeGroup(plan.path, clock);
}

/** The group that it came from may be gone by now; then the one above Kiln's is the nearest to it. */
function moveBack(pid: number, from: string, path: string): void {
  try {
    moveInto(from, pid);
  } catch (error) {
    if (from === dirname(path) || readable(from)) throw error;
    moveInto(dirname(path), pid);
  }
}

function readable(group: string): boolean {
  try {
    return readdirSync(group).length > 0;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/** First field of schedstat: time on a CPU in nanoseconds (sched-stats in the kernel's documentation). */
function threadTimesOf(pid: number): [tid: number, ns: number][] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((tid): [number, number][] => {
      const text = readSchedstat(pid, tid);
      return text === undefined ? [] : [[Number(tid), Number(text.split(" ")[0])]];
    });
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH")) return [];
    throw error;
  }
}

function readSchedstat(pid: number, tid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/task/${tid}/schedstat`, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH")) return undefined;
    throw error;
  }
}

/** The reader waits for a line before it begins, so that nothing of its own start is charged to the group, and ends when Kiln does. */
async function press({ path }: GroupPlan, bytes: number, parts: Parts, signal: AbortSignal): Promise<void> {
  const file = join(parts.scratchDir, `press-${process.pid}`);
  // A hole: it is read as zeros through the page cache and takes no room on the disk.
  writeFileSync(file, "");
  truncateSync(file, bytes);
  const script = `read -r go && exec dd if="$1" of=/dev/null bs=256k`;
  const reader = spawn("sh", ["-c", script, "sh", file], {
    env: { PATH: process.env["PATH"] ?? "", [runMarker]: parts.runId },
    stdio: ["pipe", "ignore", "ignore"],
    signal,
    killSignal: "SIGKILL",
  });
  const ended = new Promise<string>((resolve) => {
    reader.once("error", (error) => resolve(messageOf(error)));
    reader.once("close", (code, name) => resolve(name ?? `exit code ${code}`));
  });
  try {
    if (reader.pid !== undefined) moveInto(path, reader.pid);
    // A reader that is gone says so by its end.
    reader.stdin.on("error", () => undefined);
    reader.stdin.end("go\n");
    const how = await ended;
    if (how !== "exit code 0")
      throw environmentError("press-failed", `reading in the control group ${path} ended with ${how}`);
  } finally {
    reader.kill("SIGKILL");
    rmSync(file, { force: true });
  }
}
