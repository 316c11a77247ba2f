// Toxiproxy's control plane. The client package knows neither deadlines nor listings of toxics, and Toxiproxy 2.12 can freeze while it
// removes a toxic, so every call here ends after 2 s, and the state is read by plain HTTP.
import client from "toxiproxy-node-client";
import { deadline } from "../support/clock.ts";
import { environmentError, messageOf } from "../support/errors.ts";
import type { Endpoint } from "./exchange.ts";
import { httpRequest } from "./http.ts";
import type { Toxic } from "./stack.ts";

const { Toxiproxy } = client;

export interface ProxySpec {
  readonly name: string;
  readonly listenPort: number;
  readonly upstreamPort: number;
}

export interface ProxyState {
  readonly enabled: boolean;
  readonly toxics: readonly string[];
}

/** Every call rejects with `toxiproxy-unanswered` (environment) after 2 s, or `toxiproxy-refused` when it says no. */
export interface ToxiproxyControl {
  version(): Promise<string>;
  createProxy(proxy: ProxySpec): Promise<void>;
  addToxic(proxy: string, toxic: Toxic): Promise<void>;
  /** Absent counts as removed. */
  removeToxic(proxy: string, name: string): Promise<void>;
  setEnabled(proxy: string, enabled: boolean): Promise<void>;
  state(proxy: string): Promise<ProxyState>;
}

const callMs = 2_000;

export function toxiproxyControl(at: Endpoint): ToxiproxyControl {
  const api = new Toxiproxy(`http://${at.host}:${at.port}`);
  const call = <T>(what: string, work: () => Promise<T>): Promise<T> =>
    withDeadline(`Toxiproxy: ${what}`, work);
  const state = async (
    proxy: string,
  ): Promise<ProxyState & { readonly listen: string; readonly upstream: string }> => {
    const answer = await httpRequest(at, { path: `/proxies/${proxy}`, signal: deadline(callMs) });
    if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.body.slice(0, 200)}`);
    return parseState(answer.body);
  };
  return {
    version: () => call("version", () => api.getVersion()),
    createProxy: ({ name, listenPort, upstreamPort }) =>
      call(`create proxy ${name}`, async () => {
        await api.createProxy({
          name,
          listen: `127.0.0.1:${listenPort}`,
          upstream: `127.0.0.1:${upstreamPort}`,
          enabled: true,
        });
      }),
    addToxic: (proxy, toxic) =>
      call(`add toxic ${toxic.name} to ${proxy}`, async () => {
        // Toxicity 1 always: Toxiproxy's own dice cannot be seeded.
        await (await api.get(proxy)).addToxic({ ...toxic, toxicity: 1 });
      }),
    removeToxic: (proxy, name) =>
      call(`remove toxic ${name} from ${proxy}`, async () => {
        const { status, body } = await httpRequest(at, {
          path: `/proxies/${proxy}/toxics/${encodeURIComponent(name)}`,
          method: "DELETE",
          signal: deadline(callMs),
        });
        // The client hides the status; 404 is what an idempotent removal has to know.
        if (status !== 404 && status >= 300) throw new Error(`answered ${status}: ${body.slice(0, 200)}`);
      }),
    setEnabled: (proxy, enabled) =>
      call(`${enabled ? "enable" : "disable"} ${proxy}`, async () => {
        const { listen, upstream } = await state(proxy);
        await (await api.get(proxy)).update({ enabled, listen, upstream });
      }),
    state: (proxy) => call(`state of ${proxy}`, () => state(proxy)),
  };
}

function parseState(text: string): ProxyState & { readonly listen: string; readonly upstream: string } {
  const value = JSON.parse(text) as {
    enabled: boolean;
    listen: string;
    upstream: string;
    toxics: readonly { name: string }[];
  };
  const { enabled, listen, upstream } = value;
  return { enabled, listen, upstream, toxics: value.toxics.map(({ name }) => name) };
}

async function withDeadline<T>(what: string, work: () => Promise<T>): Promise<T> {
  const signal = deadline(callMs);
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => {
      reject(
        environmentError("toxiproxy-unanswered", `${what}: no answer within ${callMs} ms`, {
          hint: "its control plane may be frozen",
        }),
      );
    });
  });
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    if (signal.aborted) throw error;
    throw environmentError("toxiproxy-refused", `${what}: ${messageOf(error)}`, { cause: error });
  }
}
