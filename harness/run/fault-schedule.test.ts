// The schedule on a virtual clock: on time or not at all, never more at once than allowed, and healed at once when the run is stopped.
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { createActiveFault } from "../faults/active-fault.ts";
import { defineFault, type Fault } from "../faults/fault.ts";
import type { JournalBody, JournalEvent } from "../journal/events.ts";
import type { DrillStep, FaultStep, Plan } from "../plan/plan.ts";
import type { LiveStack } from "../stack/stack.ts";
import { identify } from "../support/process-identity.ts";
import { seededRng } from "../support/rng.ts";
import { createVirtualClock, type VirtualClock } from "../support/testing/virtual-clock.ts";
import { carryOutFaults } from "./fault-schedule.ts";

interface Manners {
  readonly ledgerMs?: number;
  readonly ledgerFails?: boolean;
  readonly injectMs?: number;
  readonly confirmMs?: number;
  readonly healMs?: (id: string) => number;
  readonly kind?: Fault["kind"];
  readonly atMostAtOnce?: number;
  readonly drills?: readonly DrillStep[];
}

interface World {
  readonly clock: VirtualClock;
  /** "<virtual time> <what>" in order. */
  readonly log: string[];
  readonly events: (JournalBody & { readonly atMs: number })[];
  readonly inForce: Set<string>;
  /** Ids that the ledger calls open. */
  readonly open: Set<string>;
  most: number;
  stop(): void;
  readonly done: Promise<void>;
}

const expectation = {
  recovery: { atLeast: "none", atMost: "soft" },
  service: null,
  actWithinMs: null,
  restarts: false,
  unavailableMs: 0,
} as const;

const step = (id: string, startMs: number, healMs: number, kind: Fault["kind"] = "held"): FaultStep => ({
  id,
  fault: "harm",
  kind,
  target: "service:s",
  options: {},
  startMs,
  healMs,
  settleUntilMs: healMs + 1_000,
  expect: expectation,
});

const stack = {
  handle: { spec: { services: [] }, process: () => ({ find: () => identify(process.pid) }) },
} as unknown as LiveStack;

function run(faults: readonly FaultStep[], manners: Manners = {}): World {
  const clock = createVirtualClock(-1_000);
  const stopping = new AbortController();
  const world: World = {
    clock,
    log: [],
    events: [],
    inForce: new Set(),
    open: new Set(),
    most: 0,
    stop: () => stopping.abort(new Error("a stop condition was met")),
    done: Promise.resolve(),
  };
  const log = (text: string): void => void world.log.push(`${clock.nowMs()} ${text}`);
  const take = (ms: number | undefined, signal?: AbortSignal): Promise<void> =>
    clock.sleepUntil(clock.nowMs() + (ms ?? 0), signal);
  const harm = defineFault({
    name: "harm",
    summary: "",
    needs: [],
    kind: manners.kind ?? "held",
    options: z.strictObject({}),
    target: () => "service:s",
    expect: () => expectation,
    inject: async ({ id, signal }) => {
      log(`inject ${id}`);
      world.inForce.add(id);
      world.most = Math.max(world.most, world.inForce.size);
      await take(manners.injectMs, signal);
    },
    confirm: async ({ signal }) => {
      await take(manners.confirmMs, signal);
      return { effective: true, saw: "it bites" };
    },
    heal: async ({ id }) => {
      await take(manners.healMs?.(id));
      world.inForce.delete(id);
      log(`healed ${id}`);
    },
  });
  const ledger = {
    fault: async (id: string) => {
      log(`ledger ${id}`);
      await take(manners.ledgerMs);
      if (manners.ledgerFails === true) throw new Error("disk full");
      world.open.add(id);
    },
    memory: () => undefined,
    healed: (id: string) => void world.open.delete(id),
    healFailed: () => undefined,
    recall: () => undefined,
  };
  const journal = {
    write: (body: JournalBody) => {
      const event = { ...body, atMs: clock.nowMs() };
      world.events.push(event);
      return event as JournalEvent;
    },
    close: () => undefined,
  };
  const { atMostAtOnce, drills } = manners;
  const plan = {
    faults,
    ...(drills === undefined ? {} : { drills }),
    objectives: {},
    ...(atMostAtOnce === undefined ? {} : { atMostAtOnce }),
  } as unknown as Plan;
  const activate = (of: FaultStep) =>
    createActiveFault({
      step: of,
      table: new Map([["harm", harm as Fault]]),
      stack: stack.handle,
      journal,
      ledger,
      clock,
    });
  const done = carryOutFaults({ plan, stack, journal, clock, signal: stopping.signal, activate });
  return Object.assign(world, { done });
}

