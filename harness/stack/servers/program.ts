// A program of the stack under test, as its description says: placeholders filled in, the agent's settings added where it is wanted.
import { agentEnv, agentPreloadUrl } from "../../agent/agent-client.ts";
import type { ProgramService } from "../../scenario/stack-spec.ts";
import { environmentError } from "../../support/errors.ts";
import { httpRequest } from "../http.ts";
import { fillPlaceholders } from "../placeholders.ts";
import { agentSocketName } from "../record.ts";
import type { BringUpContext, Launch } from "./server.ts";

export function programLaunch(service: ProgramService, ctx: BringUpContext): Launch {
  const { record, spawn } = ctx;
  const fill = (text: string): string => fillPlaceholders(text, service.name, record);
  const port = record.servicePorts[service.name] ?? 0;
  return {
    name: service.name,
    stopSignal: "SIGTERM",
    awaited: `a 2xx answer to GET ${service.readyPath} on port ${port}`,
    prepare: () => Promise.resolve(),
    start: () => {
      const [program = "", ...args] = service.command.map(fill);
      const own = Object.fromEntries(
        Object.entries(service.env ?? {}).map(([name, value]) => [name, fill(value)]),
      );
      return spawn({
        name: service.name,
        command: program === "node" ? process.execPath : program,
        args,
        env: withAgent(own, service, ctx),
        cwd: process.cwd(),
      });
    },
    ready: async (signal) => {
      const { status, body } = await httpRequest(
        { host: "127.0.0.1", port },
        { path: service.readyPath, signal },
      );
      if (status >= 200 && status < 300) return;
      throw environmentError("service-not-ready", `answered ${status}: ${body.slice(0, 200)}`);
    },
    afterFirstStart: () => Promise.resolve(),
  };
}

/** The agent goes into the process that Kiln starts: the service itself, or whoever starts it and hands its environment on. */
function withAgent(
  own: Readonly<Record<string, string>>,
  service: ProgramService,
  ctx: BringUpContext,
): Record<string, string> {
  const { spec, runId, agentToken } = ctx.record;
  const host = spec.services.find(
    (candidate) =>
      candidate.kind === "program" &&
      candidate.agentMain !== undefined &&
      (candidate.startedBy ?? candidate.name) === service.name,
  );
  if (host?.kind !== "program" || host.agentMain === undefined) return { ...own };
  const agent = agentEnv({
    socket: agentSocketName(runId, host.name),
    token: agentToken,
    main: host.agentMain,
    preloadUrl: agentPreloadUrl,
  });
  const nodeOptions = [own["NODE_OPTIONS"], agent["NODE_OPTIONS"]].filter(Boolean).join(" ");
  return { ...own, ...agent, NODE_OPTIONS: nodeOptions };
}
