import { array, assert, asyncProperty, boolean, constantFrom, record } from "fast-check";
import { expect, it } from "vitest";
import type { ActiveState } from "../journal/events.ts";
import type { ActiveFault } from "./active-fault.ts";
import { setUp, statesOf, type World } from "./testing/harm.ts";

/** The ways between states; anything else is a bug. */
const allowed: Readonly<Record<ActiveState, readonly ActiveState[]>> = {
  idle: ["injecting"],
  injecting: ["active", "broken"],
  active: ["healing"],
  healing: ["healed", "broken"],
  healed: [],
  broken: ["healing"],
};

/** Whether the harm must be in the world in a state; null where either is right. */
const harmIn: Readonly<Record<ActiveState, boolean | null>> = {
  idle: false,
  injecting: null,
  active: true,
  healing: null,
  healed: false,
  broken: null,
};

/** Calls a verb. Misuse is refused with a TypeError and changes nothing; other failures are the fault's own. */
async function attempt(active: ActiveFault, verb: "inject" | "confirm" | "heal"): Promise<string> {
  const before = active.state;
  try {
    await active[verb]();
    return "";
  } catch (error) {
    return error instanceof TypeError && active.state !== before
      ? `${verb} from ${before} led to ${active.state}`
      : "";
  }
}

function wrongWays(world: World): string[] {
  const path: ActiveState[] = ["idle", ...statesOf(world)];
  return path.slice(1).flatMap((state, index) => {
    const from = path[index] ?? "idle";
    return allowed[from].includes(state) ? [] : [`${from} to ${state}`];
  });
}

/** Entries of the ledger that must come after the fault's own, but do not. */
function early(world: World): string[] {
  const first = world.ledgerLines.findIndex((line) => line.startsWith("fault "));
  return world.ledgerLines.slice(0, Math.max(0, first)).filter((line) => line.startsWith("memory "));
}

const step = record({
  verb: constantFrom("inject", "confirm", "heal"),
  fails: boolean(),
  ledgerFails: boolean(),
});

it("a random walk keeps to the ways between states, and never calls healed what still bites", async () => {
  const visited = new Set<ActiveState>();
  await assert(
    asyncProperty(array(step, { maxLength: 12 }), async (steps) => {
      let current = { fails: false, ledgerFails: false };
      const stumble = (): Promise<void> =>
        current.fails ? Promise.reject(new Error("stumbled")) : Promise.resolve();
      const { active, world } = setUp(
        { inject: stumble, heal: stumble, ledgerFails: () => current.ledgerFails },
        { limits: { confirmMs: 20, lookEveryMs: 5 } },
      );
      for (const { verb, ...failures } of steps) {
        current = failures;
        expect(await attempt(active, verb)).toBe("");
        expect([world.harm, null]).toContain(harmIn[active.state]);
        visited.add(active.state);
      }
      current = { fails: false, ledgerFails: false };
      expect(await active.heal()).toBe(true);
      expect(world.harm).toBe(false);
      expect([...wrongWays(world), ...early(world)]).toEqual([]);
    }),
    { seed: 20_261_121, numRuns: 150 },
  );
  // The walk is only worth something when it got everywhere.
  expect([...visited].toSorted()).toEqual(["active", "broken", "healed", "idle"]);
});
