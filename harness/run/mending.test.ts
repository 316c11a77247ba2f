// Who brings back what a fault broke: waited for, rescued or revived, and not at all when the run ends. On small fake parts, with real time.
import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Expectation } from "../faults/fault.ts";
import type { JournalBody } from "../journal/events.ts";
import type { FaultStep } from "../plan/plan.ts";
import type { ServiceSpec } from "../scenario/stack-spec.ts";
import type { StackHandle } from "../stack/stack.ts";
import { clockFrom, systemClock } from "../support/clock.ts";
import { canonicalJson, sha256 } from "../support/json.ts";
import { afterHeal, awaitMended, type MendRequest } from "./mending.ts";

const identity = { pid: 1, startTicks: 1, bootId: "b" };
const mustRestart: Expectation = {
  recovery: { atLeast: "hard", atMost: "hard" },
  service: "gateway",
  actWithinMs: 1_000,
  restarts: true,
  unavailableMs: 0,
};
const byDriver: Expectation = {
  ...mustRestart,
  recovery: { atLeast: "none", atMost: "soft" },
  service: null,
  actWithinMs: null,
  revivedByDriver: true,
};

function step(changes: Partial<FaultStep> = {}): FaultStep {
  return {
    id: "f01",
    fault: "kill",
    kind: "momentary",
    target: "service:gateway",
    options: {},
    startMs: 0,
    healMs: 0,
    settleUntilMs: 0,
    expect: mustRestart,
    ...changes,
  };
}

const services: readonly ServiceSpec[] = [
  { kind: "program", name: "gateway", command: ["x"], readyPath: "/ready" },
  { kind: "postgres", name: "postgres", user: "u", database: "d" },
  { kind: "redis", name: "redis" },
];

/** A stack whose services do their work, or only have a process, as `state` says. */
function scene(state: Record<string, "works" | "listens" | "gone">, limitMs = 600) {
  const journal: JournalBody[] = [];
  const restarts: string[] = [];
  const ending = new AbortController();
  const working = (service: string): void => {
    if (state[service] !== "works") throw new Error(`${service} does not answer`);
  };
  const handle: Partial<StackHandle> = {
    spec: { name: "s", driver: "processes", services, links: [] },
    process: (service) => ({
      find: () => (state[service] === "gone" ? undefined : identity),
      signal: () => true,
    }),
    http: async (service) => ({ status: state[service] === "works" ? 200 : 503, body: "", headers: {} }),
    sql: async (service) => (working(service), []),
    exchange: async (service) => (working(service), 1),
  };
  const clock = clockFrom(systemClock.nowMs());
  const request: MendRequest = {
    plan: { objectives: { recoveryMs: limitMs } },
    stack: {
      handle: handle as StackHandle,
      restart: async (service) => {
        if (service === "stubborn") throw new Error("it does not start");
        restarts.push(service);
        state[service] = "works";
      },
    },
    journal: { write: (body) => ({ ...body, seq: journal.push(body), atMs: clock.nowMs() }) },
    clock,
    signal: ending.signal,
  };
  return { request, journal, restarts, state, ending, clock };
}

