// Stretches in which the machine did not let the run go on: a neighbour or a hypervisor took the processor, or the disk stood still. Told by
// the harness itself, which is nearly idle: where even its timers wake late, nobody on this machine was served in time. What failed then is
// no proof against the stack; what went right went right all the same, so a pass needs no mercy.
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import type { LoadIndex } from "./load-index.ts";
import type { MissingStretch } from "./missing-evidence.ts";
import { settledMs } from "./settled.ts";

export interface StarvedStretch extends MissingStretch {
  readonly reason: "machine";
  /** The latest that a timer of the harness woke in it. */
  readonly latestMs: number;
  /** Sum of the latest of each second. */
  readonly lateMs: number;
}

/** Ten times what the same timers showed at worst on two quiet cores under load (25 ms); well under any deadline of a watchdog. */
const lateLimitMs = 250;
/** What is late by less than this in all has no effect that anybody would act upon: the shortest deadlines of a stack are of about a second. */
const fewestMs = 1_000;
/** A harness that used more of a core than this may have been late by its own doing. */
const ownShare = 0.5;
/** Services that used more of all cores than this may themselves be what starved the machine. */
const servicesShare = 0.75;
/** One sample a second, each of the second before it. */
const periodMs = 1_000;

/** In order, merged where they touch. Each reaches one request time-out back, and on to where the load is well again. */
export function starvedStretches(plan: Plan, evidence: Evidence, load: LoadIndex): StarvedStretch[] {
  const cores = Number(evidence.header.machine["cores"] ?? 1);
  const harness = bySecond(evidence, ["harness.cpu"]);
  const services = bySecond(
    evidence,
    plan.stack.services.map(({ name }) => `process.${name}.cpu`),
  );
  const found: Omit<StarvedStretch, "reason" | "what">[] = [];
  for (const { atMs, value } of evidence.samples("harness.event-loop-delay-max")) {
    const second = secondOf(atMs);
    const itsOwn =
      (harness.get(second) ?? 0) > ownShare || (services.get(second) ?? 0) > servicesShare * cores;
    if (value < lateLimitMs || itsOwn) continue;
    const fromMs = atMs - periodMs - plan.load.timeoutMs;
    const toMs = settledMs(load, atMs);
    const last = found.at(-1);
    if (last !== undefined && fromMs <= last.toMs)
      found[found.length - 1] = {
        ...last,
        toMs: Math.max(last.toMs, toMs),
        latestMs: Math.max(value, last.latestMs),
        lateMs: last.lateMs + value,
      };
    else found.push({ fromMs, toMs, latestMs: value, lateMs: value });
  }
  return found
    .filter(({ lateMs }) => lateMs >= fewestMs)
    .map((one) => ({
      ...one,
      reason: "machine",
      what: `the machine stood still at times (timers woke up to ${Math.round(one.latestMs)} ms late)`,
    }));
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
