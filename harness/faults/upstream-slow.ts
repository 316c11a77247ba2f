// A service answers a share of its calls late, as it was told over its own control endpoint.
import { z } from "zod";
import { sleep } from "../support/clock.ts";
import { sha256 } from "../support/json.ts";
import { controlProbeOf } from "./control-probe.ts";
import { calm } from "./expectations.ts";
import { defineFault, type FaultContext } from "./fault.ts";
import { median, shareTest } from "./statistics.ts";

export interface UpstreamSlowOptions {
  readonly service: string;
  /** Added to the time of a slow call, 20 to 5,000 ms. */
  readonly delayMs: number;
  /** Share of calls that are slow, 0.1..1; all of them by default. */
  readonly rate: number;
  /** Which calls are slow; by default made of the fault's id. */
  readonly seed?: number | undefined;
}

/** Calls before the change whose median is the service's ordinary time. */
const baselineCalls = 9;
/** 100 probe requests a second, started on time however slow the answers are. */
const callEveryMs = 10;
/** Of the asked delay, as for `latency`: half the delay is far outside, ordinary scatter of the median is inside. */
const relativeTolerance = 0.1;
const absoluteToleranceMs = 5;

const memorySchema = z.object({ service: z.string(), baselineMs: z.number() });

export const upstreamSlow = defineFault<UpstreamSlowOptions>({
  name: "upstream-slow",
  summary: "A service answers a share of its calls late by a fixed time.",
  needs: ["control"],
  kind: "held",
  options: z.strictObject({
    service: z.string().min(1),
    // The bounds of `latency`, for the same reasons.
    delayMs: z.number().min(20).max(5_000),
    // Below a tenth the calls that tell the rate from half of it (over 700) would not fit confirm's time.
    rate: z.number().min(0.1).max(1).default(1),
    seed: z.int().min(0).max(0xffff_ffff).optional(),
  }),
  target: ({ service }) => `service:${service}`,
  expect: () => calm,
  // A look takes 7 s of calls at the smallest rate, and the longest delay besides.
  confirmWithinMs: 30_000,

  async inject(ctx, { service, delayMs, rate, seed }) {
    const timesMs: number[] = [];
    while (timesMs.length < baselineCalls) timesMs.push(await timeCall(ctx, service));
    await ctx.remember({ service, baselineMs: median(timesMs) });
    const settings = {
      errorRate: 0,
      seed: seed ?? Number.parseInt(sha256(ctx.id).slice(0, 8), 16),
      forMs: ctx.selfHealMs,
      delayMs,
      delayRate: rate,
    };
    await ctx.stack.control(service).set(settings, ctx.signal);
  },

  /**
   * Sends calls as a client of the service would. Slow is a call that is late by more than half of the delay; both have to fit, how many
   * are slow (the number of calls and the tolerance: `shareTest`) and how slow they are.
   */
  async confirm(ctx, { service, delayMs, rate }) {
    const recalled = ctx.recall();
    const memory = recalled === undefined ? undefined : memorySchema.parse(recalled);
    if (memory?.service !== service) return { effective: false, saw: `nothing was done to ${service}` };
    const { count, tolerance } = shareTest(rate);
    const addedMs = (await timeCalls(ctx, service, count)).map((ms) => ms - memory.baselineMs);
    const slow = addedMs.filter((ms) => ms >= delayMs / 2);
    const measured = median(slow.length === 0 ? addedMs : slow);
    const rateFits = Math.abs(slow.length / count - rate) <= tolerance;
    const toleranceMs = Math.max(absoluteToleranceMs, relativeTolerance * delayMs);
    return {
      effective: rateFits && Math.abs(measured - delayMs) <= toleranceMs,
      saw: `${slow.length} of ${count} calls to ${service} through its link were late, by ${measured.toFixed(1)} ms (median)`,
      magnitude: { asked: delayMs, measured, unit: "ms" },
    };
  },

  /** The settings live in the service's memory: with the service gone they are gone too. */
  async heal(ctx, { service }) {
    try {
      await ctx.stack.control(service).clear(ctx.signal);
    } catch (error) {
      if (ctx.stack.process(service).find() !== undefined) throw error;
    }
  },
});

/** One call starts each `callEveryMs`, whether or not those before it have been answered. */
function timeCalls(ctx: FaultContext, service: string, count: number): Promise<number[]> {
  const startAndTime = async (_: unknown, index: number): Promise<number> => {
    await sleep(index * callEveryMs, ctx.signal, ctx.clock);
    return timeCall(ctx, service);
  };
  return Promise.all(Array.from({ length: count }, startAndTime));
}

/** From sending a probe request to its whole answer, milliseconds; an error is an answer. */
async function timeCall(ctx: FaultContext, service: string): Promise<number> {
  const { path, ...request } = controlProbeOf(ctx.stack, service);
  const startedMs = ctx.clock.nowMs();
  await ctx.stack.http(service, path, { ...request, signal: ctx.signal });
  return ctx.clock.nowMs() - startedMs;
}