const injecting = ({ events }: World) =>
  events.flatMap((event) => (event.type === "fault" && event.state === "injecting" ? [event] : []));
const skipped = ({ events }: World) =>
  events.flatMap((event) => (event.type === "fault-skipped" ? [`${event.id}: ${event.reason}`] : []));

describe("the instant", () => {
  it("is kept: the ledger is told ahead, inject is called when it is due, and the journal has both instants", async () => {
    const world = run([step("a", 10_000, 15_000)], { ledgerMs: 100 });
    await world.clock.moveTo(20_000);
    await world.done;
    expect(world.log).toEqual(["8000 ledger a", "10000 inject a", "15000 healed a"]);
    expect(injecting(world)).toMatchObject([{ plannedMs: 10_000, callMs: 10_000 }]);
    expect(world.open.size).toBe(0);
  });

  it("is late by what a slow ledger takes, and says so", async () => {
    const world = run([step("a", 10_000, 15_000)], { ledgerMs: 2_150 });
    await world.clock.moveTo(20_000);
    expect(injecting(world)).toMatchObject([{ plannedMs: 10_000, callMs: 10_150, atMs: 10_150 }]);
  });

  it("is given up when it is more than two seconds past, and the ledger is told that nothing is open", async () => {
    const world = run([step("a", 10_000, 15_000)], { ledgerMs: 4_050 });
    await world.clock.moveTo(20_000);
    await world.done;
    expect(skipped(world)).toEqual(["a: its time had passed 2050 ms ago"]);
    expect([world.log, injecting(world), world.open.size]).toEqual([["8000 ledger a"], [], 0]);
  });

  it("passes without a fault where the ledger cannot be told", async () => {
    const world = run([step("a", 10_000, 15_000)], { ledgerFails: true });
    await world.clock.moveTo(20_000);
    await world.done;
    expect(skipped(world)).toEqual(["a: the ledger could not be told of it: disk full"]);
    expect(injecting(world)).toEqual([]);
  });
});

describe("the limit at once", () => {
  const overlapping = [step("a", 10_000, 20_000), step("b", 12_000, 14_000), step("c", 15_000, 18_000)];

  it("refuses a fault while as many as allowed are in force", async () => {
    const world = run(overlapping, { atMostAtOnce: 1 });
    await world.clock.moveTo(30_000);
    await world.done;
    expect(skipped(world)).toEqual([
      "b: a still in force, and at most 1 at once may be",
      "c: a still in force, and at most 1 at once may be",
    ]);
    expect([world.most, world.open.size]).toEqual([1, 0]);
  });

  it("is not there where the plan has none, and leaves as many as it allows", async () => {
    for (const [limit, most] of [
      [undefined, 2],
      [2, 2],
    ] as const) {
      const world = run(overlapping, limit === undefined ? {} : { atMostAtOnce: limit });
      await world.clock.moveTo(30_000);
      expect([skipped(world), world.most]).toEqual([[], most]);
    }
  });

  it("holds for faults of the very same instant", async () => {
    const world = run(
      ["a", "b", "c"].map((id) => step(id, 10_000, 20_000)),
      { atMostAtOnce: 2 },
    );
    await world.clock.moveTo(30_000);
    expect([skipped(world).length, world.most]).toEqual([1, 2]);
  });

  it("waits a little for one that is just being healed", async () => {
    const world = run([step("a", 10_000, 12_000), step("b", 12_000, 14_000)], {
      atMostAtOnce: 1,
      healMs: () => 600,
    });
    await world.clock.moveTo(30_000);
    expect([skipped(world), world.most]).toEqual([[], 1]);
    expect(injecting(world)[1]?.callMs).toBe(12_600);
  });

  it("does not count a momentary fault that is over", async () => {
    const world = run([step("a", 10_000, 10_000, "momentary"), step("b", 11_000, 14_000)], {
      atMostAtOnce: 1,
    });
    await world.clock.moveTo(12_000);
    expect(injecting(world).map(({ id }) => id)).toEqual(["a", "b"]);
    world.stop();
    await world.done;
  });
});

