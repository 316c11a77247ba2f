// Kiln's own way into the stack's PostgreSQL and Redis: straight to the server, never through a proxy, so that a look is not disturbed by the
// fault that it looks at. The client libraries are loaded with the first session: a reaper that waits needs none of them.
import { Socket } from "node:net";
import { environmentError, messageOf } from "../support/errors.ts";
import type { Endpoint } from "./exchange.ts";
import type { RedisReply, RedisSession, SqlRow, SqlSession } from "./stack.ts";

/** The superuser of every PostgreSQL that Kiln starts. The stack's own services log in as the user that the description names. */
export const postgresOperator = "postgres";

const lost = new Error("the connection was lost");

export interface SqlLogin {
  readonly user: string;
  readonly database: string;
  /** application_name; the server cuts it after 63 characters. */
  readonly name: string;
}

/** Rejects with `sql-<SQLSTATE>` when the server refuses, with `store-unreachable` when it cannot be reached, and with the signal's reason. */
export async function openSql(at: Endpoint, login: SqlLogin, signal: AbortSignal): Promise<SqlSession> {
  const { Client } = await import("pg");
  signal.throwIfAborted();
  // A socket of our own: the library has no way to give up a connection that hangs.
  const socket = new Socket();
  const client = new Client({
    ...at,
    user: login.user,
    database: login.database,
    application_name: login.name,
    ssl: false,
    stream: () => socket,
  });
  let over = false;
  let why: Error | undefined;
  const refused = (error: unknown): Error => {
    const known = sqlError(error, at);
    // What ends a session is FATAL or worse. The library reports the lost connection after it, which says less.
    if (error instanceof Error && "severity" in error && error.severity !== "ERROR") why ??= known;
    return known;
  };
  client.on("error", (error) => (why ??= refused(error)));
  const ended = new Promise<Error | undefined>((resolve) => {
    client.once("end", () => resolve(over ? undefined : (why ?? unreachable("PostgreSQL", lost, at))));
  });
  const end = async (): Promise<void> => {
    over = true;
    const closed = client.end();
    // What says goodbye is still sent; a server that does not read any more is not waited for.
    socket.destroySoon();
    await closed;
  };
  const asking = <T>(work: () => Promise<T>, limit: AbortSignal): Promise<T> =>
    untilAborted(work, limit, () => socket.destroy(), refused);
  try {
    await asking(() => client.connect(), signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return {
    ended,
    end,
    query: (text, params, limit) =>
      asking(async () => (await client.query<SqlRow>(text, [...params])).rows, limit),
  };
}

/** Rejects with `redis-<first word>` when the server refuses, with `store-unreachable` when it cannot be reached, and with the signal's reason. */
export async function openRedis(at: Endpoint, name: string, signal: AbortSignal): Promise<RedisSession> {
  const { Redis } = await import("ioredis");
  signal.throwIfAborted();
  const client = new Redis({
    ...at,
    lazyConnect: true,
    // One connection, one try: a session that comes back by itself would not be the one that was opened.
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    // Nothing is sent that was not asked for: a server without a free slot answers the first command, whichever it is.
    protocol: 2,
    disableClientInfo: true,
  });
  let over = false;
  let why: Error | undefined;
  const refused = (error: unknown): Error => redisError(error, at);
  client.on("error", (error) => (why ??= refused(error)));
  const ended = new Promise<Error | undefined>((resolve) => {
    client.once("end", () => resolve(over ? undefined : (why ?? unreachable("Redis", lost, at))));
  });
  const end = async (): Promise<void> => {
    over = true;
    client.disconnect();
    await ended;
  };
  const call = (
    [command, ...args]: readonly [string, ...string[]],
    limit: AbortSignal,
  ): Promise<RedisReply> =>
    untilAborted(
      async () => (await client.call(command, ...args)) as RedisReply,
      limit,
      () => client.disconnect(),
      refused,
    );
  try {
    await untilAborted(
      () => client.connect(),
      signal,
      () => client.disconnect(),
      refused,
    );
    // Redis lets everybody connect and then says no.
    await call(["CLIENT", "SETNAME", name], signal);
  } catch (error) {
    client.disconnect();
    throw error;
  }
  return { ended, end, call };
}

/** Opens a session for one use. */
export async function once<S extends { end(): Promise<void> }, T>(
  open: () => Promise<S>,
  use: (session: S) => Promise<T>,
): Promise<T> {
  const session = await open();
  try {
    return await use(session);
  } finally {
    await session.end();
  }
}

/** Does the work, gives it up by `stop` when the signal aborts, and rejects with the signal's reason then. */
async function untilAborted<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  stop: () => void,
  refused: (error: unknown) => Error,
): Promise<T> {
  signal.throwIfAborted();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw refused(error);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function sqlError(error: unknown, at: Endpoint): Error {
  // SQLSTATE: five characters (PostgreSQL documentation, "PostgreSQL Error Codes"). What comes from the socket has a longer code or none.
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (/^[0-9A-Z]{5}$/.test(code)) {
    return environmentError(`sql-${code}`, `PostgreSQL refused: ${messageOf(error)} (${code})`, {
      cause: error,
    });
  }
  return unreachable("PostgreSQL", error, at);
}

function redisError(error: unknown, at: Endpoint): Error {
  if (!(error instanceof Error) || error.name !== "ReplyError") return unreachable("Redis", error, at);
  // An error reply begins with its kind in capitals (Redis documentation, "RESP protocol", simple errors).
  const [kind = "ERR"] = error.message.split(" ", 1);
  return environmentError(`redis-${kind.toLowerCase()}`, `Redis refused: ${error.message}`, { cause: error });
}

function unreachable(what: string, error: unknown, { host, port }: Endpoint): Error {
  return environmentError("store-unreachable", `${what} at ${host}:${port}: ${messageOf(error)}`, {
    cause: error,
  });
}
