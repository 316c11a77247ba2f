// A real PostgreSQL of the run's own. It refuses to run as root; then it runs as nobody, who owns its data folder and keeps only the
// capability to look into folders (the checkout may lie under a folder of root's). No Unix sockets and no POSIX shared memory: what
// is left of a killed server is one System V segment, named in postmaster.pid.
import { chownSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PostgresService } from "../../scenario/stack-spec.ts";
import { deadline } from "../../support/clock.ts";
import { environmentError } from "../../support/errors.ts";
import { type Endpoint, exchange, postgresAccepts } from "../exchange.ts";
import { dataDir, logsDir, serviceDir } from "../record.ts";
import { once, openSql, postgresOperator } from "../store-access.ts";
import { lastLines } from "./log-tail.ts";
import type { BringUpContext, Launch } from "./server.ts";

const initMs = 60_000;

export function postgresLaunch(service: PostgresService, ctx: BringUpContext): Launch {
  const { record, spawn, tools } = ctx;
  const data = dataDir(record.runDir, service.name);
  const port = record.servicePorts[service.name] ?? 0;
  const at = { host: "127.0.0.1", port };
  const account = serverAccount();
  const program = (name: string, args: readonly string[]) => {
    const argv = [...account.prefix, join(tools.postgresBin, name), ...args];
    return { command: argv[0] ?? "", args: argv.slice(1), cwd: serviceDir(record.runDir, service.name) };
  };
  const runOnce = async (name: string, args: readonly string[]): Promise<void> => {
    const component = `${service.name}-${name}`;
    const { exited, child } = await spawn({ name: component, ...program(name, args) });
    const limit = deadline(initMs, ctx.signal);
    const stop = (): void => void child.kill("SIGKILL");
    limit.addEventListener("abort", stop, { once: true });
    const { code } = await exited;
    limit.removeEventListener("abort", stop);
    ctx.signal.throwIfAborted();
    if (code === 0) return;
    const why = limit.aborted ? `did not end within ${initMs / 1_000} s` : `failed (exit code ${code})`;
    const log = join(logsDir(record.runDir), `${component}.log`);
    throw environmentError("service-not-ready", `${service.name}: ${name} ${why}\n${lastLines(log)}`, {
      hint: `see ${log}`,
    });
  };
  const request = {
    name: service.name,
    ...program("postgres", ["-D", data, "-p", String(port), ...settings()]),
  };
  return {
    name: service.name,
    request,
    // Fast shutdown: sessions are ended, data is written out (PostgreSQL documentation, "Shutting Down the Server").
    stopSignal: "SIGINT",
    awaited: `a session on port ${port}`,
    prepare: async () => {
      mkdirSync(data, { recursive: true, mode: 0o700 });
      if (account.owner !== undefined) chownSync(data, account.owner.uid, account.owner.gid);
      const locale = ["--encoding=UTF8", "--locale=C"];
      await runOnce("initdb", [
        `--pgdata=${data}`,
        `--username=${postgresOperator}`,
        "--auth=trust",
        "--no-sync",
        ...locale,
      ]);
    },
    start: () => spawn(request),
    ready: async (signal) => {
      await exchange(service, at, signal, ctx.clock);
      await postgresAccepts(postgresOperator, "postgres", at, signal);
    },
    afterFirstStart: () => createAccount(service, at, deadline(initMs, ctx.signal)),
  };
}

/** The user of the stack's services owns its database and is no superuser: the connections that are kept free are not for it. */
async function createAccount(
  { user, database }: PostgresService,
  at: Endpoint,
  signal: AbortSignal,
): Promise<void> {
  const statements = [
    ...(user === postgresOperator ? [] : [`CREATE ROLE ${quoted(user)} LOGIN`]),
    database === "postgres"
      ? `ALTER DATABASE postgres OWNER TO ${quoted(user)}`
      : `CREATE DATABASE ${quoted(database)} OWNER ${quoted(user)}`,
  ];
  const login = { user: postgresOperator, database: "postgres", name: "kiln" };
  await once(
    () => openSql(at, login, signal),
    async (session) => {
      for (const statement of statements) await session.query(statement, [], signal);
    },
  );
}

/** An SQL identifier as it stands. */
function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function settings(): string[] {
  const values = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "dynamic_shared_memory_type=mmap",
    "max_connections=100",
    "logging_collector=off",
    "log_min_messages=warning",
  ];
  return values.flatMap((value) => ["-c", value]);
}

interface Account {
  /** Put before a server program's argv. */
  readonly prefix: readonly string[];
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** The account that the server runs under: the user's own, or nobody when the user is root. */
function serverAccount(): Account {
  if (process.getuid?.() !== 0) return { prefix: [] };
  const line = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .find((candidate) => candidate.startsWith("nobody:"));
  const [, , uid, gid] = line?.split(":") ?? [];
  if (uid === undefined || gid === undefined) {
    throw environmentError(
      "postgres-no-account",
      "PostgreSQL does not run as root, and this machine has no user nobody",
      {
        hint: "run Kiln as an ordinary user",
      },
    );
  }
  const capability = "-all,+dac_read_search";
  const caps = [`--inh-caps=${capability}`, `--ambient-caps=${capability}`];
  return {
    prefix: ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups", ...caps],
    owner: { uid: Number(uid), gid: Number(gid) },
  };
}
