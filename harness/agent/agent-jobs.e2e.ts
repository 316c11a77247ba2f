// The jobs that touch neither memory nor CPU: what each does to the service, that it ends by stop and by its own deadline, and that the
// agent stays reachable meanwhile. Those that the faults' own tests show are not shown again.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { freePort, startVictim, type Victim } from "../faults/testing/victim.ts";
import { deadline, eventually, monotonicMs, sleep } from "../support/clock.ts";
import { isAlive, processStat } from "../support/process-identity.ts";
import { loadTools, projectRoot } from "../support/tools.ts";
import { countOpenTo, countSessionsTo } from "../faults/open-descriptors.ts";
import { bound, startAgentVictim, type AgentVictim } from "../faults/testing/agent-victim.ts";

const victims: Victim[] = [];
const forMs = 60_000;
const dayMs = 86_400_000;

afterEach(async () => {
  await Promise.all(victims.splice(0).map((victim) => victim.stop()));
});

async function withAgent(options: Parameters<typeof startAgentVictim>[0] = {}): Promise<AgentVictim> {
  const agent = await startAgentVictim(options);
  victims.push(agent.victim);
  return bound(agent);
}

const openNull = ({ victim }: AgentVictim): Promise<number> => countOpenTo(victim.identity.pid, "/dev/null");

describe("a job of the agent", () => {
  it("cannot begin once it was stopped, under no id twice, and in no other process", async () => {
    const agent = await withAgent();
    await agent.call("stop", { id: "early" });
    await expect(agent.call("clock", { id: "early", byMs: 1_000, forMs })).rejects.toThrow("stopped already");
    await agent.call("clock", { id: "one", byMs: 1_000, forMs });
    await expect(agent.call("clock", { id: "two", byMs: 1_000, forMs })).rejects.toThrow(
      "job one does that already",
    );
    await expect(agent.call("descriptors", { id: "one", perSecond: 1, most: 1, forMs })).rejects.toThrow(
      "runs already",
    );
    const { pid } = agent.victim.identity;
    await expect(
      agent.call("descriptors", { id: "three", perSecond: 1, most: 1, forMs, pid: pid + 1 }),
    ).rejects.toThrow(`this is process ${pid}`);
    expect(await agent.call("status")).toMatchObject({ jobs: [{ id: "one", kind: "clock", byMs: 1_000 }] });
  });

  it("refuses senseless parameters", async () => {
    const agent = await withAgent();
    const start = (command: string, params: object) => agent.call(command, { id: "x", forMs, ...params });
    await expect(start("clock", { byMs: 0 })).rejects.toThrow("byMs");
    await expect(start("clock", { byMs: 11 * dayMs })).rejects.toThrow("byMs");
    await expect(start("descriptors", { perSecond: 0, most: 5 })).rejects.toThrow("perSecond");
    await expect(start("descriptors", { perSecond: 5, most: 1e6 })).rejects.toThrow("most");
    for (const host of ["192.0.2.1", "example.com", "localhost", "127.0.0.1.example.com"])
      await expect(start("connections", { host, port: 80, perSecond: 1, most: 1 })).rejects.toThrow(
        "loopback",
      );
    await expect(start("connections", { host: "127.0.0.1", port: 0, perSecond: 1, most: 1 })).rejects.toThrow(
      "port",
    );
    expect(await agent.call("status")).toMatchObject({ jobs: [] });
  });

  it("lets the service end by itself while every kind runs, and prints nothing", async () => {
    const agent = await withAgent();
    const server = await listen();
    await agent.call("clock", { id: "c", byMs: dayMs, forMs });
    await agent.call("descriptors", { id: "d", perSecond: 100, most: 100, forMs });
    await agent.call("connections", {
      id: "s",
      host: "127.0.0.1",
      port: server.port,
      perSecond: 50,
      most: 50,
      forMs,
    });
    await eventually(() => (server.sessions.size > 5 ? true : undefined), deadline(5_000));
    agent.victim.child.kill("SIGTERM");
    const late = sleep(10_000).then(() => "still running");
    expect(await Promise.race([agent.victim.exited, late])).toBe(0);
    expect(agent.victim.output()).toBe("");
  });

  it.runIf(existsSync("/usr/bin/node"))("works on the system's own Node, too", async () => {
    const agent = await withAgent({ node: "/usr/bin/node" });
    const server = await listen();
    await agent.call("clock", { id: "c", byMs: -dayMs, forMs });
    await agent.call("descriptors", { id: "d", perSecond: 100, most: 20, forMs });
    await agent.call("connections", {
      id: "s",
      host: "127.0.0.1",
      port: server.port,
      perSecond: 50,
      most: 10,
      forMs,
    });
    await eventually(() => (server.sessions.size === 10 ? true : undefined), deadline(5_000));
    await agent.call("block", { id: "b", forMs });
    await expect(agent.get("/health", 500)).rejects.toThrow("timeout");
    expect(await openNull(agent)).toBeGreaterThanOrEqual(20);
    for (const id of ["b", "c", "d", "s"])
      expect(await agent.call("stop", { id })).toEqual({ stopped: true, released: true });
    const { nowMs } = (await agent.get("/time")) as { nowMs: number };
    expect(Math.abs(nowMs - Date.now())).toBeLessThan(1_000);
    await eventually(() => (server.sessions.size === 0 ? true : undefined), deadline(5_000));
  });
});

