// Connections of a link are reset (TCP RST) when the first answer should come over them; the service has done its work by then.
// Toxiproxy can reset only connections that begin under the toxic, and touches none before data crosses it. So all that are open when the
// fault comes are ended once, in good order, and whoever comes back is reset. Those that are open when it goes would still end with a
// reset one day, so they are ended too: none of them has ever carried an answer.
import { z } from "zod";
import type { Talk } from "../stack/stack.ts";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import { costsTheLink, linkTarget } from "./link-harm.ts";
import { median } from "./statistics.ts";

export interface ResetOptions {
  readonly link: string;
  /** From the answer to the reset, milliseconds. */
  readonly afterMs: number;
}

const talks = 3;
const patienceMs = 3_000;
const relativeTolerance = 0.1;
const absoluteToleranceMs = 15;

export const reset = defineFault<ResetOptions>({
  name: "reset",
  summary: "Connections of a link are reset when an answer should come over them.",
  needs: ["proxy"],
  kind: "held",
  // Toxiproxy cannot take the toxic away from a connection while it waits for its reset: above 1 s its answer would miss the deadline of 2 s.
  options: z.strictObject({ link: z.string().min(1), afterMs: z.number().min(0).max(1_000) }),
  target: linkTarget,
  expect: costsTheLink,
  confirmWithinMs: 20_000,

  async inject(ctx, { link, afterMs }) {
    const proxy = ctx.stack.proxy(link);
    await proxy.addToxic({
      name: ctx.id,
      type: "reset_peer",
      stream: "downstream",
      attributes: { timeout: Math.round(afterMs) },
    });
    await proxy.setEnabled(false);
    await proxy.setEnabled(true);
  },

  async confirm(ctx, options) {
    return measure(ctx, options);
  },

  /** Closed while the toxic goes. Where neither toxic nor closed link is left, nobody's connection is touched. */
  async heal(ctx, { link }) {
    const proxy = ctx.stack.proxy(link);
    const { enabled, toxics } = await proxy.state();
    const present = toxics.includes(ctx.id);
    if (present) {
      await proxy.setEnabled(false);
      await proxy.removeToxic(ctx.id);
    }
    if (present || !enabled) await proxy.setEnabled(true);
  },
});

/** Closing in good order is another harm: only a reset confirms, and only before the first byte. */
async function measure(ctx: FaultContext, { link, afterMs }: ResetOptions): Promise<Confirmation> {
  const proxy = ctx.stack.proxy(link);
  const directMs = await proxy.exchangeDirect(ctx.signal);
  const request = { ask: { answerBytes: 1 }, waitMs: afterMs + patienceMs };
  const seen: Talk[] = [];
  while (seen.length < talks) seen.push(await proxy.talk(request, ctx.signal));
  const measured = median(seen.map(({ tookMs }) => tookMs)) - directMs;
  const resets = seen.filter(({ end, receivedBytes }) => end === "reset" && receivedBytes === 0).length;
  const toleranceMs = Math.max(absoluteToleranceMs, relativeTolerance * afterMs);
  const ends = [...new Set(seen.map(({ end }) => end))].join(", ");
  return {
    effective: resets === talks && Math.abs(measured - afterMs) <= toleranceMs,
    saw: `${resets} of ${talks} new connections over link ${link} were reset without an answer (${ends}), ${measured.toFixed(1)} ms after it was due`,
    magnitude: { asked: afterMs, measured: Math.max(0, measured), unit: "ms" },
  };
}