describe("a drill", () => {
  const drill = (id: string, startMs: number, healMs: number): DrillStep => ({
    ...step(id, startMs, healMs),
    kind: "held",
    demands: {},
  });

  it("is carried out and undone on time, as a held fault is", async () => {
    const world = run([], { drills: [drill("d", 10_000, 15_000)] });
    await world.clock.moveTo(20_000);
    await world.done;
    expect(world.log).toEqual(["8000 ledger d", "10000 inject d", "15000 healed d"]);
    expect(world.open.size).toBe(0);
  });

  it("is alone: neither beside a fault that is late in healing nor a fault beside it, however many may be at once", async () => {
    const late = run([step("a", 10_000, 12_000)], {
      atMostAtOnce: 5,
      healMs: () => 5_000,
      drills: [drill("d", 13_000, 15_000)],
    });
    await late.clock.moveTo(30_000);
    await late.done;
    expect(skipped(late)).toEqual(["d: a still in force, and at most 1 at once may be"]);
    const slow = run([step("a", 16_000, 18_000), step("b", 40_000, 42_000), step("c", 40_500, 41_000)], {
      atMostAtOnce: 5,
      healMs: (id) => (id === "d" ? 5_000 : 0),
      drills: [drill("d", 10_000, 15_000)],
    });
    await slow.clock.moveTo(50_000);
    await slow.done;
    expect(skipped(slow)).toEqual(["a: d still in force, and at most 1 at once may be"]);
    expect(slow.most).toBe(2);
  });
});

describe("a run that is stopped", () => {
  const steps = [
    step("a", 1_000, 90_000),
    step("b", 1_500, 90_000),
    step("c", 2_000, 90_000),
    step("d", 50_000, 60_000),
  ];
  const healMs = (id: string): number => ({ a: 300, b: 2_000 })[id] ?? 0;

  it("heals everything at once, side by side, and injects nothing more", async () => {
    const world = run(steps, { healMs });
    await world.clock.moveTo(5_000);
    world.stop();
    await world.clock.moveTo(100_000);
    await world.done;
    expect(world.log.slice(-3)).toEqual(["5000 healed c", "5300 healed a", "7000 healed b"]);
    expect([world.inForce.size, world.open.size, skipped(world)]).toEqual([0, 0, []]);
    expect(world.log.some((line) => line.endsWith("d"))).toBe(false);
  });

  it("has healed everything within its slowest heal, whenever it is stopped", async () => {
    const rng = seededRng("stops");
    const tookMs: number[] = [];
    for (let n = 0; n < 60; n++) {
      const world = run(steps, { healMs, ledgerMs: 30, injectMs: 400, confirmMs: 700 });
      const stopMs = rng.int(700, 4_000);
      await world.clock.moveTo(stopMs);
      world.stop();
      await world.clock.moveTo(stopMs + 20_000);
      await world.done;
      expect([world.inForce.size, world.open.size]).toEqual([0, 0]);
      const healed = world.events.filter((event) => event.type === "fault" && event.state === "healed");
      tookMs.push(Math.max(0, ...healed.map(({ atMs }) => atMs - stopMs)));
    }
    expect(Math.max(...tookMs)).toBeLessThanOrEqual(2_000);
    expect(Math.max(...tookMs)).toBeGreaterThan(1_900);
  });
});
