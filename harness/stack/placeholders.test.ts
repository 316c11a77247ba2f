import { createServer } from "node:net";
import { expect, test } from "vitest";
import { echoStack } from "./testing/echo-stack.ts";
import { fillPlaceholders } from "./placeholders.ts";
import { canBind, firstPort, freePorts, lastPort } from "../support/free-ports.ts";
import type { StackRecord } from "./stack.ts";

const record: StackRecord = {
  v: 1,
  runId: "r",
  runDir: "/runs/r",
  spec: {
    ...echoStack,
    services: echoStack.services.map((service) =>
      service.name === "keeper" ? { ...service, volume: { size: "1MiB" } } : service,
    ),
  },
  toxiproxyPort: 20_000,
  servicePorts: { postgres: 20_001, redis: 20_002, keeper: 20_003, echo: 20_004 },
  linkPorts: { front: 20_005, postgres: 20_006, redis: 20_007 },
  agentToken: "t",
  controlToken: "the-control-token",
};

test.each([
  ["{port:redis}", "20002"],
  ["http://{link:front}/x", "http://127.0.0.1:20005/x"],
  ["{dir}:{dir:echo}", "/runs/r/stack/keeper:/runs/r/stack/echo"],
  ["{config:settings}", "/runs/r/stack/echo/settings.env"],
  ["{log:echo}", "/runs/r/logs/echo.log"],
  ["{volume}/entries", "/runs/r/stack/keeper/volume/entries"],
  ['["{start:postgres}"]', '["/runs/r/stack/postgres/start"]'],
  ["{token}", "the-control-token"],
  ['{"json": {"a": 1}}', '{"json": {"a": 1}}'],
])("%s becomes %s", (text, filled) => {
  expect(fillPlaceholders(text, "keeper", record)).toBe(filled);
});

test.each([
  "{port:reddis}",
  "{link:load}",
  "{config:x}",
  "{port}",
  "{dir:}",
  "{start:echo}",
  "{start}",
  "{token:x}",
])("%s is refused with what there is", (text) => {
  expect(() => fillPlaceholders(text, "keeper", record)).toThrow(
    expect.objectContaining({
      code: "stack-placeholder",
      message: expect.stringContaining(text),
      hint: expect.stringContaining("one of:"),
    }),
  );
});

test("free ports are distinct, in range, the same search for the same seed, and leave taken ones out", async () => {
  const [first = 0] = await freePorts(1, "seed");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(first, "127.0.0.1", resolve));
  expect(await canBind(first)).toBe(false);
  const ports = await freePorts(20, "seed");
  await new Promise((resolve) => server.close(resolve));
  expect(new Set(ports).size).toBe(20);
  expect(ports).not.toContain(first);
  for (const port of ports) expect(port >= firstPort && port <= lastPort).toBe(true);
});