describe("a blocked event loop", () => {
  it("answers nothing until stop, although the process waits without CPU, and then goes on", async () => {
    const agent = await withAgent();
    const { pid } = agent.victim.identity;
    await agent.call("block", { id: "b", forMs });
    const question = agent.get("/health", 20_000);
    const ticksBefore = processStat(pid)?.cpuTicks ?? 0;
    await sleep(1_500);
    expect(await Promise.race([question, sleep(10).then(() => "silence")])).toBe("silence");
    expect(processStat(pid)).toMatchObject({ state: "S" });
    expect((processStat(pid)?.cpuTicks ?? 0) - ticksBefore).toBeLessThan(10);
    expect(await agent.call("stop", { id: "b" })).toEqual({ stopped: true, released: true });
    expect(await question).toEqual({ status: "ok" });
  });

  it("ends at its own deadline", async () => {
    const agent = await withAgent();
    const startedMs = monotonicMs();
    await agent.call("block", { id: "b", forMs: 1_000 });
    await agent.get("/health");
    expect(monotonicMs() - startedMs).toBeGreaterThan(950);
    expect(monotonicMs() - startedMs).toBeLessThan(2_500);
    await eventually(
      async () =>
        ((await agent.call("status")) as { jobs: unknown[] }).jobs.length === 0 ? true : undefined,
      deadline(3_000),
    );
  });

  it("keeps SIGTERM waiting for a service that handles it, and does not outlive SIGKILL", async () => {
    const agent = await withAgent();
    await agent.call("block", { id: "b", forMs });
    agent.victim.child.kill("SIGTERM");
    await sleep(500);
    expect(isAlive(agent.victim.identity)).toBe(true);
    agent.victim.child.kill("SIGKILL");
    await agent.victim.exited;
    expect(isAlive(agent.victim.identity)).toBe(false);
  });
});

