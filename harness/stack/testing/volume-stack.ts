// A small real stack with volumes: two services that keep a log on one, and servers where a test gives some. Needs the right to mount.
import type { ServiceSpec, StackSpec } from "../../scenario/stack-spec.ts";

const keeper = (name: string): ServiceSpec => ({
  kind: "program",
  name,
  command: ["node", "fixtures/victims/log-keeper.mjs"],
  env: { PORT: `{port:${name}}`, LOG_DIR: "{volume}" },
  readyPath: "/health",
  volume: { size: "8MiB" },
});

export function volumeSpec(servers: readonly ServiceSpec[] = []): StackSpec {
  return {
    name: "volumes",
    driver: "processes",
    services: [...servers, keeper("alpha"), keeper("beta")],
    links: [
      { name: "front", from: "load", to: "alpha" },
      ...servers.map(({ name }) => ({ name, from: "alpha", to: name, essential: true })),
    ],
  };
}
