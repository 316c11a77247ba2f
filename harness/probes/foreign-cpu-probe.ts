// How much of the machine is used by what is none of the run's: another build on the same runner can starve a stack as well as a neighbour
// behind the hypervisor can. Worked out as what is busy, without what was stolen, without what the run's own processes used.
//
// The run's own are told cheaply, for it is done each second on machines with any number of processes: whoever carries the run's marker, the
// harness, and the children of these. Redis overwrites its environment, so that after a resume it counts as foreign: a few hundredths of a core.
import { runMarker } from "../support/run-marker.ts";
import { allPids, environmentOf, processStat, type ProcessStat } from "../support/process-identity.ts";
import type { Probe, ProbeFactory } from "./probe.ts";
import { cpuTicks } from "./system-probe.ts";

/** Whoever was found to be foreign is looked at again in one of so many looks: its number may have passed to a process of the run. */
const foreignAgainEvery = 10;

export interface OwnCpuQuery {
  readonly runId: string;
  /** The harness: it has no marker, and is the run's own all the same. */
  readonly harnessPid: number;
}

/** A function that gives the CPU time, in ticks, that the run's processes used since it was called last (the first time: 0). */
export function ownCpuMeter({ runId, harnessPid }: OwnCpuQuery): () => number {
  const marker = `${runMarker}=${runId}`;
  const foreign = new Set<number>();
  let own: ReadonlyMap<number, ProcessStat> | undefined;
  let looks = 0;

  const candidates = (): Map<number, ProcessStat> => {
    const pids = new Set(allPids());
    for (const pid of foreign)
      if (!pids.has(pid) || pid % foreignAgainEvery === looks % foreignAgainEvery) foreign.delete(pid);
    return new Map(
      [...pids].flatMap((pid) => {
        const stat = foreign.has(pid) ? undefined : processStat(pid);
        return stat === undefined ? [] : [[pid, stat] as const];
      }),
    );
  };
  /** Once the run's own, it stays so when its parent dies. */
  const wasOwn = ({ identity }: ProcessStat): boolean =>
    own?.get(identity.pid)?.identity.startTicks === identity.startTicks;

  return () => {
    looks++;
    const all = candidates();
    const now = new Map<number, ProcessStat>();
    const isOwn = (stat: ProcessStat): boolean => {
      const { pid } = stat.identity;
      if (now.has(pid)) return true;
      const parent = all.get(stat.parentPid);
      const yes =
        pid === harnessPid ||
        wasOwn(stat) ||
        environmentOf(pid).includes(marker) ||
        (parent !== undefined && isOwn(parent));
      if (yes) now.set(pid, stat);
      return yes;
    };
    for (const [pid, stat] of all) if (!isOwn(stat)) foreign.add(pid);
    let used = 0;
    for (const stat of now.values())
      used += stat.cpuTicks - (wasOwn(stat) ? (own?.get(stat.identity.pid)?.cpuTicks ?? 0) : 0);
    const isFirst = own === undefined;
    own = now;
    return isFirst ? 0 : used;
  };
}

export const foreignCpuProbes: ProbeFactory = ({ samples, runId }) => {
  const ownTicks = ownCpuMeter({ runId, harnessPid: process.pid });
  let last: ReturnType<typeof cpuTicks> | undefined;
  const probe: Probe = {
    name: "foreign-cpu",
    everyMs: 1_000,
    look(atMs) {
      const own = ownTicks();
      const now = cpuTicks();
      const ticks = last === undefined ? 0 : now.total - last.total;
      if (last !== undefined && ticks > 0) {
        const used = now.busy - last.busy - (now.stolen - last.stolen);
        samples.sample("system.foreign-cpu", "ratio", atMs, Math.max(0, used - own) / ticks);
      }
      last = now;
    },
  };
  return [probe];
};
