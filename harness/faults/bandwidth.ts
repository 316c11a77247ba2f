// Answers of a link come through at no more than a given rate. The limit is each connection's own, so a client with many connections gets
// many times as much: Toxiproxy knows no limit for a whole link. It acts on open connections as on new ones, from their next bytes on.
import { z } from "zod";
import type { Toxic } from "../stack/stack.ts";
import { calm } from "./expectations.ts";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import { easeOff, linkTarget } from "./link-harm.ts";

export interface BandwidthOptions {
  readonly link: string;
  readonly kibPerSecond: number;
}

const kib = 1_024;
/** Toxiproxy's unit of rate, bytes a second; it takes whole ones only. */
const rateUnit = 1_000;
/** As good as no limit: 1 GB/s. */
const freeRate = 1_000_000;
/** Toxiproxy lets a piece of data through in parts of so long. */
const heldMs = 100;
/** Of the asked rate. Half the harm is twice the rate, half the rate is twice the harm: both are far outside. */
const relativeTolerance = 0.2;
/** A target that is hardly faster by itself would hide what the link does: it has to be outside the tolerance. */
const leastExcess = 1.5;

export const bandwidth = defineFault<BandwidthOptions>({
  name: "bandwidth",
  summary: "Answers of a link come through at no more than a given rate on each connection.",
  needs: ["proxy"],
  kind: "held",
  options: z.strictObject({
    link: z.string().min(1),
    // Below 8 KiB/s an ordinary answer of 16 KiB would take longer than users wait (2 s): that is a cut, and `timeout` does it better. Above
    // 512 KiB/s a look would measure how fast an HTTP service on a busy machine makes answers.
    kibPerSecond: z.number().min(8).max(512),
  }),
  target: linkTarget,
  expect: () => calm,
  confirmWithinMs: 20_000,

  async inject(ctx, { link, kibPerSecond }) {
    const rate = Math.round((kibPerSecond * kib) / rateUnit);
    await ctx.stack.proxy(link).addToxic(toxicOf(ctx, rate));
  },

  async confirm(ctx, options) {
    return measure(ctx, options);
  },

  async heal(ctx, { link }) {
    await easeOff(ctx, link, toxicOf(ctx, freeRate), heldMs);
  },
});

function toxicOf(ctx: FaultContext, rate: number): Toxic {
  return { name: ctx.id, type: "bandwidth", stream: "downstream", attributes: { rate } };
}

async function measure(ctx: FaultContext, { link, kibPerSecond }: BandwidthOptions): Promise<Confirmation> {
  const proxy = ctx.stack.proxy(link);
  // What the link carries in a second; slower than a fifth of the rate is not the harm that was asked for.
  const request = { ask: { answerBytes: Math.ceil(kibPerSecond * kib) }, waitMs: 5_000 };
  const direct = await proxy.talkDirect(request, ctx.signal);
  const limited = await proxy.talk(request, ctx.signal);
  const rateOf = ({ receivedBytes, tookMs }: typeof direct): number =>
    receivedBytes / kib / (Math.max(tookMs, 1) / 1_000);
  const [directRate, measured] = [rateOf(direct), rateOf(limited)];
  const whole = direct.end === "complete" && limited.end === "complete";
  const words = `${Math.round(limited.receivedBytes / kib)} KiB came over link ${link} at ${measured.toFixed(1)} KiB/s`;
  return {
    effective:
      whole &&
      directRate >= leastExcess * kibPerSecond &&
      Math.abs(measured - kibPerSecond) <= relativeTolerance * kibPerSecond,
    saw: `${words} (${limited.end}), directly at ${directRate.toFixed(0)} KiB/s (${direct.end})`,
    magnitude: { asked: kibPerSecond, measured, unit: "KiB/s" },
  };
}
