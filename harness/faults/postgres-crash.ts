// One backend of a PostgreSQL is killed with SIGKILL, as the kernel's out-of-memory killer does. The server cannot know what that process
// left in shared memory: it ends every session, starts its own processes anew and recovers from its log. The server process itself stays.
import { z } from "zod";
import type { SqlRow } from "../stack/stack.ts";
import { environmentError, KilnError, messageOf } from "../support/errors.ts";
import { isAlive, processStat } from "../support/process-identity.ts";
import { servingProcess } from "./agent-job.ts";
import { calm } from "./expectations.ts";
import { defineFault, type Confirmation } from "./fault.ts";
import { identitySchema } from "./service-process.ts";
import { outageMs } from "./service-roles.ts";
import { sessionName } from "./store.ts";

export interface PostgresCrashOptions {
  readonly service: string;
}

/** Recovery after a few minutes of the reference load took under a second; clients have to notice and connect again. */
const backMs = 5_000;

const memorySchema = z.object({
  service: z.string(),
  backend: identitySchema,
  /** When the server itself started, and the moment before the kill: both by the server's clock. */
  startedAt: z.string(),
  killedAfter: z.string(),
});

export const postgresCrash = defineFault<PostgresCrashOptions>({
  name: "postgres-crash",
  summary: "A backend of PostgreSQL is killed: the server drops every session and recovers.",
  needs: ["postgres", "process"],
  kind: "momentary",
  options: z.strictObject({ service: z.string().min(1) }),
  target: ({ service }) => `service:${service}`,
  expect: ({ service }, { stack }) => ({ ...calm, unavailableMs: outageMs(service, stack, backMs) }),
  // A large log may take long to replay.
  confirmWithinMs: 30_000,

  async inject(ctx, { service }) {
    const server = servingProcess(ctx, service);
    // The oldest session of the stack's own; where it has none, this one.
    const session = await ctx.stack.sqlSession(service, "operator", sessionName(ctx), ctx.signal);
    try {
      const text = `SELECT coalesce((SELECT pid FROM pg_stat_activity
          WHERE backend_type = 'client backend' AND application_name NOT LIKE 'kiln%' ORDER BY backend_start LIMIT 1),
          pg_backend_pid()) AS pid, pg_postmaster_start_time()::text AS started, clock_timestamp()::text AS now`;
      const [row] = await session.query(text, [], ctx.signal);
      const chosen = z.object({ pid: z.int(), started: z.string(), now: z.string() }).parse(row);
      const stat = processStat(chosen.pid);
      if (stat?.parentPid !== server.pid)
        throw environmentError(
          "service-gone",
          `backend ${chosen.pid} of ${service} ended before it was killed`,
        );
      await ctx.remember({
        service,
        backend: { ...stat.identity },
        startedAt: chosen.started,
        killedAfter: chosen.now,
      });
      ctx.stack.process(service).signal(stat.identity, "SIGKILL");
    } finally {
      await session.end();
    }
  },

  /** The backend is gone, the server is the same, and its own checkpointer is younger than the kill: it has started all anew and takes sessions. */
  async confirm(ctx, { service }) {
    const no = (saw: string): Confirmation => ({ effective: false, saw });
    const memory = ctx.recall();
    if (memory === undefined) return no(`no backend of ${service} was chosen`);
    const chosen = memorySchema.parse(memory);
    if (chosen.service !== service) return no(`the backend chosen is one of ${chosen.service}`);
    if (isAlive(chosen.backend)) return no(`backend ${chosen.backend.pid} of ${service} still runs`);
    const text = `SELECT pg_postmaster_start_time()::text AS started, coalesce(bool_and(backend_start > $1::timestamptz), false) AS anew
        FROM pg_stat_activity WHERE backend_type = 'checkpointer'`;
    let row: SqlRow | undefined;
    try {
      [row] = await ctx.stack.sql(service, text, [chosen.killedAfter], ctx.signal);
    } catch (error) {
      // 57P03, cannot_connect_now: in recovery. 57P02, crash_shutdown: this session was dropped as well.
      if (error instanceof KilnError && /^sql-57P0[23]$/.test(error.code))
        return no(`${service} is not back yet: ${messageOf(error)}`);
      throw error;
    }
    const { started, anew } = z.object({ started: z.string(), anew: z.boolean() }).parse(row);
    if (started !== chosen.startedAt) return no(`${service} itself was started again, at ${started}`);
    if (!anew)
      return no(`backend ${chosen.backend.pid} of ${service} is gone, and its server took no notice`);
    return {
      effective: true,
      saw: `backend ${chosen.backend.pid} of ${service} is gone; its server, up since ${started}, dropped every session and recovered`,
    };
  },

  /** The server mends itself. */
  async heal() {},
});
