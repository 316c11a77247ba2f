// Every connection of a service's pool is stuck: one session of Kiln's own holds an exclusive lock on a table, and each statement that
// touches it waits. The session, and so the lock, ends with this process, or by the server's own hand when its time is up.
import { z } from "zod";
import { environmentError, KilnError } from "../support/errors.ts";
import { calm } from "./expectations.ts";
import { defineFault, type Confirmation, type FaultContext } from "./fault.ts";
import { outageMs } from "./service-roles.ts";
import { endOwnSessions, isGone, sessionName } from "./store.ts";
import type { SqlSession } from "../stack/stack.ts";

export interface PoolExhaustionOptions {
  /** The PostgreSQL. */
  readonly service: string;
  /** A table that the pool's statements need, with its schema where that is not in the search path. */
  readonly table: string;
  /** Sessions that must wait for it to count as exhausted: the pool's size, or a little less (statements time out and come again). */
  readonly connections: number;
}

/** While Kiln waits for the lock, others queue behind it: after this long they get their turn, and it is tried again. */
const lockTimeout = "5s";
/** Waiting statements need not end at once when the lock is gone. */
const drainMs = 2_000;

const memorySchema = z.object({ service: z.string(), table: z.string() });

export const poolExhaustion = defineFault<PoolExhaustionOptions>({
  name: "pool-exhaustion",
  summary: "A table of a PostgreSQL is locked, so that a service's pooled connections all wait.",
  needs: ["postgres"],
  kind: "held",
  options: z.strictObject({
    service: z.string().min(1),
    table: z.string().min(1),
    connections: z.int().min(1).max(1_000),
  }),
  target: ({ service }) => `service:${service}`,
  expect: ({ service }, { stack, holdMs }) => ({
    ...calm,
    // Resetting connections and shedding load are right answers; a restart finds the same lock.
    recovery: { atLeast: "none", atMost: "medium" },
    unavailableMs: outageMs(service, stack, holdMs + drainMs),
  }),
  // A pool fills as fast as its service is asked: twenty connections at 65 requests a second in under two seconds.
  confirmWithinMs: 10_000,

  async inject(ctx, { service, table }) {
    const [row] = await ctx.stack.sql(service, "SELECT to_regclass($1)::text AS name", [table], ctx.signal);
    const { name } = z.object({ name: z.string().nullable() }).parse(row);
    if (name === null)
      throw environmentError("table-unknown", `${service} has no table ${table}`, {
        hint: "name a table that the service's statements need, such as public.orders",
      });
    await ctx.remember({ service, table: name });
  },

  async sustain(ctx, { service }) {
    const memory = recalled(ctx);
    if (memory === undefined) throw new TypeError("inject remembers the table");
    const session = await ctx.stack.sqlSession(service, "operator", sessionName(ctx), ctx.signal);
    try {
      await lock(ctx, session, memory.table);
      const aborted = Promise.withResolvers<undefined>();
      ctx.signal.addEventListener("abort", () => aborted.resolve(undefined), { once: true });
      const lost = await Promise.race([session.ended, aborted.promise]);
      if (lost !== undefined) throw lost;
    } finally {
      await session.end();
    }
  },

  /** As the server sees it: Kiln's session has the lock, and so many others wait for that table. */
  async confirm(ctx, { service, table, connections }) {
    const no = (saw: string): Confirmation => ({ effective: false, saw });
    const memory = recalled(ctx);
    if (memory === undefined) return no(`no table of ${service} was locked`);
    if (memory.service !== service) return no(`the table locked is one of ${memory.service}`);
    const text = `SELECT (count(*) FILTER (WHERE NOT granted AND wait_event_type = 'Lock'))::int AS waiting,
        (count(*) FILTER (WHERE granted AND mode = 'AccessExclusiveLock' AND application_name = $2))::int AS own
        FROM pg_locks JOIN pg_stat_activity USING (pid)
        WHERE relation = to_regclass($1) AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    const [row] = await ctx.stack.sql(service, text, [table, sessionName(ctx)], ctx.signal);
    const { waiting, own } = z.object({ waiting: z.int(), own: z.int() }).parse(row);
    if (own === 0) return no(`table ${table} of ${service} is not locked by Kiln`);
    return {
      effective: waiting >= connections,
      saw: `${waiting} sessions of ${service} wait for table ${table}, which Kiln has locked`,
      magnitude: { asked: connections, measured: waiting, unit: "sessions" },
    };
  },

  /** A harness that is stopped still has its session: the server is told to end it. */
  async heal(ctx, { service }) {
    if (recalled(ctx) === undefined) return;
    try {
      await endOwnSessions(ctx, service);
    } catch (error) {
      // The lock lived in the server's memory.
      if (!isGone(ctx, service)) throw error;
    }
  },
});

function recalled(ctx: FaultContext): z.infer<typeof memorySchema> | undefined {
  const memory = ctx.recall();
  return memory === undefined ? undefined : memorySchema.parse(memory);
}

/** `table` is as PostgreSQL itself wrote it (quoted where needed). The server ends the session when it was idle for the fault's own time. */
async function lock(ctx: FaultContext, session: SqlSession, table: string): Promise<void> {
  const run = (text: string): Promise<unknown> => session.query(text, [], ctx.signal);
  await run(`SET idle_in_transaction_session_timeout = ${Math.ceil(ctx.selfHealMs)}`);
  await run(`SET lock_timeout = '${lockTimeout}'`);
  for (;;) {
    await run("BEGIN");
    try {
      await run(`LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
      return;
    } catch (error) {
      // 55P03: lock_not_available.
      if (!(error instanceof KilnError) || error.code !== "sql-55P03") throw error;
      await run("ROLLBACK");
    }
  }
}
