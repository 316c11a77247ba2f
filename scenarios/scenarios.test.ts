// Every scenario file plans with any seed, its plan keeps the rules, and the suites are what they are called.
import { expect, test, describe } from "vitest";
import { drillTable } from "../harness/drills/index.ts";
import { faultTable } from "../harness/faults/index.ts";
import { condensePlan } from "../harness/plan/condense.ts";
import { makePlan } from "../harness/plan/make-plan.ts";
import type { Plan } from "../harness/plan/plan.ts";
import { brokenCondensation } from "../harness/plan/testing/condense-rules.ts";
import { brokenRules } from "../harness/plan/testing/plan-rules.ts";
import { loadScenario, type LoadedScenario } from "../harness/scenario/load-scenario.ts";

const cwd = new URL("..", import.meta.url).pathname;
const seeds = Array.from({ length: Number(process.env["KILN_SUITE_SEEDS"] ?? "40") }, (_, index) =>
  String(index + 1),
);
const hourMs = 3_600_000;

async function loaded(name: string): Promise<LoadedScenario> {
  return loadScenario(name, { cwd });
}

function plans({ scenario, shownFile }: LoadedScenario): Plan[] {
  return seeds.map((seed) => makePlan(scenario, seed, faultTable, { file: shownFile, drills: drillTable }));
}

describe.each(["smoke", "micro", "web", "drills", "families", "nightly", "6h", "12h", "24h", "48h"])(
  "%s",
  (name) => {
    test(`plans with seeds 1 to ${seeds.length}, each its own plan that breaks no rule`, async () => {
      const file = await loaded(name);
      const all = plans(file);
      expect(file.scenario.name).toBe(name);
      expect(new Set(all.map(({ hash }) => hash)).size).toBe(seeds.length);
      for (const plan of all) expect(brokenRules(plan, file.scenario), `seed ${plan.seed}`).toEqual([]);
    });
  },
);

test("smoke has each of its faults once and a spike, and is over within three minutes", async () => {
  for (const plan of plans(await loaded("smoke"))) {
    expect(plan.faults.map(({ fault }) => fault).toSorted()).toEqual([
      "config-corruption",
      "cpu-burn",
      "kill",
      "latency",
      "link-down",
      "memory-leak",
      "upstream-errors",
    ]);
    expect(plan.load.segments.filter(({ kind }) => kind === "spike")).toHaveLength(1);
    expect(plan.durationMs).toBeLessThanOrEqual(180_000);
  }
});

test("drills has each drill once, alone and in less than four minutes, and nothing is broken in it", async () => {
  const [plan] = plans(await loaded("drills"));
  expect(plan?.drills?.map(({ fault }) => fault)).toEqual([...drillTable.keys()]);
  expect(plan?.faults).toEqual([]);
  expect(plan?.durationMs).toBeLessThan(240_000);
  expect(plan?.load.segments.map(({ rps }) => rps)).toEqual([65]);
});

describe.each([
  ["nightly", 5.5],
  ["6h", 6],
  ["12h", 12],
  ["24h", 24],
  ["48h", 48],
])("the suite %s", (name, hours) => {
  test("lasts that long, spikes every six hours from the first hour on, and holds 99.9 %", async () => {
    for (const plan of plans(await loaded(name))) {
      expect(plan.durationMs).toBe(hours * hourMs);
      const spikes = plan.load.segments
        .filter(({ kind }) => kind === "spike")
        .map(({ startMs, rps }) => ({ hour: startMs / hourMs, rps }));
      expect(spikes).toEqual(
        Array.from({ length: Math.ceil(hours / 6) }, (_, index) => ({ hour: 0.5 + 6 * index, rps: 175 })),
      );
      expect(plan.load.segments.find(({ kind }) => kind === "steady")?.rps).toBe(65);
      expect(plan.objectives).toMatchObject({
        availability: 0.999,
        recoveryMs: 60_000,
        memoryDrift: 0.1,
        configCorruptions: 0,
        completeMonitoring: true,
      });
      expect(plan.budget.allowedMs).toBe((hours * hourMs) / 1_000);
    }
  });
});

test("from 12h on and nightly something is killed, and nothing restarted in the quiet stretch, 12 h of 24h and 48h", async () => {
  for (const [name, quietHours] of [
    ["nightly", 2],
    ["12h", 6],
    ["24h", 12],
    ["48h", 12],
  ] as const) {
    for (const plan of plans(await loaded(name))) {
      const kills = plan.faults.filter(({ fault }) => fault === "kill");
      expect(kills.length, `${name}, seed ${plan.seed}`).toBeGreaterThan(0);
      const restarts = plan.faults.filter((step) => step.expect.restarts);
      for (const { settleUntilMs } of restarts)
        expect(settleUntilMs).toBeLessThanOrEqual(plan.durationMs - quietHours * hourMs);
    }
  }
});

describe.each([
  ["6h", 13.5],
  ["nightly", 20],
  ["12h", 27],
])("the suite %s, condensed", (name, mostMinutes) => {
  test(`lasts at most ${mostMinutes} min at any seed, in the same order, and says what it is`, async () => {
    const file = await loaded(name);
    if (file.quick === undefined) throw new Error("its stack is a function");
    for (const plan of plans(file)) {
      const short = condensePlan(plan, file.quick, faultTable);
      expect(brokenCondensation(plan, short), `seed ${plan.seed}`).toEqual([]);
      expect(short.scenario).toBe(`condensed ${name}`);
      expect(short.durationMs / 60_000, `seed ${plan.seed}`).toBeLessThan(mostMinutes);
      expect(short.load.segments.some(({ kind }) => kind === "spike")).toBe(true);
    }
  });
});

test("from 12h on the cache flaps, from 24h on trouble piles up, and both come in every run", async () => {
  for (const [name, patterns] of [
    ["12h", ["flapping"]],
    ["24h", ["cascade", "flapping"]],
    ["48h", ["cascade", "flapping"]],
  ] as const) {
    for (const plan of plans(await loaded(name))) {
      const found = new Set(
        plan.faults.flatMap(({ pattern }) => (pattern === undefined ? [] : [pattern.name])),
      );
      expect([...found].toSorted(), `${name}, seed ${plan.seed}`).toEqual(patterns);
      expect(plan.notDrawn).toBeUndefined();
    }
  }
});

test("each suite has every fault choice and objective of the one before", async () => {
  const suites = await Promise.all(["6h", "12h", "24h", "48h"].map((name) => loaded(name)));
  for (const [index, { scenario }] of suites.entries()) {
    const before = suites[index - 1]?.scenario;
    if (before === undefined) continue;
    expect(scenario.chaos.faults).toEqual(expect.arrayContaining([...before.chaos.faults]));
    expect(scenario.chaos.faults.length + scenario.chaos.planned.length).toBeGreaterThan(
      before.chaos.faults.length + before.chaos.planned.length,
    );
    expect(scenario.objectives).toMatchObject(before.objectives);
    expect(scenario.durationMs).toBeGreaterThan(before.durationMs);
  }
});
