// A Redis is out of memory: its limit is lowered below what even an empty one uses and it may not evict, so that every write is refused.
// Reads go on. Both settings live in the server's memory: a restart undoes them.
import { z } from "zod";
import { KilnError, messageOf } from "../support/errors.ts";
import { calm } from "./expectations.ts";
import { defineFault, type FaultContext } from "./fault.ts";
import { outageMs } from "./service-roles.ts";
import { isGone } from "./store.ts";

export interface RedisMemoryOptions {
  readonly service: string;
}

/** An empty Redis 7 uses about 900 KB. Keys that expire while the fault is in must not make room. */
const lowBytes = 65_536;
const noEviction = "noeviction";

const settings = ["maxmemory", "maxmemory-policy"] as const;
type Setting = (typeof settings)[number];
const valuesSchema = z.object({ maxmemory: z.string(), "maxmemory-policy": z.string() });
const memorySchema = z.object({ service: z.string(), was: valuesSchema });
const set: z.infer<typeof valuesSchema> = { maxmemory: String(lowBytes), "maxmemory-policy": noEviction };

export const redisMemory = defineFault<RedisMemoryOptions>({
  name: "redis-memory",
  summary: "A Redis is out of memory: writes are refused, reads go on.",
  needs: ["redis"],
  kind: "held",
  options: z.strictObject({ service: z.string().min(1) }),
  target: ({ service }) => `service:${service}`,
  expect: ({ service }, { stack, holdMs }) => ({ ...calm, unavailableMs: outageMs(service, stack, holdMs) }),

  async inject(ctx, { service }) {
    const was = await valuesOf(ctx, service);
    await ctx.remember({ service, was });
    // Without eviction first: the other way round the cache would be emptied in between.
    await change(ctx, service, "maxmemory-policy", noEviction);
    await change(ctx, service, "maxmemory", set.maxmemory);
  },

  /** A write that would change nothing (an empty text at the start of a key that is not there) is refused for want of memory. */
  async confirm(ctx, { service }) {
    try {
      await ctx.stack.redis(service, ["SETRANGE", `kiln:${ctx.id}`, "0", ""], ctx.signal);
      return { effective: false, saw: `${service} accepted a write` };
    } catch (error) {
      if (!(error instanceof KilnError) || error.code !== "redis-oom") throw error;
      await ctx.stack.redis(service, ["GET", `kiln:${ctx.id}`], ctx.signal);
      return { effective: true, saw: `${service} takes no write (${messageOf(error)}) and answers reads` };
    }
  },

  /** Each setting goes back only while it is still what was set here; the limit first, so that nothing is evicted. */
  async heal(ctx, { service }) {
    const memory = ctx.recall();
    if (memory === undefined) return;
    const { was } = memorySchema.parse(memory);
    try {
      const now = await valuesOf(ctx, service);
      for (const name of settings) if (now[name] === set[name]) await change(ctx, service, name, was[name]);
    } catch (error) {
      if (!isGone(ctx, service)) throw error;
    }
  },
});

async function valuesOf(ctx: FaultContext, service: string): Promise<z.infer<typeof valuesSchema>> {
  const entries: [string, unknown][] = [];
  for (const name of settings) {
    const answer = await ctx.stack.redis(service, ["CONFIG", "GET", name], ctx.signal);
    entries.push([name, z.tuple([z.literal(name), z.string()]).parse(answer)[1]]);
  }
  return valuesSchema.parse(Object.fromEntries(entries));
}

async function change(ctx: FaultContext, service: string, name: Setting, value: string): Promise<void> {
  await ctx.stack.redis(service, ["CONFIG", "SET", name, value], ctx.signal);
}
