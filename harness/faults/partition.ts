// A link is partitioned: data vanishes, one way or both, and nothing is closed or refused (link-down does that).
// It acts on open connections as on new ones. What a proxy cannot do: connections still come about, because the proxy itself accepts them, and
// an end that one side gives a connection still reaches the other. Vanished data does not come again, so healing closes every
// connection that was open under the fault; after a real partition TCP would send again.
import { z } from "zod";
import type { Talk } from "../stack/stack.ts";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import { costsTheLink, linkTarget } from "./link-harm.ts";

export const partitionDirections = ["both", "to-service", "from-service"] as const;
export type PartitionDirection = (typeof partitionDirections)[number];

export interface PartitionOptions {
  readonly link: string;
  /** Which data vanishes: requests to the service, its answers, or both. */
  readonly direction: PartitionDirection;
}

/** Longer than the longest delay of the latency fault (5 s): a link that is only slow is not taken for a partitioned one. */
const silentMs = 6_000;
/** A service that gets a request hangs up after a while without another (Node: 5 s); what closes sooner than this is no such thing. */
const patienceMs = 1_000;

const ways = [
  { stream: "upstream", spares: "from-service" },
  { stream: "downstream", spares: "to-service" },
] as const;
const nameOf = (ctx: FaultContext, stream: string): string => `${ctx.id}-${stream}`;

export const partition = defineFault<PartitionOptions>({
  name: "partition",
  summary: "Data on a link vanishes, one way or both; nothing is closed or refused.",
  needs: ["proxy"],
  kind: "held",
  options: z.strictObject({ link: z.string().min(1), direction: z.enum(partitionDirections) }),
  target: linkTarget,
  expect: costsTheLink,
  confirmWithinMs: 20_000,

  async inject(ctx, { link, direction }) {
    const proxy = ctx.stack.proxy(link);
    for (const { stream, spares } of ways) {
      if (direction === spares) continue;
      // 0: drops for ever and never closes.
      await proxy.addToxic({
        name: nameOf(ctx, stream),
        type: "timeout",
        stream,
        attributes: { timeout: 0 },
      });
    }
  },

  async confirm(ctx, options) {
    return look(ctx, options);
  },

  async heal(ctx, { link }) {
    const proxy = ctx.stack.proxy(link);
    for (const { stream } of ways) await proxy.removeToxic(nameOf(ctx, stream));
  },
});

/**
 * No byte comes back, and nobody hangs up. Whether requests arrive shows in one that asks the service to hang up: the end of its connection
 * comes through, although its answer does not. Where requests vanish there are no answers, so "both" and "to-service" look the same to any
 * client; the look cannot tell them apart.
 */
async function look(ctx: FaultContext, { link, direction }: PartitionOptions): Promise<Confirmation> {
  const proxy = ctx.stack.proxy(link);
  const directMs = await proxy.exchangeDirect(ctx.signal);
  const [hello, goodbye] = await Promise.all([
    proxy.talk({ ask: { answerBytes: 1 }, waitMs: silentMs }, ctx.signal),
    proxy.talk({ ask: "goodbye", waitMs: silentMs }, ctx.signal),
  ]);
  const silent = ({ end, receivedBytes }: Talk): boolean => end === "unfinished" && receivedBytes === 0;
  const heard = goodbye.end === "closed" && goodbye.receivedBytes === 0;
  // An end that the service gives the connection by itself comes through where its answers do not.
  const idle = hello.end === "closed" && hello.receivedBytes === 0 && hello.tookMs >= patienceMs;
  const effective =
    direction === "from-service"
      ? (silent(hello) || idle) && heard && goodbye.tookMs < patienceMs
      : silent(hello) && silent(goodbye);
  const arrived = `requests ${goodbye.end === "unfinished" ? "do not arrive" : "arrive"} (${goodbye.end})`;
  return {
    effective,
    saw: `over link ${link} ${hello.receivedBytes} bytes came back in ${(hello.tookMs / 1_000).toFixed(1)} s (${hello.end}) and ${arrived}; directly its target answers in ${directMs.toFixed(1)} ms`,
  };
}
