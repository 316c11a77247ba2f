// Toxiproxy's control plane: one call, one answer, or an error after 2 s. The client package knows neither deadlines nor listings of toxics
// and hides what Toxiproxy says when it refuses, so it is given a transport of Kiln's own. Toxiproxy 2.12 can freeze while it removes a
// toxic; who replaces a frozen one is control-plane.ts.
import client from "toxiproxy-node-client";
import { environmentError, KilnError, messageOf } from "../support/errors.ts";
import { patience } from "../support/patience.ts";
import type { Json } from "../support/json.ts";
import type { Endpoint } from "./exchange.ts";
import { httpRequest } from "./http.ts";
import type { Toxic, ToxicUpdate } from "./stack.ts";

export interface ProxySpec {
  readonly name: string;
  readonly listenPort: number;
  readonly upstreamPort: number;
  /** Default: true. */
  readonly enabled?: boolean;
}

export interface ProxyState {
  readonly enabled: boolean;
  readonly toxics: readonly string[];
}

/**
 * Every call rejects (environment) with `toxiproxy-unanswered` after 2 s of this process's own time, with `toxiproxy-unreachable` when there
 * is nobody or the connection broke, and with `toxiproxy-refused` when it says no.
 */
export interface ToxiproxyControl {
  version(): Promise<string>;
  createProxy(proxy: ProxySpec): Promise<void>;
  addToxic(proxy: string, toxic: Toxic): Promise<void>;
  /** See LinkProxy. */
  updateToxic(proxy: string, toxic: Toxic, how?: ToxicUpdate): Promise<boolean>;
  /** Absent counts as removed. */
  removeToxic(proxy: string, name: string): Promise<void>;
  setEnabled(proxy: string, enabled: boolean): Promise<void>;
  state(proxy: string): Promise<ProxyState>;
}

const callMs = 2_000;

/** True for an error that says nothing of what was asked, only that Toxiproxy did not answer. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof KilnError && ["toxiproxy-unanswered", "toxiproxy-unreachable"].includes(error.code);
}

export function toxiproxyControl(at: Endpoint): ToxiproxyControl {
  const call = <T>(what: string, work: (api: Api) => Promise<T>): Promise<T> =>
    withDeadline(`Toxiproxy: ${what}`, at, work);
  const state = async ({ send }: Api, proxy: string): Promise<ProxyState> => {
    const { enabled, toxics } = JSON.parse(await send("GET", `/proxies/${proxy}`)) as {
      enabled: boolean;
      toxics: readonly { name: string }[];
    };
    return { enabled, toxics: toxics.map(({ name }) => name) };
  };
  return {
    version: () => call("version", ({ toxiproxy }) => toxiproxy.getVersion()),
    createProxy: ({ name, listenPort, upstreamPort, enabled = true }) =>
      call(`create proxy ${name}`, async ({ toxiproxy }) => {
        await toxiproxy.createProxy({
          name,
          listen: `127.0.0.1:${listenPort}`,
          upstream: `127.0.0.1:${upstreamPort}`,
          enabled,
        });
      }),
    addToxic: (proxy, toxic) =>
      call(`add toxic ${toxic.name} to ${proxy}`, async ({ toxiproxy }) => {
        // Toxicity 1 always: Toxiproxy's own dice cannot be seeded.
        await (await toxiproxy.get(proxy)).addToxic({ ...toxic, toxicity: 1 });
      }),
    updateToxic: (proxy, { name, attributes }, { keepHeld = false } = {}) =>
      call(`update toxic ${name} of ${proxy}`, async ({ send }) => {
        const path = `/proxies/${proxy}/toxics/${encodeURIComponent(name)}`;
        // Toxiproxy restarts a changed toxic on every connection, and hangs when a client leaves at that moment. Its decoder (Go's
        // encoding/json) stores the attributes, which a toxic reads anew for each piece of data, before it refuses what is no
        // number as toxicity; a refused update restarts nothing.
        const body = keepHeld ? { attributes, toxicity: "as it is" } : { attributes };
        const answer = await send("PATCH", path, { body, fine: keepHeld ? [400, 404] : [404] });
        const { name: changed, error = "" } = JSON.parse(answer) as { name?: string; error?: string };
        return changed === name || (keepHeld && error.includes("toxicity"));
      }),
    removeToxic: (proxy, name) =>
      call(`remove toxic ${name} from ${proxy}`, async ({ send }) => {
        await send("DELETE", `/proxies/${proxy}/toxics/${encodeURIComponent(name)}`, { fine: [404] });
      }),
    setEnabled: (proxy, enabled) =>
      call(`${enabled ? "enable" : "disable"} ${proxy}`, async ({ toxiproxy }) => {
        const found = await toxiproxy.get(proxy);
        await found.update({ enabled, listen: found.listen, upstream: found.upstream });
      }),
    state: (proxy) => call(`state of ${proxy}`, (api) => state(api, proxy)),
  };
}

interface Api {
  readonly toxiproxy: InstanceType<typeof client.Toxiproxy>;
  readonly send: (
    method: string,
    path: string,
    how?: { body?: Json; fine?: readonly number[] },
  ) => Promise<string>;
}

/** The client over connections that end with the call: its own would stay open, and keep the process alive, after a call that timed out. */
function apiUntil(at: Endpoint, signal: AbortSignal): Api {
  const send: Api["send"] = async (method, path, { body, fine = [] } = {}) => {
    const answer = await httpRequest(at, {
      path,
      method,
      signal,
      ...(body === undefined ? {} : { body }),
    });
    if (answer.status < 300 || fine.includes(answer.status)) return answer.body;
    throw environmentError(
      "toxiproxy-refused",
      `answered ${answer.status}: ${answer.body.slice(0, 200).trim()}`,
    );
  };
  const parsed = (text: string): { data: unknown } => ({
    data: text === "" ? undefined : (JSON.parse(text) as unknown),
  });
  // The client puts this host before each path.
  const toxiproxy = new client.Toxiproxy("");
  Object.assign(toxiproxy.getApi(), {
    get: async (path: string) => parsed(await send("GET", path)),
    post: async (path: string, body?: Json) =>
      parsed(await send("POST", path, body === undefined ? {} : { body })),
    delete: async (path: string) => void (await send("DELETE", path)),
    getText: (path: string) => send("GET", path),
  });
  return { toxiproxy, send };
}

async function withDeadline<T>(what: string, at: Endpoint, work: (api: Api) => Promise<T>): Promise<T> {
  const { signal, done } = patience(callMs);
  try {
    return await work(apiUntil(at, signal));
  } catch (error) {
    if (signal.aborted) {
      throw environmentError("toxiproxy-unanswered", `${what}: no answer within ${callMs} ms`, {
        hint: "its control plane may be frozen",
        cause: error,
      });
    }
    const refused = error instanceof KilnError ? error.code === "toxiproxy-refused" : true;
    const code = refused ? "toxiproxy-refused" : "toxiproxy-unreachable";
    throw environmentError(code, `${what}: ${messageOf(error)}`, { cause: error });
  } finally {
    done();
  }
}
