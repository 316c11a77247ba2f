// Answers of a link arrive in small pieces with a pause after each: what a reader that takes one read for one message stumbles over.
// Toxiproxy halves what it has read until no piece is longer than sliceBytes, so pieces are longer than half of it. It acts on open
// connections as on new ones. What it holds back when it is healed comes at once.
import { z } from "zod";
import type { Toxic } from "../stack/stack.ts";
import { calm } from "./expectations.ts";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import { easeOff, linkTarget } from "./link-harm.ts";
import { median } from "./statistics.ts";

export interface SlicingOptions {
  readonly link: string;
  /** No piece is longer, bytes. */
  readonly sliceBytes: number;
  /** Pause after each piece, milliseconds. */
  readonly gapMs: number;
}

/** More than Toxiproxy reads at once (32 KiB): nothing is cut. */
const uncutBytes = 1 << 20;
/** An answer of so many slices ends, halved, in pieces of just under one: its length shows the size asked for, and its double as well. */
const slices = 7.5;
const waitMs = 10_000;
/** Pieces are longer than half of the asked size; a tenth is for answers whose last halving falls just so. */
const shortest = 0.45;
/** Pauses of half the length are outside; timers late by a millisecond and two pieces read as one are inside. */
const gapTolerance = { least: 0.8, most: 3 };

export const slicing = defineFault<SlicingOptions>({
  name: "slicing",
  summary: "Answers of a link arrive in small pieces with a pause after each.",
  needs: ["proxy"],
  kind: "held",
  options: z.strictObject({
    link: z.string().min(1),
    // Shorter than 16 bytes an ordinary answer would take longer than users wait; longer than 4 KiB most are not cut at all.
    sliceBytes: z.int().min(16).max(4_096),
    // Shorter than 5 ms the pieces would be read together; with 100 ms an answer of ten pieces takes a second.
    gapMs: z.number().min(5).max(100),
  }),
  target: linkTarget,
  expect: () => calm,
  confirmWithinMs: 25_000,

  async inject(ctx, { link, sliceBytes, gapMs }) {
    await ctx.stack.proxy(link).addToxic(toxicOf(ctx, sliceBytes, gapMs));
  },

  async confirm(ctx, options) {
    return measure(ctx, options);
  },

  async heal(ctx, { link, gapMs }) {
    await easeOff(ctx, link, toxicOf(ctx, uncutBytes, 0), gapMs);
  },
});

/** Its "average" is the greatest size when there is no variation, which could not be seeded; its delay is in microseconds. */
function toxicOf(ctx: FaultContext, sliceBytes: number, gapMs: number): Toxic {
  const attributes = { average_size: sliceBytes, size_variation: 0, delay: Math.round(gapMs * 1_000) };
  return { name: ctx.id, type: "slicer", stream: "downstream", attributes };
}

async function measure(ctx: FaultContext, options: SlicingOptions): Promise<Confirmation> {
  const { link, sliceBytes, gapMs } = options;
  const ask = { answerBytes: Math.round(slices * sliceBytes) };
  const { end, arrivals } = await ctx.stack.proxy(link).talk({ ask, waitMs }, ctx.signal);
  const [first, last] = [arrivals[0], arrivals.at(-1)];
  if (first === undefined || last === undefined)
    return { effective: false, saw: `link ${link}: no answer (${end})` };
  const measured = median(arrivals.map(({ bytes }) => bytes));
  const measuredGapMs = arrivals.length < 2 ? 0 : (last.atMs - first.atMs) / (arrivals.length - 1);
  const rightSize = measured <= sliceBytes && measured >= shortest * sliceBytes;
  const rightGap = measuredGapMs >= gapTolerance.least * gapMs && measuredGapMs <= gapTolerance.most * gapMs;
  return {
    effective: end === "complete" && rightSize && rightGap,
    saw: `an answer over link ${link} (${end}) came in ${arrivals.length} pieces of ${measured} bytes (median), ${measuredGapMs.toFixed(1)} ms apart`,
    magnitude: { asked: sliceBytes, measured, unit: "B" },
  };
}
