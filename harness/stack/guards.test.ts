// The last guards before Kiln touches anything: no address but loopback, no process but the run's own.
import { spawn, type ChildProcess } from "node:child_process";
import { afterEach, expect, it } from "vitest";
import { deadline } from "../support/clock.ts";
import { identify, isAlive, type ProcessIdentity } from "../support/process-identity.ts";
import { exchange } from "./exchange.ts";
import { httpRequest } from "./http.ts";
import { runMarker } from "../support/run-marker.ts";
import { processHandle } from "./process-handle.ts";
import type { StackRecord } from "./stack.ts";

const record: StackRecord = {
  v: 1,
  runId: `guards-${process.pid}`,
  runDir: "/nonexistent/guards",
  spec: {
    name: "s",
    driver: "processes",
    services: [{ kind: "program", name: "a", command: ["node"], readyPath: "/" }],
    links: [],
  },
  toxiproxyPort: 1,
  servicePorts: { a: 2 },
  linkPorts: {},
  agentToken: "t",
  controlToken: "c",
};
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

async function sleeper(env: Record<string, string>): Promise<ProcessIdentity> {
  const child = spawn("sleep", ["60"], { env: { PATH: process.env["PATH"] ?? "", ...env }, stdio: "ignore" });
  children.push(child);
  await new Promise<void>((resolve) => void child.once("spawn", resolve));
  return identify(child.pid!)!;
}

it.each(["192.0.2.1", "example.org", "0.0.0.0", "localhost", "127.0.0.1.example.org", "::ffff:192.0.2.1"])(
  "opens no connection to %s",
  async (host) => {
    const at = { host, port: 80 };
    await expect(httpRequest(at, { path: "/", signal: deadline(1_000) })).rejects.toMatchObject({
      code: "not-loopback",
    });
    await expect(exchange({ kind: "redis", name: "r" }, at, deadline(1_000))).rejects.toMatchObject({
      code: "not-loopback",
    });
  },
);

it("signals the run's own processes only", async () => {
  const { signal } = processHandle(record).process("a");
  const own = await sleeper({ [runMarker]: record.runId });
  const foreign = [await sleeper({}), await sleeper({ [runMarker]: "another-run" }), identify(process.pid)!];
  for (const identity of foreign) {
    expect(() => signal(identity, "SIGKILL")).toThrow(expect.objectContaining({ code: "foreign-process" }));
    expect(isAlive(identity)).toBe(true);
  }
  // A process of the run that was reused by another one is no longer there.
  expect(signal({ ...own, startTicks: own.startTicks - 1 }, "SIGKILL")).toBe(false);
  expect(signal(own, "SIGKILL")).toBe(true);
});
