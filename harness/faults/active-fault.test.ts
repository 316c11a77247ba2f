import { describe, expect, it } from "vitest";
import { sleep } from "../support/clock.ts";
import { ActiveFault, createActiveFault } from "./active-fault.ts";
import type { Fault } from "./fault.ts";
import { no, setUp, statesOf, yes } from "./testing/harm.ts";

const never = (): Promise<never> => new Promise(() => {});

describe("an active fault", () => {
  it("goes its way, with the ledger before the world and healed after it", async () => {
    const { active, world } = setUp();
    await active.inject();
    expect(active.state).toBe("active");
    expect(await active.confirm()).toEqual(yes);
    expect(await active.heal()).toBe(true);
    expect(statesOf(world)).toEqual(["injecting", "active", "healing", "healed"]);
    expect(world.ledgerLines).toEqual([
      "fault f01 harm=false",
      "memory f01 harm=false",
      "healed f01 by harness harm=false",
    ]);
    expect(world.events).toContainEqual({ type: "fault-confirmed", id: "f01", confirmation: yes });
  });

  it("can be announced: inject then calls at once, and the journal says when", async () => {
    const { active, world } = setUp();
    await active.announce();
    expect(world.ledgerLines).toEqual(["fault f01 harm=false"]);
    expect([active.state, world.events]).toEqual(["idle", []]);
    await active.inject();
    expect(world.events[0]).toMatchObject({ state: "injecting", plannedMs: 1_000 });
    expect(world.ledgerLines.filter((line) => line.startsWith("fault "))).toHaveLength(1);
    await expect(active.announce()).rejects.toThrow("announce from state active");
    expect(await active.heal()).toBe(true);
    expect(world.ledgerLines.at(-1)).toBe("healed f01 by harness harm=false");
  });

  it("takes back an announcement that nothing came of, without a word in the journal", async () => {
    let healed = false;
    const { active, world } = setUp({ heal: () => Promise.resolve(void (healed = true)) });
    await active.announce();
    expect(await active.heal()).toBe(true);
    expect(await active.heal()).toBe(true);
    expect(world.ledgerLines).toEqual(["fault f01 harm=false", "healed f01 by harness harm=false"]);
    expect([active.state, world.events, healed]).toEqual(["idle", [], false]);
  });

  it("tells the ledger in inject when announcing failed", async () => {
    let fails = true;
    const { active, world } = setUp({ ledgerFails: () => fails });
    await expect(active.announce()).rejects.toThrow("disk full");
    fails = false;
    await active.inject();
    expect(world.ledgerLines[0]).toBe("fault f01 harm=false");
  });

  it("lets a fault that can time itself out last for its hold and a minute", async () => {
    let selfHealMs = 0;
    const { active } = setUp({ inject: (ctx) => Promise.resolve(void (selfHealMs = ctx.selfHealMs)) });
    await active.inject();
    expect(selfHealMs).toBe(90_000);
  });

  it("looks again until it bites", async () => {
    let looks = 0;
    const { active } = setUp({ confirm: () => Promise.resolve(++looks < 4 ? no : yes) });
    await active.inject();
    expect(await active.confirm()).toEqual(yes);
    expect(looks).toBe(4);
  });

  it("gives the last look when the time for confirm is up, and stays active", async () => {
    const { active, world } = setUp({ confirm: () => Promise.resolve(no) });
    await active.inject();
    expect(await active.confirm()).toEqual(no);
    expect(world.events.at(-1)).toEqual({ type: "fault-confirmed", id: "f01", confirmation: no });
    expect(active.state).toBe("active");
  });

  it("takes a look that fails or hangs for one that saw nothing", async () => {
    const failing = setUp({ confirm: () => Promise.reject(new Error("no route")) });
    await failing.active.inject();
    expect(await failing.active.confirm()).toEqual({ effective: false, saw: "the look failed: no route" });
    const hanging = setUp({ confirm: never });
    await hanging.active.inject();
    expect(await hanging.active.confirm()).toMatchObject({
      effective: false,
      saw: expect.stringContaining("confirm was not done within 300 ms"),
    });
  });

  it("is broken by an inject that fails, and then only heals", async () => {
    const { active, world } = setUp({ inject: () => Promise.reject(new Error("no such link")) });
    await expect(active.inject()).rejects.toMatchObject({
      code: "fault-inject-failed",
      message: "f01: no such link",
    });
    expect(active.state).toBe("broken");
    await expect(active.confirm()).rejects.toThrow("confirm from state broken");
    await expect(active.inject()).rejects.toThrow("inject from state broken");
    expect(await active.heal()).toBe(true);
    expect(statesOf(world)).toEqual(["injecting", "broken", "healing", "healed"]);
    expect(world.events).toContainEqual({ type: "fault", id: "f01", state: "broken", error: "no such link" });
  });

  it("does not touch the world when the ledger cannot be written", async () => {
    const { active, world } = setUp({ ledgerFails: () => true });
    await expect(active.inject()).rejects.toThrow("disk full");
    expect(world.harm).toBe(false);
    expect(await active.heal()).toBe(false);
    expect(world.events).toContainEqual({
      type: "note",
      level: "error",
      text: expect.stringContaining("the ledger could not be written"),
    });
  });

  it("can be healed again after a heal that failed, and the ledger tells", async () => {
    let fails = true;
    const { active, world } = setUp({
      heal: () => (fails ? Promise.reject(new Error("frozen")) : Promise.resolve()),
    });
    await active.inject();
    expect(await active.heal()).toBe(false);
    expect(active.state).toBe("broken");
    expect(world.ledgerLines.at(-1)).toBe("heal-failed f01 by harness: frozen");
    fails = false;
    expect(await active.heal()).toBe(true);
    expect(active.state).toBe("healed");
  });

  it("gives every verb its deadline", async () => {
    const { active } = setUp({ inject: never, heal: never });
    await expect(active.inject()).rejects.toThrow("inject was not done within 300 ms");
    expect(await active.heal()).toBe(false);
  });

  it("does not call it healed while an inject goes on that ignores its signal", async () => {
    const { promise: gate, resolve: open } = Promise.withResolvers<void>();
    const { active, world } = setUp({ inject: () => gate });
    await expect(active.inject()).rejects.toThrow("inject was not done");
    expect(await active.heal()).toBe(false);
    open();
    await sleep(20);
    expect(world.harm).toBe(true);
    expect(await active.heal()).toBe(true);
    expect(world.harm).toBe(false);
  });

  it("stops an inject at the line where it remembers, once its time is up", async () => {
    let reached = false;
    const { active, world } = setUp({
      inject: async (ctx) => {
        await sleep(400);
        await ctx.remember({ late: true });
        reached = true;
      },
    });
    await expect(active.inject()).rejects.toThrow("inject was not done");
    await sleep(200);
    expect(reached).toBe(false);
    expect(world.ledgerLines.filter((line) => line.startsWith("memory"))).toHaveLength(1);
    expect(await active.heal()).toBe(true);
  });

  it("ends a confirm that is under way in order to heal", async () => {
    const { active, world } = setUp(
      { confirm: () => Promise.resolve(no) },
      { limits: { confirmMs: 60_000, lookEveryMs: 10 } },
    );
    await active.inject();
    const confirming = active.confirm();
    await sleep(50);
    expect(await active.heal()).toBe(true);
    expect(await confirming).toEqual(no);
    expect(world.harm).toBe(false);
  });

  it("is ended by its caller's signal, and heals with another", async () => {
    const { active, world } = setUp({ inject: never });
    const caller = new AbortController();
    const injecting = active.inject(caller.signal);
    caller.abort(new Error("run interrupted"));
    await expect(injecting).rejects.toThrow("run interrupted");
    await expect(active.inject()).rejects.toThrow(TypeError);
    expect(world.harm).toBe(false);
  });

  it("heals what a dead process left behind, from the ledger's memory alone", async () => {
    const first = setUp();
    await first.active.inject();
    const heir = new ActiveFault({ ...first.parts, origin: "left-behind", by: "reaper" });
    await expect(heir.inject()).rejects.toThrow("inject from state broken");
    expect(await heir.heal()).toBe(true);
    expect(first.world.harm).toBe(false);
    expect(first.world.ledgerLines.at(-1)).toBe("healed f01 by reaper harm=false");
  });

  it("does nothing for a fault that was never injected", async () => {
    const { active, world } = setUp();
    expect(await active.heal()).toBe(true);
    expect(active.state).toBe("idle");
    expect(world.events).toEqual([]);
  });

  it("is made from the table by name", () => {
    const { parts } = setUp();
    const table = new Map<string, Fault>([["harm", parts.fault]]);
    expect(createActiveFault({ ...parts, table }).state).toBe("idle");
    expect(() => createActiveFault({ ...parts, table: new Map() })).toThrow('there is no fault "harm"');
  });
});
