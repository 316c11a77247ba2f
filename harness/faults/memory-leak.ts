// A service's memory grows steadily, on its own heap, held by Kiln's agent inside it.
import { z } from "zod";
import { formatBytes } from "../support/bytes.ts";
import { sleep } from "../support/clock.ts";
import { processStat, type ProcessIdentity } from "../support/process-identity.ts";
import { recallJob, servingProcess, startJob, stopJob } from "./agent-job.ts";
import { calm } from "./expectations.ts";
import { defineFault, type FaultContext } from "./fault.ts";
import { sizeSchema } from "./size-schema.ts";

export interface MemoryLeakOptions {
  readonly service: string;
  /** Bytes a minute; a text such as "20MiB" before it is parsed. */
  readonly ratePerMin: number;
}

const mib = 1_048_576;
/** A look lasts until this much should have leaked, within these bounds: a service's own live heap wobbles by some 100 KiB. */
const wantedGrowthBytes = 2 * mib;
const shortestLookMs = 3_000;
const longestLookMs = 12_000;
/** Half way between the asked rate and half of it, on a ratio scale. Above, more room: the service's own growth comes on top. */
const leastRatio = Math.SQRT1_2;
const mostRatio = 2;

export const memoryLeak = defineFault<MemoryLeakOptions>({
  name: "memory-leak",
  summary: "A service's heap grows at a steady rate.",
  needs: ["agent", "process"],
  kind: "held",
  options: z.strictObject({
    service: z.string().min(1),
    ratePerMin: sizeSchema({ least: 4 * mib, most: 1_024 * mib }),
  }),
  target: ({ service }) => `service:${service}`,
  expect: () => calm,
  confirmWithinMs: 30_000,

  async inject(ctx, { service, ratePerMin }) {
    const identity = servingProcess(ctx, service);
    await startJob(ctx, service, { command: "leak", params: { bytesPerMin: ratePerMin }, identity });
  },

  /**
   * Live heap (used bytes after a full collection, as V8 counts them) at two moments: what grows there is held by somebody, while RSS
   * also moves with garbage and with what the allocator keeps, by more than a leak adds in seconds. RSS, read from outside, is reported
   * beside it. Each look costs the service two full collections of some 10 ms.
   */
  async confirm(ctx, { service, ratePerMin }) {
    if (recallJob(ctx) === undefined) return { effective: false, saw: `nothing was put into ${service}` };
    const identity = servingProcess(ctx, service);
    const before = await look(ctx, service, identity);
    const lookMs = Math.min(
      longestLookMs,
      Math.max(shortestLookMs, (wantedGrowthBytes / ratePerMin) * 60_000),
    );
    await sleep(lookMs, ctx.signal, ctx.clock);
    const after = await look(ctx, service, identity);
    const passedMs = after.atMs - before.atMs;
    const perMin = (from: number, to: number): number => ((to - from) / passedMs) * 60_000;
    const measured = perMin(before.heapBytes, after.heapBytes);
    const rssText = formatBytes(after.rssBytes - before.rssBytes);
    return {
      effective: measured >= leastRatio * ratePerMin && measured <= mostRatio * ratePerMin,
      saw: `the live heap of ${service} grew by ${formatBytes(after.heapBytes - before.heapBytes)} in ${(passedMs / 1_000).toFixed(1)} s (RSS seen from outside: ${rssText})`,
      magnitude: { asked: ratePerMin / mib, measured: measured / mib, unit: "MiB/min" },
    };
  },

  async heal(ctx, { service }) {
    await stopJob(ctx, service);
  },
});

interface MemoryLook {
  readonly atMs: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
}

const heapAnswer = z.object({ collected: z.literal(true), heapUsedBytes: z.number() });

async function look(ctx: FaultContext, service: string, identity: ProcessIdentity): Promise<MemoryLook> {
  const { heapUsedBytes } = heapAnswer.parse(await ctx.stack.agent(service).call("heap", {}, ctx.signal));
  const stat = processStat(identity.pid);
  if (stat?.identity.startTicks !== identity.startTicks)
    throw new Error(`${service} was replaced while it was looked at`);
  return { atMs: ctx.clock.nowMs(), heapBytes: heapUsedBytes, rssBytes: stat.rssBytes };
}
