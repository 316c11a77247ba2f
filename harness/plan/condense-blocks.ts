// What stays together when a plan is condensed: steps that overlap or are of one pattern, and a spike that something was planned into. Inside
// such a block the time between two events shrinks, and their order stays. A drill is alone.
import { overlap, type Interval } from "../support/intervals.ts";
import type { DrillStep, FaultStep, Plan } from "./plan.ts";
import { overAndSettledMs } from "./steps.ts";

export interface Block extends Interval {
  readonly steps: readonly FaultStep[];
  readonly spikes: readonly Interval[];
  readonly drill?: DrillStep;
}

/** In order of time. */
export function blocksOf({ faults, drills = [] }: Plan, spikes: readonly Interval[]): Block[] {
  const single = [
    ...faults.map((step): Block => ({
      startMs: step.startMs,
      endMs: overAndSettledMs(step),
      steps: [step],
      spikes: [],
    })),
    ...spikes.map((spike): Block => ({ ...spike, steps: [], spikes: [spike] })),
    ...drills.map((drill): Block => ({
      startMs: drill.startMs,
      endMs: drill.settleUntilMs,
      steps: [],
      spikes: [],
      drill,
    })),
  ];
  const found: Block[] = [];
  for (const next of single.toSorted((a, b) => a.startMs - b.startMs)) {
    const last = found.at(-1);
    const pattern = next.steps[0]?.pattern?.id;
    const together =
      last !== undefined &&
      (overlap(last, next) ||
        (pattern !== undefined && last.steps.some((step) => step.pattern?.id === pattern)));
    if (!together) found.push(next);
    else
      found[found.length - 1] = {
        startMs: last.startMs,
        endMs: Math.max(last.endMs, next.endMs),
        steps: [...last.steps, ...next.steps],
        spikes: [...last.spikes, ...next.spikes],
      };
  }
  return found;
}

export interface Scale {
  /** What is no longer than this stays, and nothing becomes shorter. */
  readonly floorMs: number;
  readonly factor: number;
  /** Length of a spike into which nothing was planned. */
  readonly spikeMs: number;
}

/** From a time of an event in the block (start or heal of a step, edge of a spike) to its time from the start of the condensed block. */
export function timesOf(block: Block, { floorMs, factor, spikeMs }: Scale): (atMs: number) => number {
  const events = [
    ...block.steps.flatMap(({ startMs, healMs }) => [startMs, healMs]),
    ...block.spikes.flatMap(({ startMs, endMs }) => [startMs, endMs]),
  ];
  const lone = block.steps.length === 0;
  const times = new Map<number, number>();
  let reachedMs = 0;
  let beforeMs: number | undefined;
  for (const atMs of [...new Set(events)].toSorted((a, b) => a - b)) {
    const tookMs = beforeMs === undefined ? 0 : atMs - beforeMs;
    const shortMs = Math.max(floorMs, Math.ceil(tookMs / factor / 100) * 100);
    reachedMs += Math.min(tookMs, lone ? spikeMs : shortMs);
    times.set(atMs, reachedMs);
    beforeMs = atMs;
  }
  return (atMs) => {
    const found = times.get(atMs);
    if (found === undefined) throw new RangeError(`no event of the block at ${atMs}`);
    return found;
  };
}
