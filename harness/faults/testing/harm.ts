// A fault that only sets a flag, for the tests of the life cycle: what it does at each verb is the test's choice.
import { z } from "zod";
import type { ActiveState, JournalBody } from "../../journal/events.ts";
import type { StackHandle } from "../../stack/stack.ts";
import { systemClock } from "../../support/clock.ts";
import type { Json } from "../../support/json.ts";
import { ActiveFault, type ActiveFaultParts, type FaultLedger } from "../active-fault.ts";
import { calm } from "../expectations.ts";
import { defineFault, type Confirmation, type FaultContext } from "../fault.ts";

export interface World {
  readonly events: JournalBody[];
  readonly ledgerLines: string[];
  /** True while the harm is in the world. */
  harm: boolean;
}

export interface Manners {
  inject?(ctx: FaultContext): Promise<void>;
  confirm?(ctx: FaultContext): Promise<Confirmation>;
  heal?(ctx: FaultContext): Promise<void>;
  ledgerFails?: () => boolean;
}

export const yes: Confirmation = { effective: true, saw: "it bites" };
export const no: Confirmation = { effective: false, saw: "it does not bite" };

/** No part of a stack is touched by these faults; reaching for one is an error. */
const noStack = new Proxy({} as StackHandle, {
  get: () => {
    throw new Error("no stack here");
  },
});

export function setUp(
  manners: Manners = {},
  extra: Partial<ActiveFaultParts> = {},
): { active: ActiveFault; world: World; parts: ActiveFaultParts } {
  const world: World = { events: [], ledgerLines: [], harm: false };
  const fault = defineFault({
    name: "harm",
    summary: "Sets a flag.",
    needs: [],
    kind: "held",
    options: z.strictObject({}),
    target: () => "service:none",
    expect: () => calm,
    inject: async (ctx) => {
      await ctx.remember({ was: world.harm });
      await manners.inject?.(ctx);
      world.harm = true;
    },
    confirm: (ctx) => manners.confirm?.(ctx) ?? Promise.resolve(world.harm ? yes : no),
    heal: async (ctx) => {
      await manners.heal?.(ctx);
      world.harm = false;
    },
  });
  const memories = new Map<string, Json>();
  const line = (text: string): void => {
    if (manners.ledgerFails?.() === true) throw new Error("disk full");
    world.ledgerLines.push(text);
  };
  const ledger: FaultLedger = {
    fault: (id) => line(`fault ${id} harm=${world.harm}`),
    memory: (id, memory) => {
      line(`memory ${id} harm=${world.harm}`);
      memories.set(id, memory);
    },
    healed: (id, by) => line(`healed ${id} by ${by} harm=${world.harm}`),
    healFailed: (id, by, error) => line(`heal-failed ${id} by ${by}: ${error}`),
    recall: (id) => memories.get(id),
  };
  const parts: ActiveFaultParts = {
    fault,
    step: { id: "f01", fault: "harm", options: {}, startMs: 1_000, healMs: 31_000 },
    stack: noStack,
    clock: systemClock,
    journal: { write: (body) => world.events.push(body) },
    ledger,
    limits: { injectMs: 300, confirmMs: 300, healMs: 300, lookEveryMs: 10 },
    ...extra,
  };
  return { active: new ActiveFault(parts), world, parts };
}

/** The states that were journalled, in order. */
export const statesOf = (world: World): ActiveState[] =>
  world.events.flatMap((event) => (event.type === "fault" ? [event.state] : []));
