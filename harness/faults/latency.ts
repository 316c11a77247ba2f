// Answers of a link come late by a fixed time: a Toxiproxy toxic on the way back to the client.
import { z } from "zod";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import { calm } from "./expectations.ts";
import { easeOff } from "./link-harm.ts";
import { median } from "./statistics.ts";

export interface LatencyOptions {
  readonly link: string;
  /** Added to each answer, milliseconds. */
  readonly delayMs: number;
}

const exchanges = 5;
/** Of the asked delay. Half the delay is far outside, ordinary scatter of the median is inside. */
const relativeTolerance = 0.1;
const absoluteToleranceMs = 5;

export const latency = defineFault<LatencyOptions>({
  name: "latency",
  summary: "Answers of a link come late by a fixed time.",
  needs: ["proxy"],
  kind: "held",
  // Below 20 ms the tolerance of confirm could not tell the delay from half of it; above 5 s one look would not fit its deadline.
  options: z.strictObject({ link: z.string().min(1), delayMs: z.number().min(20).max(5_000) }),
  target: ({ link }) => `link:${link}`,
  expect: () => calm,
  confirmWithinMs: 20_000,

  async inject(ctx, { link, delayMs }) {
    await ctx.stack.proxy(link).addToxic({
      name: ctx.id,
      type: "latency",
      stream: "downstream",
      attributes: { latency: delayMs, jitter: 0 },
    });
  },

  async confirm(ctx, options) {
    return compare(ctx, options);
  },

  async heal(ctx, { link, delayMs }) {
    const none = { latency: 0, jitter: 0 };
    const harmless = { name: ctx.id, type: "latency", stream: "downstream", attributes: none } as const;
    await easeOff(ctx, link, harmless, delayMs);
  },
});

/** The toxic delays data, not the opening of a connection, so one exchange is late by the delay once. */
async function compare(ctx: FaultContext, { link, delayMs }: LatencyOptions): Promise<Confirmation> {
  const proxy = ctx.stack.proxy(link);
  const differencesMs: number[] = [];
  for (let n = 0; n < exchanges; n++) {
    const directMs = await proxy.exchangeDirect(ctx.signal);
    differencesMs.push((await proxy.exchange(ctx.signal)) - directMs);
  }
  const addedMs = median(differencesMs);
  const toleranceMs = Math.max(absoluteToleranceMs, relativeTolerance * delayMs);
  return {
    effective: Math.abs(addedMs - delayMs) <= toleranceMs,
    saw: `${exchanges} exchanges over link ${link} took ${addedMs.toFixed(1)} ms longer (median) than direct ones`,
    magnitude: { asked: delayMs, measured: addedMs, unit: "ms" },
  };
}
