// The smallest real stack on which each kind of fault can be tried: a service with Kiln's agent, a control endpoint and a config file, a
// Redis, and a PostgreSQL where a kind asks for it (it takes seconds to come up).
import { join } from "node:path";
import type { ServiceSpec, StackSpec } from "../../scenario/stack-spec.ts";

const program = join(import.meta.dirname, "..", "..", "..", "fixtures", "victims", "calm-service.mjs");

const services: readonly ServiceSpec[] = [
  { kind: "redis", name: "cache" },
  {
    kind: "program",
    name: "alpha",
    command: ["node", program],
    env: { PORT: "{port:alpha}", CONFIG_DIR: "{dir}" },
    readyPath: "/health",
    agentMain: "calm-service.mjs",
    controlPath: "/control",
    controlProbe: { method: "POST", path: "/work", body: {} },
    volume: { size: "4MiB" },
  },
];

export function miniStack(withPostgres: boolean): StackSpec {
  const postgres = { kind: "postgres", name: "store", user: "kiln", database: "kiln" } as const;
  return {
    name: "mini",
    driver: "processes",
    services: withPostgres ? [...services, postgres] : services,
    links: [
      { name: "alpha", from: "load", to: "alpha", essential: true },
      { name: "cache", from: "alpha", to: "cache" },
      ...(withPostgres ? [{ name: "store", from: "alpha", to: "store" }] : []),
    ],
    configFiles: [
      {
        name: "alpha",
        service: "alpha",
        file: "config.json",
        readPath: "/config/config",
        lockFile: "config.json.lock",
      },
    ],
  };
}
