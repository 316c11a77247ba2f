// A server takes no new connections: all that it allows are in use, by Kiln. Open ones go on. PostgreSQL: sessions are opened until one more is
// refused; those reserved for superusers stay free, as an operator needs them. Redis reserves none: its limit is lowered to a few more than
// are connected, and Kiln takes those few, so that letting go of them is enough for heal to get in. Limit: a harness that is stopped (not
// dead) holds on to them, and nobody else can restore the limit before it goes on or ends.
import { z } from "zod";
import { eventually, sleep } from "../support/clock.ts";
import { KilnError, messageOf } from "../support/errors.ts";
import { calm } from "./expectations.ts";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import { outageMs } from "./service-roles.ts";
import { endOwnSessions, isGone, sessionName } from "./store.ts";

export interface OutOfConnectionsOptions {
  readonly service: string;
}

/** What becomes free meanwhile is taken within this time. */
const fillEveryMs = 250;
/** Redis: connections that Kiln takes. Clients that wait for a free one must not be able to take them all before heal does. */
const redisSpare = 16;

const memorySchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("postgres"), service: z.string(), free: z.int() }),
  z.object({ kind: z.literal("redis"), service: z.string(), was: z.int(), set: z.int() }),
]);

export const outOfConnections = defineFault<OutOfConnectionsOptions>({
  name: "out-of-connections",
  summary: "A PostgreSQL or Redis has no connection left: open ones go on, new ones are refused.",
  needs: ["store"],
  kind: "held",
  options: z.strictObject({ service: z.string().min(1) }),
  target: ({ service }) => `service:${service}`,
  expect: ({ service }, { stack, holdMs }) => ({
    ...calm,
    // Shedding load and giving up connections are right answers; a restart of the client gets it no connection.
    recovery: { atLeast: "none", atMost: "medium" },
    unavailableMs: outageMs(service, stack, holdMs),
  }),

  async inject(ctx, { service }) {
    if (kindOf(ctx, service) === "redis") await lowerRedisLimit(ctx, service);
    else await ctx.remember({ kind: "postgres", service, free: await freeSlots(ctx, service) });
  },

  async sustain(ctx, { service }) {
    const held = new Set<Held>();
    const stop = new AbortController();
    const keep = (session: Held): void => {
      held.add(session);
      void session.ended.then((why) => {
        held.delete(session);
        // Somebody ended it on purpose (57P01, admin_shutdown): no more are opened against that.
        if (isRefusal(why, "sql-57P01")) stop.abort(why);
      });
    };
    try {
      await fill({ ...ctx, signal: AbortSignal.any([ctx.signal, stop.signal]) }, service, held, keep);
    } finally {
      await Promise.all([...held].map((session) => session.end()));
      stop.signal.throwIfAborted();
    }
  },

  /** A new session, as the stack's own services open them, is refused for want of a free connection. PostgreSQL also says how many Kiln has. */
  async confirm(ctx, { service }) {
    const memory = recalled(ctx);
    if (memory === undefined) return { effective: false, saw: `nothing was done to ${service}` };
    if (memory.service !== service) return { effective: false, saw: `it was done to ${memory.service}` };
    const refusal = await refusalOf(ctx, service);
    if (refusal === undefined) return { effective: false, saw: `${service} accepted a new session` };
    const seen: Confirmation = { effective: true, saw: `${service} takes no new session (${refusal})` };
    if (memory.kind === "redis") return seen;
    const measured = await ownSessions(ctx, service);
    return { ...seen, magnitude: { asked: memory.free, measured, unit: "connections" } };
  },

  async heal(ctx, { service }) {
    const memory = recalled(ctx);
    if (memory === undefined) return;
    try {
      if (memory.kind === "redis") await restoreRedisLimit(ctx, memory);
      else await endOwnSessions(ctx, service);
    } catch (error) {
      // Sessions and limit live in the server's memory: with the server gone they are gone, too.
      if (!isGone(ctx, service)) throw error;
    }
  },
});

type Held = { readonly ended: Promise<Error | undefined>; end(): Promise<void> };
type Memory = z.infer<typeof memorySchema>;

function recalled(ctx: FaultContext): Memory | undefined {
  const memory = ctx.recall();
  return memory === undefined ? undefined : memorySchema.parse(memory);
}

