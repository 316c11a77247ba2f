// A process that was stopped for long wakes to faults that the reaper has healed meanwhile.
import { describe, expect, it } from "vitest";
import { systemClock, type Clock } from "../support/clock.ts";
import { ActiveFault } from "./active-fault.ts";
import type { Fault } from "./fault.ts";
import type { HealedElsewhere } from "./fault-ledger.ts";
import { setUp, statesOf } from "./testing/harm.ts";

const byReaper = (beganMs: number): HealedElsewhere => ({ by: "reaper", beganMs, journalMs: beganMs + 20 });

function frozen(changes: Partial<Pick<Fault, "sustain">> = {}) {
  let heals = 0;
  let elsewhere: HealedElsewhere | undefined;
  let sleptMs = 0;
  const clock: Clock = {
    nowMs: () => systemClock.nowMs() + sleptMs,
    wallMs: () => systemClock.wallMs(),
    sleepUntil: (atMs, signal) => systemClock.sleepUntil(atMs - sleptMs, signal),
  };
  const { world, parts } = setUp({ heal: () => Promise.resolve(void (heals += 1)) }, { clock });
  const ledger = { ...parts.ledger, healedElsewhere: () => elsewhere };
  return {
    active: new ActiveFault({ ...parts, ledger, fault: { ...parts.fault, ...changes } }),
    world,
    clock,
    sleep: (ms: number) => void (sleptMs += ms),
    heals: () => heals,
    healAway: (healed: HealedElsewhere) => void (elsewhere = healed),
  };
}

describe("a fault that another process has healed", () => {
  it("is over at that time, by that process, and is not healed again", async () => {
    const { active, world, clock, sleep, heals, healAway } = frozen();
    await active.inject();
    sleep(20_000);
    healAway(byReaper(clock.nowMs() - 5_000));
    await active.catchUp();
    expect(statesOf(world)).toEqual(["injecting", "active", "healed"]);
    expect(world.events.at(-1)).toMatchObject({ state: "healed", by: "reaper" });
    expect(await active.heal()).toBe(true);
    expect(heals()).toBe(0);
    expect(world.ledgerLines.filter((line) => line.startsWith("healed"))).toEqual([]);
  });

  it("is healed again where its inject ended only after that heal: it may have put the harm in after it", async () => {
    const { active, world, clock, heals, healAway } = frozen();
    await active.inject();
    healAway(byReaper(clock.nowMs() - 15_000));
    await active.catchUp();
    expect(heals()).toBe(1);
    expect(statesOf(world)).toEqual(["injecting", "active", "healing", "healed"]);
  });

  it("is healed again where something keeps it up: that may have acted once more on waking", async () => {
    const sustain = (ctx: { signal: AbortSignal }): Promise<void> =>
      new Promise((resolve) => {
        ctx.signal.addEventListener("abort", () => resolve());
      });
    const { active, clock, sleep, heals, healAway } = frozen({ sustain });
    await active.inject();
    sleep(20_000);
    healAway(byReaper(clock.nowMs() - 5_000));
    expect(await active.heal()).toBe(true);
    expect(heals()).toBe(1);
  });

  it("goes on where nobody has healed it", async () => {
    const { active, heals } = frozen();
    await active.catchUp();
    await active.inject();
    await active.catchUp();
    expect([active.state, heals()]).toEqual(["active", 0]);
  });
});
