// A link goes silent and then hangs up: nothing that is sent over it arrives, and each connection is closed after a time.
// Toxiproxy begins that time anew with each piece of data that it drops, so steady traffic would never be closed. Here two toxics share
// the work: one drops the requests, so that the other, which closes, sees no data that could delay it. Open connections are closed that
// long after the fault came, idle or not; new ones that long after they were opened. Healing closes whatever is open then.
import { z } from "zod";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import { costsTheLink, linkTarget } from "./link-harm.ts";
import { median } from "./statistics.ts";

export interface TimeoutOptions {
  readonly link: string;
  /** From the opening of a connection to its end, milliseconds. */
  readonly afterMs: number;
}

const talks = 3;
const relativeTolerance = 0.1;
const absoluteToleranceMs = 25;

const requestsName = (ctx: FaultContext): string => `${ctx.id}-requests`;

export const timeout = defineFault<TimeoutOptions>({
  name: "timeout",
  summary: "A link goes silent: nothing arrives, and each connection is closed after a time.",
  needs: ["proxy"],
  kind: "held",
  // Below 100 ms the tolerance of confirm could not tell the time from half of it; above 8 s one look would not fit its deadline.
  options: z.strictObject({ link: z.string().min(1), afterMs: z.number().min(100).max(8_000) }),
  target: linkTarget,
  expect: costsTheLink,
  confirmWithinMs: 25_000,

  async inject(ctx, { link, afterMs }) {
    const proxy = ctx.stack.proxy(link);
    // 0: drops for ever and never closes.
    await proxy.addToxic({
      name: requestsName(ctx),
      type: "timeout",
      stream: "upstream",
      attributes: { timeout: 0 },
    });
    await proxy.addToxic({
      name: ctx.id,
      type: "timeout",
      stream: "downstream",
      attributes: { timeout: Math.round(afterMs) },
    });
  },

  async confirm(ctx, options) {
    return measure(ctx, options);
  },

  async heal(ctx, { link }) {
    const proxy = ctx.stack.proxy(link);
    await proxy.removeToxic(ctx.id);
    await proxy.removeToxic(requestsName(ctx));
  },
});

async function measure(ctx: FaultContext, { link, afterMs }: TimeoutOptions): Promise<Confirmation> {
  const proxy = ctx.stack.proxy(link);
  const directMs = await proxy.exchangeDirect(ctx.signal);
  const request = { ask: { answerBytes: 1 }, waitMs: 1.5 * afterMs + 1_000 };
  const seen = await Promise.all(Array.from({ length: talks }, () => proxy.talk(request, ctx.signal)));
  const measured = median(seen.map(({ tookMs }) => tookMs));
  const silent = seen.filter(({ end, receivedBytes }) => end === "closed" && receivedBytes === 0).length;
  const toleranceMs = Math.max(absoluteToleranceMs, relativeTolerance * afterMs);
  const ends = [...new Set(seen.map(({ end }) => end))].join(", ");
  return {
    effective: silent === talks && Math.abs(measured - afterMs) <= toleranceMs,
    saw: `${silent} of ${talks} connections over link ${link} were closed without a byte (${ends}) after ${measured.toFixed(0)} ms; directly its target answers in ${directMs.toFixed(1)} ms`,
    magnitude: { asked: afterMs, measured, unit: "ms" },
  };
}
