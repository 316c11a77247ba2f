// A real Redis of the run's own, configured by arguments alone. Append-only file on, snapshots off.
import { mkdirSync } from "node:fs";
import type { RedisService } from "../../scenario/stack-spec.ts";
import { exchange } from "../exchange.ts";
import { dataDir } from "../record.ts";
import type { BringUpContext, Launch } from "./server.ts";

export function redisLaunch(service: RedisService, ctx: BringUpContext): Launch {
  const { record, spawn, tools } = ctx;
  const data = dataDir(record.runDir, service.name);
  const port = record.servicePorts[service.name] ?? 0;
  const settings = [
    ["--bind", "127.0.0.1"],
    ["--port", String(port)],
    ["--dir", data],
    ["--daemonize", "no"],
    ["--appendonly", "yes"],
    ["--save", ""],
    ["--maxmemory", service.maxMemory ?? "256mb"],
    ["--maxmemory-policy", "allkeys-lru"],
  ];
  const request = { name: service.name, command: tools.redisServer, args: settings.flat(), cwd: data };
  return {
    name: service.name,
    request,
    stopSignal: "SIGTERM",
    awaited: `PONG on port ${port}`,
    prepare: async () => void mkdirSync(data, { recursive: true }),
    start: () => spawn(request),
    ready: async (signal) => void (await exchange(service, { host: "127.0.0.1", port }, signal, ctx.clock)),
    afterFirstStart: () => Promise.resolve(),
  };
}
