// The calm service with Kiln's agent in it, for the agent's own tests.
import { randomUUID } from "node:crypto";
import { startCalmService, type Victim } from "./victim.ts";
import { httpRequest } from "../../stack/http.ts";
import { deadline, eventually } from "../../support/clock.ts";
import type { Json } from "../../support/json.ts";
import { agentEnv, agentPreloadUrl, callAgent } from "../../agent/agent-client.ts";

export interface AgentVictim {
  readonly victim: Victim;
  readonly socket: string;
  readonly env: Record<string, string>;
  call(command: string, params?: Json, limitMs?: number): Promise<unknown>;
  /** GET on the service itself, on a connection of its own. */
  get(path: string, limitMs?: number): Promise<unknown>;
}

const agentToken = "the-token";

export interface AgentVictimOptions {
  /** KILN_AGENT_MAIN, where it is to be another than the service. */
  readonly main?: string;
  readonly node?: string;
  /** Starts the service in another way. */
  readonly start?: (env: Record<string, string>) => Promise<Victim>;
}

export async function startAgentVictim(options: AgentVictimOptions = {}): Promise<AgentVictim> {
  const socket = `kiln-test-${randomUUID()}`;
  const env = agentEnv({
    socket,
    token: agentToken,
    main: options.main ?? "victims/calm-service.mjs",
    preloadUrl: agentPreloadUrl,
  });
  const victim = await (options.start?.(env) ?? startCalmService(env, undefined, options.node));
  return {
    victim,
    socket,
    env,
    call: (command, params = {}, limitMs = 10_000) =>
      callAgent({ socket, token: agentToken, command, params, signal: deadline(limitMs) }),
    get: async (path, limitMs = 10_000) => {
      const at = { host: "127.0.0.1", port: victim.port };
      const { body } = await httpRequest(at, { path, signal: deadline(limitMs) });
      return JSON.parse(body) as unknown;
    },
  };
}

/** The agent binds its socket a moment after the service starts. */
export async function bound(agent: AgentVictim): Promise<AgentVictim> {
  const answers = (): Promise<true | undefined> =>
    agent.call("ping").then(
      () => true,
      () => undefined,
    );
  await eventually(answers, deadline(10_000));
  return agent;
}
