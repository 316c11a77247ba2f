// What this machine's kernel and this user's rights do not carry, asked before a plan is made: each thing that the scenario's faults need
// is tried once, where nobody else sees it, and taken back at once. Costs a few milliseconds for each, nothing where nothing is needed.
import { execFile } from "node:child_process";
import { readdirSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { FaultTable } from "../faults/fault.ts";
import type { Scenario } from "../scenario/scenario.ts";
import type { Capability, MachineLimits } from "../scenario/stack-spec.ts";
import { hasErrno, messageOf } from "../support/errors.ts";
import { identify } from "../support/process-identity.ts";
import {
  type CgroupController,
  type GroupLimit,
  groupOf,
  hierarchyOf,
  makeGroup,
  parentFor,
} from "./control-groups.ts";
import { type Mount, readMounts } from "./mounts.ts";

/** What is looked at; tests hand in another machine. */
export interface Machine {
  readonly platform: string;
  readonly mounts: () => readonly Mount[];
  /** Runs a program; resolves with undefined when it succeeded, otherwise with what it said. */
  readonly run: (command: string, args: readonly string[]) => Promise<string | undefined>;
}

export const thisMachine: Machine = { platform: process.platform, mounts: readMounts, run };

/** What of the scenario's faults cannot be had here, each with its reason in words. */
export async function machineLimits(
  { chaos }: Pick<Scenario, "chaos">,
  faults: FaultTable,
  machine: Machine = thisMachine,
): Promise<MachineLimits> {
  const chosen = [...chaos.faults, ...chaos.planned].flatMap((one) => ("steps" in one ? one.steps : [one]));
  const needs = new Set(chosen.flatMap(({ fault }) => faults.get(fault)?.needs ?? []));
  const limits: Record<string, string> = {};
  for (const [name, probe] of Object.entries(probes)) {
    if (!needs.has(name as Capability)) continue;
    const reason =
      machine.platform === "linux" ? await probe(machine) : `it needs Linux, and this is ${machine.platform}`;
    if (reason !== undefined) limits[name] = reason;
  }
  return limits;
}

type Probe = (machine: Machine) => Promise<string | undefined> | string | undefined;

/** Undefined where all is well, otherwise why not. */
const probes: Readonly<Record<keyof MachineLimits, Probe>> = {
  "cpu-quota": (machine) => tryGroup({ controller: "cpu", cores: 1 }, machine),
  "memory-limit": (machine) => tryGroup({ controller: "memory", bytes: 64 * 1_048_576 }, machine),
  // In a mount namespace of its own: no other process sees that mount, and it is gone with the program.
  volume: async ({ run: ask }) => {
    const said = await ask("unshare", [
      "--mount",
      "mount",
      "-t",
      "tmpfs",
      "-o",
      "size=64k",
      "kiln",
      tmpdir(),
    ]);
    return said === undefined
      ? undefined
      : `mounting a file system of limited size is not permitted to this user: ${said}; run Kiln as root for that`;
  },
  // On the loopback device of a network namespace of its own: no real traffic passes there.
  netem: async ({ run: ask }) => {
    const rule = ["qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"];
    const said = await ask("unshare", ["--net", "tc", ...rule]);
    if (said === undefined) return undefined;
    return /kind is unknown/i.test(said)
      ? `this kernel has no network emulation, which packet loss needs (queueing discipline netem, module sch_netem): ${said}`
      : `network emulation (netem) cannot be set up by this user: ${said}; run Kiln as root with iproute2 installed for that`;
  },
};

const groupWords: Readonly<Record<CgroupController, string>> = {
  cpu: "limit the CPU time of a process",
  memory: "limit the memory of a process",
};

/** Makes an empty group where those of faults would be, with a limit, and removes it. */
export function tryGroup(limit: GroupLimit, { mounts }: Machine): string | undefined {
  const { controller } = limit;
  const hierarchy = hierarchyOf(controller, mounts());
  if (hierarchy === undefined)
    return `this machine has no control groups (cgroups) with the ${controller} controller, which ${groupWords[controller]}`;
  const own = groupOf(process.pid, hierarchy);
  const parent = own === undefined ? undefined : parentFor(own, hierarchy);
  if (parent === undefined)
    return `the control groups (cgroups) above this process do not hand the ${controller} controller on, so Kiln cannot ${groupWords[controller]}; start it in a delegated group or as root`;
  removeDeadProbes(parent);
  const path = join(parent, `${probePrefix}${process.pid}`);
  try {
    makeGroup(path, hierarchy, limit);
    return undefined;
  } catch (error) {
    const cause =
      error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    return `Kiln may not make a control group (cgroup) in ${dirname(path)} to ${groupWords[controller]}: ${cause}; run it as root for that`;
  } finally {
    removeIfThere(path);
  }
}

const probePrefix = "kiln-probe-";

/** Of a process that was killed in the middle of this. */
function removeDeadProbes(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (name.startsWith(probePrefix) && identify(Number(name.slice(probePrefix.length))) === undefined)
      removeIfThere(join(parent, name));
  }
}

function removeIfThere(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
  }
}

/** Far above what it takes: some milliseconds. */
const runMs = 5_000;

function run(command: string, args: readonly string[]): Promise<string | undefined> {
  const options = { timeout: runMs, env: { ...process.env, LC_ALL: "C" } };
  return new Promise((resolve) => {
    execFile(command, [...args], options, (error, _stdout, stderr) => {
      if (error === null) resolve(undefined);
      else if (hasErrno(error, "ENOENT")) resolve(`the program ${command} is not installed`);
      else resolve(stderr.trim().replaceAll(/\s*\n\s*/g, " ") || messageOf(error));
    });
  });
}
