import { existsSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { startCalmService, type Victim } from "../faults/testing/victim.ts";
import { deadline, eventually, monotonicMs, sleep } from "../support/clock.ts";
import { isAlive, processStat, ticksPerSecond } from "../support/process-identity.ts";
import { callAgent } from "./agent-client.ts";
import {
  bound,
  startAgentVictim,
  type AgentVictim,
  type AgentVictimOptions,
} from "../faults/testing/agent-victim.ts";

const victims: Victim[] = [];
const mib = 1_048_576;

afterEach(async () => {
  await Promise.all(victims.splice(0).map((victim) => victim.stop()));
});

async function withAgent(options: AgentVictimOptions = {}): Promise<AgentVictim> {
  const agent = await startAgentVictim(options);
  victims.push(agent.victim);
  return agent;
}

/** Of one core, all threads of the service together, by the kernel's books. */
async function cpuShare({ victim }: AgentVictim, overMs: number): Promise<number> {
  const { pid } = victim.identity;
  const before = processStat(pid)?.cpuTicks ?? 0;
  await sleep(overMs);
  return (((processStat(pid)?.cpuTicks ?? 0) - before) / ticksPerSecond) * (1_000 / overMs);
}

interface ThreadShare {
  readonly ran: number;
  readonly waited: number;
  readonly books: readonly [ranNs: number, waitedNs: number, atMs: number];
}

/** What a thread ran and waited for a core since the look before, as shares of the time (schedstat: nanoseconds). */
function threadShare({ victim }: AgentVictim, tid: number, since?: ThreadShare): ThreadShare {
  const text = readFileSync(`/proc/${victim.identity.pid}/task/${tid}/schedstat`, "utf8");
  const [ranNs = 0, waitedNs = 0] = text.split(" ").map(Number);
  const atMs = monotonicMs();
  const [ranBefore, waitedBefore, beforeMs] = since?.books ?? [0, 0, 0];
  const passedNs = (atMs - beforeMs) * 1e6;
  const books = [ranNs, waitedNs, atMs] as const;
  return { ran: (ranNs - ranBefore) / passedNs, waited: (waitedNs - waitedBefore) / passedNs, books };
}

describe("the agent", () => {
  it("answers ping with the pid of the service, and prints nothing", async () => {
    const agent = await bound(await withAgent());
    expect(await agent.call("ping")).toEqual({ pid: agent.victim.identity.pid });
    expect(agent.victim.output()).toBe("");
  });

  it("keeps its settings from the service and from the service's children", async () => {
    const agent = await bound(await withAgent());
    const answer = await fetch(`http://127.0.0.1:${agent.victim.port}/env`);
    expect(await answer.json()).toEqual({ own: [], child: [] });
  });

  it("stays out of any other program, and leaves the settings for that program's children", async () => {
    const agent = await withAgent({ main: "another-program.mjs" });
    const answer = await fetch(`http://127.0.0.1:${agent.victim.port}/env`);
    const seen = ["KILN_AGENT_MAIN", "KILN_AGENT_SOCKET", "KILN_AGENT_TOKEN", "NODE_OPTIONS"];
    const { own, child } = (await answer.json()) as { own: string[]; child: string[] };
    expect(own.toSorted()).toEqual(seen);
    expect(child.toSorted()).toEqual(seen);
    await expect(agent.call("ping")).rejects.toMatchObject({ code: "agent-unreachable" });
  });

  it("refuses a wrong token, an unknown command and a job without an end", async () => {
    const agent = await bound(await withAgent());
    const wrong = callAgent({
      socket: agent.socket,
      token: "the-tokem",
      command: "ping",
      params: {},
      signal: deadline(5_000),
    });
    await expect(wrong).rejects.toMatchObject({
      code: "agent-refused",
      message: expect.stringContaining("wrong token"),
    });
    await expect(agent.call("explode")).rejects.toThrow('unknown command "explode"');
    await expect(agent.call("burn", { id: "a", share: 0.5 })).rejects.toThrow("forMs must be between");
    await expect(agent.call("burn", { id: "a", share: 2, forMs: 1_000 })).rejects.toThrow("share must be");
    await expect(agent.call("leak", { id: "a", bytesPerMin: -1, forMs: 1_000 })).rejects.toThrow(
      "bytesPerMin",
    );
    expect(await agent.call("status")).toMatchObject({ jobs: [] });
  });

  it("leaks at the rate, and gives the memory back on stop", async () => {
    const agent = await bound(await withAgent());
    const live = async (): Promise<number> =>
      ((await agent.call("heap")) as { heapUsedBytes: number }).heapUsedBytes;
    const before = await live();
    await agent.call("leak", { id: "leak", bytesPerMin: 600 * mib, forMs: 60_000 });
    await sleep(2_000);
    const grownMib = ((await live()) - before) / mib;
    expect(grownMib).toBeGreaterThan(16);
    expect(grownMib).toBeLessThan(26);
    expect(await agent.call("stop", { id: "leak" })).toEqual({ stopped: true, released: true });
    expect(((await live()) - before) / mib).toBeLessThan(1);
    expect(await agent.call("stop", { id: "leak" })).toEqual({ stopped: false, released: true });
  });

  it("ends a leak at its own deadline, also when nobody asks any more, and keeps no memory", async () => {
    const agent = await bound(await withAgent());
    const live = async (): Promise<number> =>
      ((await agent.call("heap")) as { heapUsedBytes: number }).heapUsedBytes;
    const before = await live();
    await agent.call("leak", { id: "leak", bytesPerMin: 600 * mib, forMs: 1_000 });
    await sleep(700);
    expect(await agent.call("status")).toMatchObject({ jobs: [{ id: "leak", kind: "leak" }] });
    expect(((await live()) - before) / mib).toBeGreaterThan(3);
    await sleep(800);
    expect(await agent.call("status")).toMatchObject({ jobs: [] });
    expect(((await live()) - before) / mib).toBeLessThan(1);
  });

  it("burns its share from a thread that can be seen from outside, until its own deadline", async () => {
    const agent = await bound(await withAgent());
    const answer = (await agent.call("burn", { id: "burn", share: 0.5, forMs: 5_000 })) as { tid: number };
    expect(existsSync(`/proc/${agent.victim.identity.pid}/task/${answer.tid}`)).toBe(true);
    const before = threadShare(agent, answer.tid);
    await sleep(2_000);
    const { ran, waited } = threadShare(agent, answer.tid, before);
    // Beside other work on the machine it has to wait for its core: what it ran and waited together is what it wanted.
    expect(ran + waited).toBeGreaterThan(0.4);
    expect(ran).toBeLessThan(0.65);
    await eventually(
      () => (existsSync(`/proc/${agent.victim.identity.pid}/task/${answer.tid}`) ? undefined : true),
      deadline(5_000),
    );
    expect(await agent.call("status")).toMatchObject({ jobs: [] });
    expect(await cpuShare(agent, 500)).toBeLessThan(0.1);
  });

  it("stops a leak and a burn although the event loop is blocked", async () => {
    const agent = await bound(await withAgent());
    await agent.call("leak", { id: "leak", bytesPerMin: 60 * mib, forMs: 60_000 });
    const { tid } = (await agent.call("burn", { id: "burn", share: 1, forMs: 60_000 })) as { tid: number };
    const blocked = fetch(`http://127.0.0.1:${agent.victim.port}/block/5000`);
    let answered = false;
    void blocked.then(() => (answered = true));
    await sleep(300);
    expect(await agent.call("stop", { id: "burn" })).toEqual({ stopped: true, released: true });
    expect(existsSync(`/proc/${agent.victim.identity.pid}/task/${tid}`)).toBe(false);
    expect(await agent.call("stop", { id: "leak" })).toEqual({ stopped: true, released: false });
    expect(await agent.call("status")).toMatchObject({ jobs: [] });
    expect(answered).toBe(false);
    await blocked;
  });

  it("takes over the name when the process before it is gone", async () => {
    const first = await bound(await withAgent());
    const second = await startCalmService(first.env);
    victims.push(second);
    await sleep(300);
    expect(await first.call("ping")).toEqual({ pid: first.victim.identity.pid });
    await first.victim.stop();
    const pid = await eventually(
      () => first.call("ping").then((answer) => (answer as { pid: number }).pid, () => undefined), // prettier-ignore
      deadline(10_000),
    );
    expect(pid).toBe(second.identity.pid);
  });

  it("lets the service end by itself, also while a job runs", async () => {
    const agent = await bound(await withAgent());
    await agent.call("burn", { id: "burn", share: 0.3, forMs: 60_000 });
    await agent.call("leak", { id: "leak", bytesPerMin: 60 * mib, forMs: 60_000 });
    agent.victim.child.kill("SIGTERM");
    const late = sleep(10_000).then(() => "still running");
    expect(await Promise.race([agent.victim.exited, late])).toBe(0);
    expect(isAlive(agent.victim.identity)).toBe(false);
    expect(agent.victim.output()).toBe("");
  });

  it("gives up when its caller's time is up", async () => {
    const agent = await bound(await withAgent());
    const blocked = fetch(`http://127.0.0.1:${agent.victim.port}/block/1500`);
    await sleep(200);
    await expect(agent.call("heap", {}, 300)).rejects.toMatchObject({ code: "agent-unreachable" });
    await blocked;
  });
});
