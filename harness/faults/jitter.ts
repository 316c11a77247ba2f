// Answers of a link come late by a time that keeps changing. Toxiproxy's own jitter cannot be seeded, so `sustain` gives its latency toxic a
// new delay step by step: five of them, evenly spread from delayMs - jitterMs to delayMs + jitterMs, in an order drawn anew for each round.
//
// It acts on open connections as on new ones: each answer is late by the delay that is in force when it comes to the proxy. When Kiln dies
// the delay stays as it is until it is healed.
import { z } from "zod";
import type { Toxic } from "../stack/stack.ts";
import { everyTick } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import { sha256 } from "../support/json.ts";
import { seededRng } from "../support/rng.ts";
import { calm } from "./expectations.ts";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import { easeOff, linkTarget } from "./link-harm.ts";
import { median } from "./statistics.ts";

export interface JitterOptions {
  readonly link: string;
  /** The delay of an answer in the middle of its range, milliseconds. */
  readonly delayMs: number;
  /** How far it moves from there to either side, milliseconds. */
  readonly jitterMs: number;
  /** Fixes the order of the delays; by default made of the fault's id. */
  readonly seed?: number | undefined;
}

/** Delays of a round as shares of jitterMs: both ends are among them, so one whole round shows the full range. */
const levels = [-1, -0.5, 0, 0.5, 1];
const shortestStepMs = 200;
const directExchanges = 3;
/** Of the asked jitter. Half of it is far outside. */
const relativeTolerance = 0.2;
const absoluteToleranceMs = 5;

const schema = z
  .strictObject({
    link: z.string().min(1),
    // A round lasts 15 times the longest delay and one look almost two rounds: 11 s with these limits.
    delayMs: z.number().min(20).max(400),
    // Below 20 ms the tolerance of confirm could not tell the jitter from half of it.
    jitterMs: z.number().min(20).max(200),
    seed: z.int().min(0).max(0xffff_ffff).optional(),
  })
  .refine(({ delayMs, jitterMs }) => jitterMs <= delayMs, {
    path: ["jitterMs"],
    error: "expected at most delayMs: a delay cannot be below zero",
  })
  .refine(({ delayMs, jitterMs }) => delayMs + jitterMs <= 400, {
    path: ["jitterMs"],
    error: "expected delayMs + jitterMs of at most 400: the delay has to change often within the hold",
  });

export const jitter = defineFault<JitterOptions>({
  name: "jitter",
  summary: "Answers of a link come late by a time that keeps changing.",
  needs: ["proxy"],
  kind: "held",
  options: schema,
  target: linkTarget,
  expect: () => calm,
  // Two looks.
  confirmWithinMs: 25_000,

  async inject(ctx, options) {
    await ctx.stack.proxy(options.link).addToxic(toxicOf(ctx, options.delayMs));
  },

  async sustain(ctx, options) {
    const proxy = ctx.stack.proxy(options.link);
    const next = delays(options, options.seed ?? Number.parseInt(sha256(ctx.id).slice(0, 8), 16));
    const change = async (): Promise<void> => {
      // What is held stays held: let go, it would come early.
      if (await proxy.updateToxic(toxicOf(ctx, next()), { keepHeld: true })) return;
      throw environmentError("toxic-gone", `link ${options.link} has lost its toxic ${ctx.id}`);
    };
    await change();
    await everyTick(stepMsOf(options), change, ctx.signal, ctx.clock);
  },

  async confirm(ctx, options) {
    return compare(ctx, options);
  },

  async heal(ctx, { link, delayMs, jitterMs }) {
    await easeOff(ctx, link, toxicOf(ctx, 0), delayMs + jitterMs);
  },
});

function toxicOf(ctx: FaultContext, delayMs: number): Toxic {
  const attributes = { latency: Math.round(delayMs), jitter: 0 };
  return { name: ctx.id, type: "latency", stream: "downstream", attributes };
}

function stepMsOf({ delayMs, jitterMs }: JitterOptions): number {
  return Math.max(shortestStepMs, 3 * (delayMs + jitterMs));
}

/** One delay after another, the same ones for the same seed. */
export function delays({ delayMs, jitterMs }: JitterOptions, seed: number): () => number {
  const rng = seededRng(String(seed));
  let round: number[] = [];
  return () => {
    if (round.length === 0) round = rng.shuffle(levels);
    return delayMs + (round.shift() ?? 0) * jitterMs;
  };
}

/**
 * Exchanges one after another for two rounds less one step, which always holds a whole round. Each step has at least two of
 * them, so the median of three neighbours drops single stragglers and keeps the ends of the range.
 */
async function compare(ctx: FaultContext, options: JitterOptions): Promise<Confirmation> {
  const { link, delayMs, jitterMs } = options;
  const proxy = ctx.stack.proxy(link);
  const direct: number[] = [];
  while (direct.length < directExchanges) direct.push(await proxy.exchangeDirect(ctx.signal));
  const directMs = median(direct);
  const endMs = ctx.clock.nowMs() + (2 * levels.length - 1) * stepMsOf(options);
  const addedMs: number[] = [];
  while (ctx.clock.nowMs() < endMs) addedMs.push((await proxy.exchange(ctx.signal)) - directMs);
  const smooth = addedMs.slice(2).map((_, n) => median(addedMs.slice(n, n + 3)));
  if (smooth.length === 0) return { effective: false, saw: `link ${link} was too slow for a look` };
  const [least, most] = [Math.min(...smooth), Math.max(...smooth)];
  const measured = (most - least) / 2;
  const near = (value: number, asked: number): boolean =>
    Math.abs(value - asked) <= Math.max(absoluteToleranceMs, relativeTolerance * jitterMs);
  return {
    effective: near(measured, jitterMs) && near((most + least) / 2, delayMs),
    saw: `${addedMs.length} exchanges over link ${link} took ${least.toFixed(1)} to ${most.toFixed(1)} ms longer than direct ones`,
    magnitude: { asked: jitterMs, measured, unit: "ms" },
  };
}
