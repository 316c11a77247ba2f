import { expect, it } from "vitest";
import { environmentError } from "../support/errors.ts";
import { createVirtualClock } from "../support/testing/virtual-clock.ts";
import { ControlPlane, type ControlPlaneChange } from "./control-plane.ts";
import type { DesiredLink } from "./replace-control-plane.ts";
import type { StackRecord, Toxic } from "./stack.ts";
import type { ToxiproxyControl } from "./toxiproxy.ts";

const record = { spec: { links: [{ name: "a" }, { name: "b" }] } } as unknown as StackRecord;
const toxic = (name: string): Toxic => ({
  name,
  type: "latency",
  stream: "downstream",
  attributes: { latency: 1 },
});

/** What is in force, as a replacement would be told. */
function picture(desired: ReadonlyMap<string, DesiredLink>): string {
  return [...desired]
    .map(([link, { enabled, toxics }]) => `${link}${enabled ? "" : " off"}: ${[...toxics.keys()].join(",")}`)
    .join("; ");
}

function setUp() {
  const clock = createVirtualClock(1_000);
  const world = {
    clock,
    /** How the next calls end; then they succeed. */
    fails: [] as ("unanswered" | "unreachable" | "refused")[],
    cannotReplace: false,
    /** How long a call takes. */
    callMs: 0,
    calls: [] as string[],
    pictures: [] as string[],
    changes: [] as ControlPlaneChange[],
    /** Held open by a test that wants to see what waits for it. */
    gate: Promise.resolve(),
  };
  const call = async (what: string): Promise<void> => {
    world.calls.push(what);
    const how = world.fails.shift();
    await clock.sleepUntil(clock.nowMs() + world.callMs);
    if (how !== undefined) throw environmentError(`toxiproxy-${how}`, `${what} ${how}`);
  };
  const control: ToxiproxyControl = {
    version: async () => (await call("version"), "2"),
    createProxy: ({ name }) => call(`create ${name}`),
    addToxic: (proxy, { name }) => call(`add ${proxy} ${name}`),
    updateToxic: async (proxy, { name }) => (await call(`update ${proxy} ${name}`), true),
    removeToxic: (proxy, name) => call(`remove ${proxy} ${name}`),
    setEnabled: (proxy, enabled) => call(`set ${proxy} ${enabled}`),
    state: async (proxy) => (await call(`state ${proxy}`), { enabled: true, toxics: [] }),
  };
  const plane = new ControlPlane({
    record,
    control,
    clock,
    replace: async (desired) => {
      await world.gate;
      if (world.cannotReplace) throw new Error("no room");
      world.pictures.push(picture(desired));
    },
    onChange: (change) => world.changes.push(change),
  });
  return { plane, world, control: plane.control };
}

it("leaves a Toxiproxy alone that answers, and one that says no", async () => {
  const { plane, world, control } = setUp();
  await control.addToxic("a", toxic("t"));
  world.fails = ["refused"];
  await expect(control.addToxic("a", toxic("t"))).rejects.toMatchObject({ code: "toxiproxy-refused" });
  await plane.look();
  expect(world.changes).toEqual([]);
  expect(world.calls).toEqual(["add a t", "add a t", "version"]);
});

it("gives the new one what was asked of the old one, and makes the call that failed once more", async () => {
  const { world, control } = setUp();
  await control.addToxic("a", toxic("t1"));
  await control.addToxic("a", toxic("t2"));
  await control.removeToxic("a", "t1");
  await control.setEnabled("b", false);
  world.fails = ["unanswered"];
  await control.addToxic("b", toxic("t3"));
  expect(world.pictures).toEqual(["a: t2; b off: "]);
  expect(world.calls.slice(-2)).toEqual(["add b t3", "add b t3"]);
  world.fails = ["unreachable"];
  await control.state("a");
  expect(world.pictures.at(-1)).toBe("a: t2; b off: t3");
});

it("counts what was being lifted as lifted: the new one never gets it", async () => {
  const { world, control } = setUp();
  await control.addToxic("a", toxic("t1"));
  await control.setEnabled("b", false);
  world.fails = ["unanswered"];
  await control.removeToxic("a", "t1");
  expect(world.pictures).toEqual(["a: ; b off: "]);
  world.fails = ["unanswered"];
  await control.setEnabled("b", true);
  expect(world.pictures.at(-1)).toBe("a: ; b: ");
  // No call to the new one was needed.
  expect(world.calls.slice(-2)).toEqual(["remove a t1", "set b true"]);
});

it("gives the new one no harm that another process has healed", async () => {
  const { plane, world, control } = setUp();
  await control.addToxic("a", toxic("t1"));
  await control.setEnabled("b", false);
  plane.forgetHarm();
  await control.addToxic("b", toxic("t2"));
  world.fails = ["unreachable"];
  await plane.look();
  expect(world.pictures).toEqual(["a: ; b: t2"]);
});

it("replaces it once for many calls that fail together, and lets others wait until it is done", async () => {
  const { world, control } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.gate = promise;
  world.fails = ["unanswered", "unreachable"];
  const both = [control.addToxic("a", toxic("t1")), control.addToxic("b", toxic("t2"))];
  await world.clock.moveTo(1_100);
  const later = control.state("a");
  await world.clock.moveTo(1_200);
  expect(world.calls).toEqual(["add a t1", "add b t2"]);
  resolve();
  await Promise.all([...both, later]);
  expect(world.pictures).toEqual(["a: ; b: "]);
  expect(world.changes.map(({ state }) => state)).toEqual(["gone", "replaced"]);
  expect(world.calls.slice(2).toSorted()).toEqual(["add a t1", "add b t2", "state a"]);
});

it("says when it was last well: before the last call that was answered", async () => {
  const { plane, world } = setUp();
  await world.clock.moveTo(2_000);
  world.callMs = 300;
  const looking = plane.look();
  await world.clock.moveTo(2_500);
  await looking;
  world.callMs = 0;
  await world.clock.moveTo(3_500);
  world.fails = ["unanswered"];
  await plane.look();
  expect(world.changes).toMatchObject([
    { state: "gone", fromMs: 2_000 },
    { state: "replaced", fromMs: 2_000, what: expect.stringContaining("1.50 s") },
  ]);
});

it("tells of a replacement that fails, and tries again at the next look", async () => {
  const { plane, world, control } = setUp();
  world.cannotReplace = true;
  world.fails = ["unreachable", "unreachable"];
  await plane.look();
  expect(world.changes.map(({ state, what }) => `${state}: ${what}`)).toEqual([
    expect.stringContaining("gone: version unreachable"),
    "gone: Toxiproxy could not be replaced: no room",
  ]);
  await expect(control.setEnabled("a", true)).rejects.toThrow("no room");
  world.cannotReplace = false;
  world.fails = ["unreachable"];
  await plane.look();
  expect(world.changes.at(-1)?.state).toBe("replaced");
});

it("replaces nothing once it is closed, and closing waits for a replacement", async () => {
  const { plane, world, control } = setUp();
  const { promise, resolve } = Promise.withResolvers<void>();
  world.gate = promise;
  world.fails = ["unanswered"];
  const looking = plane.look();
  await world.clock.moveTo(1_100);
  let closed = false;
  const closing = plane.close().then(() => (closed = true));
  await world.clock.moveTo(1_200);
  expect(closed).toBe(false);
  resolve();
  await Promise.all([looking, closing]);
  world.fails = ["unanswered"];
  await expect(control.state("a")).rejects.toMatchObject({ code: "toxiproxy-unanswered" });
  await plane.look();
  expect(world.pictures).toHaveLength(1);
});
