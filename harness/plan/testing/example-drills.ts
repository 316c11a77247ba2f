// Small drills for the planner's tests: they take their time, and do nothing. "swap" replaces the processes of a service.
import { z } from "zod";
import type { Drill, DrillTable } from "../../drills/drill.ts";
import type { DrillChoice } from "../../scenario/scenario.ts";
import type { StackSpec } from "../../scenario/stack-spec.ts";
import { exampleStack } from "./example-scenario.ts";

const nothingBroken = {
  recovery: { atLeast: "none", atMost: "none" },
  service: null,
  actWithinMs: null,
  restarts: false,
  unavailableMs: 0,
} as const;
const nothing = {
  needs: [],
  kind: "held",
  inject: () => Promise.resolve(),
  confirm: () => Promise.resolve({ effective: true, saw: "nothing" }),
  heal: () => Promise.resolve(),
} as const;

const update: Drill<{ value: number }> = {
  ...nothing,
  name: "update",
  summary: "A value changes.",
  options: z.strictObject({ value: z.number() }),
  demands: { undoneWithinMs: 300_000 },
  target: () => "operation:update",
  expect: () => nothingBroken,
  refuses: () => undefined,
  takes: () => ({ injectMs: 5_000, confirmMs: 3_000, healMs: 5_000 }),
  times: () => ({ injectMs: 9_000, confirmMs: 3_000, healMs: 9_000 }),
};

const swap: Drill = {
  ...nothing,
  name: "blue-green",
  summary: "Requests go elsewhere.",
  options: z.strictObject({}),
  demands: { noFailedRequest: true },
  target: () => "operation:blue-green",
  expect: () => ({ ...nothingBroken, restarts: true }),
  refuses: ({ operations }) =>
    operations?.["blue-green"] === undefined ? "it has one slot only" : undefined,
  takes: () => ({ injectMs: 20_000, confirmMs: 5_000, healMs: 15_000 }),
  times: () => ({ injectMs: 30_000, confirmMs: 5_000, healMs: 25_000 }),
};

const all: readonly Drill[] = [update, swap];
export const exampleDrills: DrillTable = new Map(all.map((drill) => [drill.name, drill]));

const never = { command: ["never"], withinMs: 1 };
/** The example stack with a second slot for its API. */
export const slottedStack: StackSpec = {
  ...exampleStack,
  operations: {
    "blue-green": { do: never, undo: never, slots: { blue: "api", green: "worker" }, answersPath: "/slot" },
  },
};

export const updating = (extra: Partial<DrillChoice> = {}): DrillChoice => ({
  drill: "update",
  options: { value: 1 },
  ...extra,
});
export const swapping = (extra: Partial<DrillChoice> = {}): DrillChoice => ({
  drill: "blue-green",
  options: {},
  ...extra,
});
