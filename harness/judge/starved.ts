// Stretches in which the machine did not let the run go on: a neighbour or a hypervisor took the processor, or the disk stood still. Told by
// what the hypervisor stole and what other programs used of a machine that was full, and by the harness itself, which is nearly idle: where
// even its timers wake late, nobody on this machine was served in time. What failed then is no proof against the stack; what went right went right all the same, so a pass needs no mercy.
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import { percent } from "./finding.ts";
import type { LoadIndex } from "./load-index.ts";
import type { MissingStretch } from "./missing-evidence.ts";
import { settledMs } from "./settled.ts";

export interface StarvedStretch extends MissingStretch {
  readonly reason: "machine";
  /** The latest that a timer of the harness woke in it. */
  readonly latestMs: number;
  /** The largest share of all cores' time that was stolen in one second. */
  readonly stolen: number;
  /** The largest share of it that programs used that are none of the run's, in a second in which the machine was full. */
  readonly foreign: number;
}

/** Ten times what the same timers showed at worst on two quiet cores under load (25 ms); well under any deadline of a watchdog. */
const lateLimitMs = 250;
/**
 * Above it k6, a stack at 175 requests/s and a fault that burns a core no longer fit on two cores (0.25, 0.35 and 1 of them were measured).
 * What other programs use counts in the same way, but only on a machine that is full: on one with cores to spare they take nothing away.
 */
const takenLimit = 0.25;
/** Busy share of all cores from which a program that becomes ready finds no idle core: kernels balance in steps, and samples are means. */
const fullShare = 0.9;
/**
 * Programs that give way (nice, idle class) fill a machine and take nothing: then the harness's timers, whose period is 20 ms, come as they do
 * on quiet cores (measured: at most 24 ms in half of the seconds, 30 in nine of ten). Beside 2 to 16 programs that do not, it is 36 and more.
 */
const crowdedMs = 35;
/** What loses less than this in all has no effect that anybody would act upon: the shortest deadlines of a stack are of about a second. */
const fewestMs = 1_000;
/** A harness that used more of a core than this may have been late by its own doing. */
const ownShare = 0.5;
/** Services that used more of all cores than this may themselves be what starved the machine. */
const servicesShare = 0.75;
/** One sample a second, each of the second before it. */
const periodMs = 1_000;

interface Loss {
  readonly atMs: number;
  readonly latestMs: number;
  readonly stolen: number;
  readonly foreign: number;
  readonly lostMs: number;
}

/** In order, merged where they touch. Each reaches one request time-out back, and on to where the load is well again. */
export function starvedStretches(plan: Plan, evidence: Evidence, load: LoadIndex): StarvedStretch[] {
  const found: (Loss & { readonly fromMs: number; readonly toMs: number })[] = [];
  for (const loss of losses(plan, evidence)) {
    const fromMs = loss.atMs - periodMs - plan.load.timeoutMs;
    const toMs = settledMs(load, loss.atMs);
    const last = found.at(-1);
    if (last === undefined || fromMs > last.toMs) found.push({ ...loss, fromMs, toMs });
    else
      found[found.length - 1] = {
        ...last,
        toMs: Math.max(last.toMs, toMs),
        latestMs: Math.max(last.latestMs, loss.latestMs),
        stolen: Math.max(last.stolen, loss.stolen),
        foreign: Math.max(last.foreign, loss.foreign),
        lostMs: last.lostMs + loss.lostMs,
      };
  }
  return found
    .filter(({ lostMs }) => lostMs >= fewestMs)
    .map(({ lostMs: _lostMs, atMs: _atMs, ...stretch }) => ({
      ...stretch,
      reason: "machine",
      what: `the machine stood still at times (${reasonsOf(stretch).join(", ")})`,
    }));
}

function reasonsOf({ latestMs, stolen, foreign }: Pick<Loss, "latestMs" | "stolen" | "foreign">): string[] {
  return [
    `timers woke up to ${Math.round(latestMs)} ms late`,
    ...(stolen > 0 ? [`up to ${percent(stolen)} of its time was stolen`] : []),
    ...(foreign > 0 ? [`other programs used up to ${percent(foreign)} of it while it was full`] : []),
  ];
}

/** The seconds in which the machine lost the run so much time that it may tell, in order. */
function losses(plan: Plan, evidence: Evidence): Loss[] {
  const cores = Number(evidence.header.machine["cores"] ?? 1);
  const services = plan.stack.services.map(({ name }) => `process.${name}.cpu`);
  const late = bySecond(evidence, ["harness.event-loop-delay-max"]);
  const stolen = bySecond(evidence, ["system.steal"]);
  const used = bySecond(evidence, ["system.foreign-cpu"]);
  const busy = bySecond(evidence, ["system.cpu"]);
  const harnessCpu = bySecond(evidence, ["harness.cpu"]);
  const servicesCpu = bySecond(evidence, services);
  const seconds = [...new Set([...late.keys(), ...stolen.keys(), ...used.keys()])].toSorted((a, b) => a - b);
  return seconds.flatMap((second) => {
    const itsOwn =
      (harnessCpu.get(second) ?? 0) > ownShare || (servicesCpu.get(second) ?? 0) > servicesShare * cores;
    const lateMs = late.get(second) ?? 0;
    const share = stolen.get(second) ?? 0;
    const crowded = (busy.get(second) ?? 0) >= fullShare && lateMs >= crowdedMs;
    const foreign = crowded ? (used.get(second) ?? 0) : 0;
    const taken = share + foreign;
    const lostMs = Math.max(
      lateMs >= lateLimitMs && !itsOwn ? lateMs : 0,
      taken >= takenLimit ? taken * periodMs : 0,
    );
    return lostMs === 0
      ? []
      : [{ atMs: second * periodMs, latestMs: lateMs, stolen: share, foreign, lostMs }];
  });
}

function secondOf(atMs: number): number {
  return Math.round(atMs / periodMs);
}

/** Sums of series that are sampled once a second. */
function bySecond(evidence: Evidence, names: readonly string[]): ReadonlyMap<number, number> {
  const sums = new Map<number, number>();
  for (const name of names)
    for (const { atMs, value } of evidence.samples(name))
      sums.set(secondOf(atMs), (sums.get(secondOf(atMs)) ?? 0) + value);
  return sums;
}
