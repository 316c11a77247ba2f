// What the leaks of countable things share (descriptors, connections): how their growth is confirmed by counting from outside.
import { sleep } from "../support/clock.ts";
import type { Confirmation, FaultContext } from "./fault.ts";

export interface CountedLeak {
  /** What is counted, in words, such as "connections over postgres". */
  readonly what: string;
  /** The same in one word, for the magnitude. */
  readonly unit: string;
  readonly perSecond: number;
  readonly most: number;
  /** How many there were before. */
  readonly before: number;
  count(): Promise<number>;
}

/** A look lasts until so many should have come, within these bounds: one more or less is then 5 %, and 8 % of the slowest leak. */
const wantedGrowth = 20;
const shortestLookMs = 2_000;
const longestLookMs = 12_000;
/** Half way between the asked rate and half of it, on a ratio scale. Above, more room: what the service itself opens comes on top. */
const leastRatio = Math.SQRT1_2;
const mostRatio = 2;
/** The whole leak is there when this share of it is: what the service itself closes meanwhile comes off the count. */
const wholeShare = 0.9;
/** As long as a look can take, and one more after it. */
export const confirmLeakWithinMs = longestLookMs + 10_000;

export function growthLookMs({ perSecond }: { readonly perSecond: number }): number {
  return Math.min(longestLookMs, Math.max(shortestLookMs, Math.ceil((wantedGrowth / perSecond) * 1_000)));
}

/** Two counts: a rate while it grows; once all of it is there, its size. */
export async function confirmGrowth(ctx: FaultContext, leak: CountedLeak): Promise<Confirmation> {
  const { what, unit, perSecond, most, before } = leak;
  const first = await timedCount(ctx, leak);
  await sleep(growthLookMs(leak), ctx.signal, ctx.clock);
  const second = await timedCount(ctx, leak);
  const leaked = second.count - before;
  const passedS = (second.atMs - first.atMs) / 1_000;
  const saw = `${before} ${what} before, ${first.count} and ${passedS.toFixed(1)} s later ${second.count}`;
  if (leaked >= wholeShare * most) {
    return {
      effective: leaked <= mostRatio * most,
      saw: `${saw}: all ${most} are there`,
      magnitude: { asked: most, measured: leaked, unit },
    };
  }
  const measured = (second.count - first.count) / passedS;
  return {
    effective: measured >= leastRatio * perSecond && measured <= mostRatio * perSecond,
    saw,
    magnitude: { asked: perSecond, measured, unit: `${unit}/s` },
  };
}

async function timedCount(
  ctx: FaultContext,
  leak: CountedLeak,
): Promise<{ readonly count: number; readonly atMs: number }> {
  const startedMs = ctx.clock.nowMs();
  const count = await leak.count();
  // Counting takes some milliseconds; the middle of it is when it was true.
  return { count, atMs: (startedMs + ctx.clock.nowMs()) / 2 };
}