function kindOf(ctx: FaultContext, service: string): "postgres" | "redis" {
  return ctx.stack.spec.services.find(({ name }) => name === service)?.kind === "redis"
    ? "redis"
    : "postgres";
}

function isRefusal(error: unknown, code: string): boolean {
  return error instanceof KilnError && error.code === code;
}

/** For want of a free connection: PostgreSQL says so by 53300 (too_many_connections), Redis only in words. */
function isFull(error: unknown): boolean {
  return (
    isRefusal(error, "sql-53300") ||
    (isRefusal(error, "redis-err") && messageOf(error).includes("max number of clients"))
  );
}

function open(ctx: FaultContext, service: string): Promise<Held> {
  return kindOf(ctx, service) === "redis"
    ? ctx.stack.redisSession(service, sessionName(ctx), ctx.signal)
    : ctx.stack.sqlSession(service, "user", sessionName(ctx), ctx.signal);
}

/** Takes every connection that is or becomes free, until the signal aborts. */
async function fill(
  ctx: FaultContext,
  service: string,
  held: ReadonlySet<Held>,
  keep: (session: Held) => void,
): Promise<never> {
  const memory = recalled(ctx);
  // Never more than the limit that was set: somebody may have raised it again.
  const most = memory?.kind === "redis" ? memory.set : Infinity;
  for (;;) {
    try {
      while (held.size < most) keep(await open(ctx, service));
    } catch (error) {
      // Full is what is wanted; a server that is gone or starting may come back.
      ctx.signal.throwIfAborted();
      if (!isFull(error) && !(error instanceof KilnError)) throw error;
    }
    await sleep(fillEveryMs, ctx.signal, ctx.clock);
  }
}

/** Why a new session is refused, where it is for want of a free connection; undefined when it is not refused. */
async function refusalOf(ctx: FaultContext, service: string): Promise<string | undefined> {
  try {
    const session = await open({ ...ctx, id: "look" }, service);
    await session.end();
    return undefined;
  } catch (error) {
    if (isFull(error)) return messageOf(error);
    throw error;
  }
}

/** Connections that an ordinary user could still open now; the one that asks is the operator's and does not stay. */
async function freeSlots(ctx: FaultContext, service: string): Promise<number> {
  const text = `SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
      - coalesce(current_setting('reserved_connections', true)::int, 0)
      - (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())::int AS free`;
  const [row] = await ctx.stack.sql(service, text, [], ctx.signal);
  return z.object({ free: z.int() }).parse(row).free;
}

async function ownSessions(ctx: FaultContext, service: string): Promise<number> {
  const text = "SELECT count(*)::int AS own FROM pg_stat_activity WHERE application_name = $1";
  const [row] = await ctx.stack.sql(service, text, [sessionName(ctx)], ctx.signal);
  return z.object({ own: z.int() }).parse(row).own;
}

async function lowerRedisLimit(ctx: FaultContext, service: string): Promise<void> {
  const was = await redisLimit(ctx, service);
  const info = await ctx.stack.redis(service, ["INFO", "clients"], ctx.signal);
  // One of them is the session that asks.
  const connected = Number(/connected_clients:(\d+)/.exec(String(info))?.[1]) - 1;
  const set = Math.min(was, z.int().parse(connected) + redisSpare);
  await ctx.remember({ kind: "redis", service, was, set });
  await ctx.stack.redis(service, ["CONFIG", "SET", "maxclients", String(set)], ctx.signal);
}

async function restoreRedisLimit(ctx: FaultContext, { service, was, set }: Memory & { kind: "redis" }) {
  const look = async (): Promise<number | undefined> => {
    try {
      return await redisLimit(ctx, service);
    } catch (error) {
      // Somebody else took what Kiln let go of: another one becomes free when a client's own time is up.
      if (isFull(error)) return undefined;
      throw error;
    }
  };
  const now = await eventually(look, ctx.signal, 50, ctx.clock);
  if (now === set) await ctx.stack.redis(service, ["CONFIG", "SET", "maxclients", String(was)], ctx.signal);
}

async function redisLimit(ctx: FaultContext, service: string): Promise<number> {
  const answer = await ctx.stack.redis(service, ["CONFIG", "GET", "maxclients"], ctx.signal);
  return z.tuple([z.literal("maxclients"), z.coerce.number().int()]).parse(answer)[1];
}