describe("what the stack has to mend", () => {
  it.each(["gateway", "postgres", "redis"])(
    "is waited for until %s does its work: a process is not enough",
    async (name) => {
      const { request, journal, restarts, state, clock } = scene({ [name]: "listens" }, 30_000);
      const waiting = awaitMended(step({ target: `service:${name}` }), 0, request);
      void systemClock.sleepUntil(systemClock.nowMs() + 500).then(() => (state[name] = "works"));
      await waiting;
      // Besides, it is left alone for the configuration probe's three periods.
      expect(clock.nowMs()).toBeGreaterThan(500 + 1_500);
      expect([journal, restarts]).toEqual([[], []]);
    },
  );

  it("is rescued once the recovery objective has passed, counted from the plan, and not before", async () => {
    const { request, journal, restarts, clock } = scene({ gateway: "gone" });
    await awaitMended(step(), -100, request);
    expect(clock.nowMs()).toBeGreaterThan(450);
    expect(clock.nowMs()).toBeLessThan(5_000);
    expect(journal).toEqual([{ type: "rescued", service: "gateway", fault: "f01" }]);
    expect(restarts).toEqual(["gateway"]);
  });

  it("is not rescued where its driver is due to revive it", async () => {
    const { request, journal, restarts } = scene({ gateway: "gone" });
    await awaitMended(step({ expect: byDriver }), 0, request);
    expect([journal, restarts]).toEqual([[], []]);
  });

  it("is left alone when the run ends", async () => {
    const { request, restarts, ending } = scene({ gateway: "gone" }, 30_000);
    void systemClock.sleepUntil(systemClock.nowMs() + 100).then(() => ending.abort(new Error("interrupted")));
    await expect(awaitMended(step(), 0, request)).rejects.toThrow("interrupted");
    expect(restarts).toEqual([]);
  });

  it("is a file when a file was spoilt, and heal puts it right", async () => {
    const dir = mkdtempSync(join(tmpdir(), "kiln-mending-"));
    onTestFinished(() => rmSync(dir, { recursive: true }));
    const file = join(dir, "config.json");
    writeFileSync(file, "{");
    const { request, journal, restarts } = scene({});
    const broken = { ...request, stack: { ...request.stack, handle: { configFile: () => file } as never } };
    await awaitMended(step({ target: "config:main" }), 0, broken);
    expect(journal).toEqual([{ type: "rescued", service: "main", fault: "f01" }]);
    expect(restarts).toEqual([]);
    const values = { a: 1 };
    writeFileSync(file, JSON.stringify({ version: 1, checksum: sha256(canonicalJson(values)), values }));
    await awaitMended(step({ target: "config:main" }), 0, broken);
    expect(journal).toHaveLength(1);
  });
});

describe("after heal", () => {
  it("the driver revives what it has to, and says so once it is up", async () => {
    const { request, journal, restarts } = scene({ postgres: "gone" });
    const held = step({ kind: "held", target: "service:postgres", expect: byDriver });
    await afterHeal(held, request);
    expect(restarts).toEqual(["postgres"]);
    expect(journal).toEqual([{ type: "revived", service: "postgres", fault: "f01" }]);
  });

  it("the driver leaves alone what already has a process", async () => {
    const { request, journal, restarts } = scene({ gateway: "listens" });
    await afterHeal(step({ expect: byDriver }), request);
    expect([journal, restarts]).toEqual([[], []]);
  });

  it("a revival that fails is told, and the run goes on", async () => {
    const { request, journal } = scene({ stubborn: "gone" });
    await afterHeal(step({ target: "service:stubborn", expect: byDriver }), request);
    expect(journal).toEqual([
      { type: "note", level: "error", text: expect.stringContaining("stubborn could not be started again") },
    ]);
  });

  it("a held fault gives the stack its time only now, and then rescues it", async () => {
    const { request, journal, restarts, clock } = scene({ gateway: "gone" });
    const fromMs = clock.nowMs();
    await afterHeal(step({ kind: "held", startMs: -60_000, healMs: -1_000 }), request);
    expect(clock.nowMs() - fromMs).toBeGreaterThan(550);
    expect(journal).toEqual([{ type: "rescued", service: "gateway", fault: "f01" }]);
    expect(restarts).toEqual(["gateway"]);
  });

  it.each<[string, Partial<FaultStep>]>([
    ["a momentary fault had its time before", {}],
    ["a held fault that replaces no process", { kind: "held", expect: { ...mustRestart, restarts: false } }],
    ["a fault on a link", { kind: "held", target: "link:postgres", expect: byDriver }],
  ])("nothing is done: %s", async (_case, changes) => {
    const { request, journal, restarts } = scene({ gateway: "gone", postgres: "gone" });
    await afterHeal(step(changes), request);
    expect([journal, restarts]).toEqual([[], []]);
  });

  it("nothing is done when the run has ended", async () => {
    const { request, journal, restarts, ending } = scene({ gateway: "gone" });
    ending.abort(new Error("interrupted"));
    await afterHeal(step({ expect: byDriver }), request);
    expect([journal, restarts]).toEqual([[], []]);
  });
});
