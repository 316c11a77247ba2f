// A small real stack for the tests of this machinery: both servers, and a program that supervises a copy of itself.
import type { StackSpec } from "../../scenario/stack-spec.ts";

const program = "fixtures/victims/echo-server.ts";

export const echoStack: StackSpec = {
  name: "echo",
  driver: "processes",
  services: [
    { kind: "postgres", name: "postgres", user: "kiln", database: "kiln_test" },
    { kind: "redis", name: "redis" },
    {
      kind: "program",
      name: "keeper",
      command: ["node", program],
      env: {
        PORT: "{port:keeper}",
        CHILD_PORT: "{port:echo}",
        GREETING: "{link:redis} {dir} {config:settings}",
      },
      readyPath: "/ready",
    },
    { kind: "program", name: "echo", command: ["node", program], readyPath: "/ready", startedBy: "keeper" },
  ],
  links: [
    { name: "front", from: "load", to: "echo" },
    { name: "postgres", from: "echo", to: "postgres" },
    { name: "redis", from: "echo", to: "redis" },
  ],
  configFiles: [{ name: "settings", service: "echo", file: "settings.env", readPath: "/config" }],
};
