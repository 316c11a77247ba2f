// Each connection of a link ends after so many bytes of answers, in the middle of one if that is where it falls: what a broken load balancer or
// a size limit does. Connections that are open already begin to count when the fault comes, and idle ones stay until they have carried
// their share.
import { z } from "zod";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import { costsTheLink, linkTarget } from "./link-harm.ts";

export interface DataLimitOptions {
  readonly link: string;
  /** Of answers, on each connection. */
  readonly bytes: number;
}

const waitMs = 6_000;
/** A look asks for so many times the limit: twice the limit would show as that, and no limit as no end. */
const excess = 2.5;

export const dataLimit = defineFault<DataLimitOptions>({
  name: "data-limit",
  summary: "Each connection of a link ends after so many bytes of answers.",
  needs: ["proxy"],
  kind: "held",
  // 64 KiB: a look asks the target for two and a half times as much.
  options: z.strictObject({ link: z.string().min(1), bytes: z.int().min(1).max(65_536) }),
  target: linkTarget,
  // Which share of requests fails depends on the size of answers, which nobody knows beforehand: the worst goes into the budget.
  expect: costsTheLink,
  confirmWithinMs: 20_000,

  async inject(ctx, { link, bytes }) {
    await ctx.stack.proxy(link).addToxic({
      name: ctx.id,
      type: "limit_data",
      stream: "downstream",
      attributes: { bytes },
    });
  },

  async confirm(ctx, options) {
    return measure(ctx, options);
  },

  async heal(ctx, { link }) {
    await ctx.stack.proxy(link).removeToxic(ctx.id);
  },
});

/** The limit is exact: not a byte more or less comes before the end. */
async function measure(ctx: FaultContext, { link, bytes }: DataLimitOptions): Promise<Confirmation> {
  const proxy = ctx.stack.proxy(link);
  const request = { ask: { answerBytes: Math.ceil(excess * bytes) }, waitMs };
  const direct = await proxy.talkDirect(request, ctx.signal);
  const { end, receivedBytes } = await proxy.talk(request, ctx.signal);
  // Closed while a request was on its way to it, a connection is reset instead.
  const ended = end === "closed" || end === "reset";
  return {
    effective: direct.end === "complete" && ended && receivedBytes === bytes,
    saw: `a connection over link ${link} gave ${receivedBytes} bytes (${end}), a direct one ${direct.receivedBytes} (${direct.end})`,
    magnitude: { asked: bytes, measured: receivedBytes, unit: "B" },
  };
}
