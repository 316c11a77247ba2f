// A service answers a share of its calls with an error, as it was told over its own control endpoint.
import { z } from "zod";
import { sleep } from "../support/clock.ts";
import { sha256 } from "../support/json.ts";
import { controlProbeOf } from "./control-probe.ts";
import { calm } from "./expectations.ts";
import { defineFault, type FaultContext } from "./fault.ts";
import { shareTest } from "./statistics.ts";

export interface UpstreamErrorsOptions {
  readonly service: string;
  /** Share of calls that fail, 0.05..1. */
  readonly rate: number;
  /** Which calls fail; by default made of the fault's id. */
  readonly seed?: number | undefined;
}

/** Probe requests: together 200 a second, which a busy stack does not notice much and which keeps confirm short. */
const lanes = 4;
const laneEveryMs = 20;

export const upstreamErrors = defineFault<UpstreamErrorsOptions>({
  name: "upstream-errors",
  summary: "A service fails a share of its calls with a server error.",
  needs: ["control"],
  kind: "held",
  options: z.strictObject({
    service: z.string().min(1),
    // Below 5 % too many requests would be needed to tell the rate from half of it.
    rate: z.number().min(0.05).max(1),
    seed: z.int().min(0).max(0xffff_ffff).optional(),
  }),
  target: ({ service }) => `service:${service}`,
  expect: () => calm,
  confirmWithinMs: 25_000,

  async inject(ctx, { service, rate, seed }) {
    const settings = {
      errorRate: rate,
      seed: seed ?? Number.parseInt(sha256(ctx.id).slice(0, 8), 16),
      forMs: ctx.selfHealMs,
    };
    await ctx.stack.control(service).set(settings, ctx.signal);
  },

  /** Sends calls as a client of the service would and counts server errors; the number of calls and the tolerance: `shareTest`. */
  async confirm(ctx, { service, rate }) {
    const { count, tolerance } = shareTest(rate);
    const failed = await countServerErrors(ctx, service, count);
    const measured = failed / count;
    return {
      effective: Math.abs(measured - rate) <= tolerance,
      saw: `${failed} of ${count} calls to ${service} through its link failed with a 5xx`,
      magnitude: { asked: rate, measured, unit: "ratio" },
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

async function countServerErrors(ctx: FaultContext, service: string, count: number): Promise<number> {
  const { path, ...request } = controlProbeOf(ctx.stack, service);
  let sent = 0;
  let failed = 0;
  const lane = async (): Promise<void> => {
    while (sent < count) {
      sent += 1;
      const pause = sleep(laneEveryMs, ctx.signal, ctx.clock);
      const [{ status }] = await Promise.all([
        ctx.stack.http(service, path, { ...request, signal: ctx.signal }),
        pause,
      ]);
      if (status >= 500) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return failed;
}
