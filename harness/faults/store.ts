// What the faults on PostgreSQL and Redis share.
import { eventually } from "../support/clock.ts";
import type { FaultContext } from "./fault.ts";

/** PostgreSQL cuts an application_name after 63 characters (NAMEDATALEN - 1), and would then not be found under its whole name. */
const longestName = 63;

/** The name under which a fault's own sessions are known to the server: any process can find and end them by it. */
export function sessionName({ id }: FaultContext): string {
  return `kiln-${id}`.slice(0, longestName);
}

/** Nobody listens for the service: what lived in its server's memory is gone. */
export function isGone(ctx: FaultContext, service: string): boolean {
  return ctx.stack.process(service).find() === undefined;
}

/**
 * Has a PostgreSQL end the fault's own sessions and waits until there are none. They end with the process that holds them, but one that is
 * stopped still does.
 */
export async function endOwnSessions(ctx: FaultContext, service: string): Promise<void> {
  const text = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
  const look = async (): Promise<true | undefined> => {
    const ended = await ctx.stack.sql(service, text, [sessionName(ctx)], ctx.signal);
    return ended.length === 0 ? true : undefined;
  };
  await eventually(look, ctx.signal, 50, ctx.clock);
}