describe("leaked descriptors", () => {
  it("come at the rate, stay at the most, and are closed at stop", async () => {
    const agent = await withAgent();
    const before = await openNull(agent);
    const fromMs = monotonicMs();
    await agent.call("descriptors", { id: "d", perSecond: 100, most: 150, forMs });
    await sleep(1_000);
    const leaked = (await openNull(agent)) - before;
    // Of what was due by now, whenever that is on a busy machine: not more, and not much less.
    const due = ((monotonicMs() - fromMs) / 1_000) * 100;
    expect(leaked).toBeLessThanOrEqual(Math.min(150, due + 5));
    expect(leaked).toBeGreaterThan(50);
    await eventually(
      async () => ((await openNull(agent)) - before === 150 ? true : undefined),
      deadline(5_000),
    );
    await sleep(500);
    expect((await openNull(agent)) - before).toBe(150);
    expect(await agent.call("stop", { id: "d" })).toEqual({ stopped: true, released: true });
    expect(await openNull(agent)).toBe(before);
  });

  it("are closed at the deadline", async () => {
    const agent = await withAgent();
    const before = await openNull(agent);
    const open = async (): Promise<number> => (await openNull(agent)) - before;
    await agent.call("descriptors", { id: "d", perSecond: 100, most: 150, forMs: 2_000 });
    await expect.poll(open, { timeout: 1_500, interval: 20 }).toBeGreaterThan(0);
    await expect.poll(open, { timeout: 10_000 }).toBe(0);
  });

  it("can be ended by taking the permit away when the process has no descriptor left for a caller", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kiln-agent-test-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const permit = join(folder, "d.permit");
    writeFileSync(permit, "");
    const agent = await withAgent({ start: withFewDescriptors(120) });
    await agent.call("descriptors", { id: "d", perSecond: 500, most: 500, forMs, permit });
    await sleep(600);
    // The service itself is out of descriptors, and so is the agent: this is the harm, and the reason for the permit.
    await expect(agent.get("/health", 2_000)).rejects.toMatchObject({ code: "http-failed" });
    await expect(agent.call("ping", {}, 2_000)).rejects.toMatchObject({ code: "agent-unreachable" });
    expect(isAlive(agent.victim.identity)).toBe(true);
    rmSync(permit);
    const answered = (): Promise<unknown> => agent.call("ping", {}, 1_000).catch(() => undefined);
    expect(await eventually(answered, deadline(3_000))).toEqual({ pid: agent.victim.identity.pid });
    expect(await agent.call("status")).toMatchObject({ jobs: [] });
    expect(await agent.get("/health")).toEqual({ status: "ok" });
  });
});

describe("leaked connections", () => {
  it("come at the rate with their greeting, are replaced when the server ends them, and closed at stop", async () => {
    const agent = await withAgent();
    const { pid } = agent.victim.identity;
    const server = await listen();
    await agent.call("connections", {
      id: "s",
      host: "127.0.0.1",
      port: server.port,
      perSecond: 40,
      most: 30,
      forMs,
      hello: Buffer.from("hello").toString("base64"),
      goodbye: Buffer.from("bye").toString("base64"),
    });
    await eventually(() => (server.sessions.size === 30 ? true : undefined), deadline(5_000));
    await sleep(300);
    expect(server.sessions.size).toBe(30);
    expect(await countSessionsTo(pid, server.port)).toBe(30);
    expect(new Set(server.sessions.values())).toEqual(new Set(["hello"]));
    for (const socket of [...server.sessions.keys()].slice(0, 10)) socket.destroy();
    const replaced = async (): Promise<true | undefined> => {
      const { jobs } = (await agent.call("status")) as { jobs: [{ open: number; lost: number }] };
      return jobs[0].open === 30 && jobs[0].lost === 10 ? true : undefined;
    };
    await eventually(replaced, deadline(5_000));
    expect(await agent.call("stop", { id: "s" })).toEqual({ stopped: true, released: true });
    expect(await countSessionsTo(pid, server.port)).toBe(0);
    await eventually(() => (server.sessions.size === 0 ? true : undefined), deadline(5_000));
    expect(server.said.filter((text) => text === "hellobye")).toHaveLength(30);
  });

  it("knock at a closed port no oftener than at the rate", async () => {
    const agent = await withAgent();
    const port = await freePort();
    await agent.call("connections", { id: "s", host: "127.0.0.1", port, perSecond: 20, most: 1_000, forMs });
    await sleep(1_000);
    const { jobs } = (await agent.call("status")) as { jobs: [{ lost: number; open: number }] };
    expect(jobs[0].lost).toBeGreaterThan(10);
    expect(jobs[0].lost).toBeLessThan(30);
    expect(await agent.call("stop", { id: "s" })).toEqual({ stopped: true, released: true });
  });
});

