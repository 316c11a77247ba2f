// An open load for benchmarks of the gateway: requests start on time whatever became of those before, in the shares of a working day, over
// connections that are kept. Small, and in this process, so that both sides of a comparison get the very same.
import { Agent, request } from "node:http";
import { sleep, systemClock } from "../harness/support/clock.ts";

export interface OpenLoad {
  readonly port: number;
  readonly rps: number;
  readonly seconds: number;
  /** What is created bears it, so that no id is used twice. */
  readonly name: string;
}

export interface Served {
  readonly requests: number;
  /** Of each request that was answered as it should be, from its start to the end of its answer. */
  readonly latenciesMs: readonly number[];
  readonly wrong: number;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

type Kind = "read" | "list" | "create" | "enrich" | "register" | "health";

/** Of twenty requests: about the shares of scenarios/load/gateway.ts, well mixed. */
const firstTen: readonly Kind[] = [
  "read",
  "create",
  "read",
  "list",
  "read",
  "create",
  "enrich",
  "read",
  "create",
  "health",
];
const secondTen: readonly Kind[] = [
  "read",
  "list",
  "create",
  "read",
  "enrich",
  "read",
  "list",
  "create",
  "read",
  "register",
];
const turns = [...firstTen, ...secondTen];

function callOf(number: number, name: string): Call {
  const kind = turns[number % turns.length] ?? "read";
  switch (kind) {
    case "create":
      return {
        method: "PUT",
        path: `/api/v1/frameworks/${name}-${number}`,
        body: { title: `Framework ${number}`, description: "Written by a benchmark." },
      };
    case "list":
      return { method: "GET", path: "/api/v1/frameworks?limit=20" };
    case "enrich":
      return { method: "POST", path: "/api/v1/tools/enrich", body: { text: `sample ${number}` } };
    case "register":
      return {
        method: "POST",
        path: "/api/v1/register",
        body: { hash: number.toString(16).padStart(16, "0") },
        headers: { "x-client-id": `${name}-${number}` },
      };
    case "health":
      return { method: "GET", path: "/api/v1/health" };
    case "read":
      return { method: "GET", path: `/api/v1/frameworks/base-${String(number % 200).padStart(3, "0")}` };
  }
}

export async function openLoad({ port, rps, seconds, name }: OpenLoad, signal: AbortSignal): Promise<Served> {
  const agent = new Agent({ keepAlive: true });
  const latenciesMs: number[] = [];
  const underWay: Promise<void>[] = [];
  let wrong = 0;
  const requests = rps * seconds;
  const zeroMs = systemClock.nowMs();
  try {
    for (let number = 0; number < requests; number += 1) {
      await sleep(Math.max(0, zeroMs + (number * 1_000) / rps - systemClock.nowMs()), signal);
      const startedMs = systemClock.nowMs();
      const settle = (status: number): void => {
        if (status >= 200 && status < 300) latenciesMs.push(systemClock.nowMs() - startedMs);
        else wrong += 1;
      };
      underWay.push(exchange(agent, port, callOf(number, name)).then(settle, () => settle(0)));
    }
    await Promise.all(underWay);
  } finally {
    agent.destroy();
  }
  return { requests, latenciesMs, wrong };
}

/** @returns the status, when all of the answer is there. */
function exchange(agent: Agent, port: number, { method, path, body, headers }: Call): Promise<number> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const json = payload === undefined ? {} : { "content-type": "application/json" };
  return new Promise((resolve, reject) => {
    const sent = request({ agent, host: "127.0.0.1", port, method, path, headers: { ...json, ...headers } });
    sent.once("error", reject);
    sent.once("response", (response) => {
      response.once("error", reject);
      response.once("end", () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    sent.end(payload);
  });
}