describe("a shifted clock", () => {
  it.each([dayMs, -10 * dayMs])("is what the program reads, %i ms off, and nothing else is", async (byMs) => {
    const agent = await withAgent();
    const before = await readTime(agent);
    expect(Math.abs(before.nowMs - before.trueMs)).toBeLessThan(1_000);
    await agent.call("clock", { id: "c", byMs, forMs });
    const seen = await readTime(agent);
    for (const key of ["nowMs", "keptNowMs", "newMs", "subclassMs"] as const)
      expect(Math.abs(seen[key] - seen.trueMs - byMs)).toBeLessThan(1_000);
    expect(Math.abs(Date.parse(seen.text) - seen.trueMs - byMs)).toBeLessThan(2_000);
    expect(seen.givenMs).toBe(1_000);
    expect(seen.monotonicMs - before.monotonicMs).toBeLessThan(5_000);
    expect(await agent.call("stop", { id: "c" })).toEqual({ stopped: true, released: true });
    const after = await readTime(agent);
    expect(Math.abs(after.nowMs - after.trueMs)).toBeLessThan(1_000);
    expect(Math.abs(after.keptNowMs - after.trueMs)).toBeLessThan(1_000);
  });

  it("is right again at the deadline, also while the event loop is blocked", async () => {
    const agent = await withAgent();
    await agent.call("clock", { id: "c", byMs: dayMs, forMs: 600 });
    const blocked = agent.get("/block/1200");
    await blocked;
    const after = await readTime(agent);
    expect(Math.abs(after.nowMs - after.trueMs)).toBeLessThan(1_000);
    expect(await agent.call("status")).toMatchObject({ jobs: [] });
  });
});

interface Times {
  readonly nowMs: number;
  readonly keptNowMs: number;
  readonly newMs: number;
  readonly subclassMs: number;
  readonly text: string;
  readonly givenMs: number;
  readonly monotonicMs: number;
  readonly trueMs: number;
}

async function readTime(agent: AgentVictim): Promise<Times> {
  const told = (await agent.get("/time")) as Omit<Times, "trueMs">;
  return { ...told, trueMs: Date.now() };
}

/** The service under a limit on open files, which holds for all of its life. */
function withFewDescriptors(most: number): (env: Record<string, string>) => Promise<Victim> {
  return async (env) => {
    const port = await freePort();
    const service = join(projectRoot, "fixtures", "victims", "calm-service.mjs");
    return startVictim({
      command: "/bin/sh",
      args: ["-c", `ulimit -n ${most} && exec "$0" "$1"`, loadTools().node, service],
      env,
      port,
      ready: () => fetch(`http://127.0.0.1:${port}/health`).then((answer) => answer.text()),
    });
  };
}

interface Listening {
  readonly port: number;
  /** Open session -> what it said. */
  readonly sessions: Map<Socket, string>;
  /** What each session said before it ended in good order. */
  readonly said: string[];
}

async function listen(): Promise<Listening> {
  const port = await freePort();
  const sessions = new Map<Socket, string>();
  const said: string[] = [];
  const server: Server = createServer((socket) => {
    sessions.set(socket, "");
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => sessions.set(socket, (sessions.get(socket) ?? "") + text));
    socket.on("end", () => said.push(sessions.get(socket) ?? ""));
    socket.on("error", () => socket.destroy());
    socket.on("close", () => sessions.delete(socket));
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(port, "127.0.0.1", resolve);
  await promise;
  onTestFinished(() => {
    for (const socket of sessions.keys()) socket.destroy();
    server.close();
  });
  return { port, sessions, said };
}
