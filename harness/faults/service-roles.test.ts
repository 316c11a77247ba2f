import { describe, expect, it } from "vitest";
import { startersIn, type StackSpec } from "../scenario/stack-spec.ts";
import { crashLoop } from "./crash-loop.ts";
import { keepDown } from "./keep-down.ts";
import { kill } from "./kill.ts";
import { pause } from "./pause.ts";
import { roleOf } from "./service-roles.ts";

const program = { kind: "program", command: ["node"], readyPath: "/" } as const;
const stack: StackSpec = {
  name: "roles",
  driver: "processes",
  services: [
    { ...program, name: "gateway", startedBy: "watchdog" },
    { ...program, name: "watchdog" },
    { ...program, name: "worker", startedBy: "pool" },
    { ...program, name: "pool" },
    { kind: "postgres", name: "postgres", user: "u", database: "d" },
    { kind: "redis", name: "redis" },
  ],
  links: [
    { name: "front", from: "load", to: "gateway", essential: true },
    { name: "postgres", from: "gateway", to: "postgres", essential: true },
    { name: "redis", from: "gateway", to: "redis" },
  ],
  watchdog: {
    service: "watchdog",
    supervises: "gateway",
    eventsFile: "events",
    unresponsiveMs: 6_500,
    processGoneMs: 2_100,
    backoffCapMs: 20_000,
  },
};
const scene = (holdMs = 0) => ({ stack, holdMs });
/** The same, with its watchdog told how to start the PostgreSQL, and the pool how to start the Redis. */
const told: StackSpec = {
  ...stack,
  services: stack.services.map((service) => {
    if (service.name === "watchdog" && service.kind === "program")
      return { ...service, env: { DEPENDENCIES: '[{"start":["{start:postgres}"]}]' } };
    if (service.name === "pool" && service.kind === "program")
      return { ...service, command: ["node", "{start:redis}"] };
    return service;
  }),
};
const nobodyObliged = { recovery: { atLeast: "none", atMost: "hard" }, service: null, actWithinMs: null };
const mustAct = { recovery: { atLeast: "hard" }, service: "gateway", restarts: true };

describe("the role of a service", () => {
  it("is read from the stack's description", () => {
    const roles = stack.services.map(({ name }) => roleOf(name, stack));
    expect(roles).toEqual(["supervised", "watchdog", "tended", "alone", "alone", "alone"]);
    const { watchdog: _none, ...bare } = stack;
    expect(roleOf("gateway", bare)).toBe("tended");
  });

  it("of a server is that of a dependency when the watchdog was told how to start it", () => {
    expect(["postgres", "redis"].map((name) => roleOf(name, told))).toEqual(["dependency", "tended"]);
    expect([...startersIn(told)].toSorted()).toEqual(["pool", "watchdog"]);
    const { watchdog: _none, ...bare } = told;
    expect(roleOf("postgres", bare)).toBe("tended");
  });
});

describe("a kill", () => {
  it("obliges the watchdog only for the service that it looks after, in its own time", () => {
    const expected = kill.expect({ service: "gateway" }, scene());
    expect(expected).toMatchObject({ ...mustAct, actWithinMs: 2_100, unavailableMs: 3_000 });
    expect(expected.recovery.atMost).toBe("hard");
    expect(expected).not.toHaveProperty("revivedByDriver");
  });

  it("of another service obliges nobody, may be answered as hard as that takes, and costs users only what is essential", () => {
    for (const service of ["postgres", "redis", "worker", "pool"]) {
      const expected = kill.expect({ service }, scene());
      expect(expected).toMatchObject({ ...nobodyObliged, restarts: true });
      expect(expected.unavailableMs).toBe(service === "postgres" ? 10_000 : 0);
      expect(expected).not.toHaveProperty("revivedByDriver");
    }
  });

  it("of a dependency obliges the watchdog to restart that, and not the service that it supervises", () => {
    const expected = kill.expect({ service: "postgres" }, { stack: told, holdMs: 0 });
    expect(expected).toEqual({
      recovery: { atLeast: "hard", atMost: "hard" },
      service: "postgres",
      actWithinMs: 2_100,
      restarts: true,
      unavailableMs: 10_000,
    });
  });

  it("of the watchdog must not be noticed, and its driver brings it back", () => {
    for (const expected of [
      kill.expect({ service: "watchdog" }, scene()),
      keepDown.expect({ service: "watchdog" }, scene(9_000)),
    ])
      expect(expected).toEqual({
        recovery: { atLeast: "none", atMost: "soft" },
        service: null,
        actWithinMs: null,
        restarts: true,
        revivedByDriver: true,
        unavailableMs: 0,
      });
  });
});

describe("a pause", () => {
  it("longer than the watchdog may take obliges it; a shorter one does not", () => {
    expect(pause.expect({ service: "gateway" }, scene(6_501))).toMatchObject({
      ...mustAct,
      actWithinMs: 6_500,
      unavailableMs: 9_501,
    });
    expect(pause.expect({ service: "gateway" }, scene(60_000)).unavailableMs).toBe(16_500);
    expect(pause.expect({ service: "gateway" }, scene(6_500))).toMatchObject({
      ...nobodyObliged,
      restarts: true,
      unavailableMs: 9_500,
    });
  });

  it("of what nobody looks after restarts nothing; of the watchdog it must not be noticed", () => {
    expect(pause.expect({ service: "redis" }, scene(60_000))).toMatchObject({
      ...nobodyObliged,
      restarts: false,
      unavailableMs: 0,
    });
    expect(pause.expect({ service: "watchdog" }, scene(60_000))).toMatchObject({
      recovery: { atMost: "soft" },
      restarts: false,
      unavailableMs: 0,
    });
  });
});

describe("a service that is kept down", () => {
  it("is revived by the driver unless another service starts it", () => {
    expect(keepDown.expect({ service: "postgres" }, scene(8_000))).toMatchObject({
      ...nobodyObliged,
      revivedByDriver: true,
      unavailableMs: 11_000,
    });
    const dependency = keepDown.expect({ service: "postgres" }, { stack: told, holdMs: 8_000 });
    expect(dependency).toMatchObject({ service: "postgres", actWithinMs: 2_100, keptUp: true });
    expect(dependency.recovery).toEqual({ atLeast: "hard", atMost: "hard" });
    expect(dependency).not.toHaveProperty("revivedByDriver");
    const tended = keepDown.expect({ service: "worker" }, scene(8_000));
    expect(tended).toMatchObject({ ...nobodyObliged, keptUp: true });
    expect(tended).not.toHaveProperty("revivedByDriver");
  });

  it("obliges its watchdog, which may go as far as it can and cannot succeed before heal", () => {
    const expected = keepDown.expect({ service: "gateway" }, scene(8_000));
    expect(expected).toMatchObject({ ...mustAct, actWithinMs: 2_100, keptUp: true, unavailableMs: 19_000 });
    expect(expected.recovery.atMost).toBe("emergency");
    expect(expected).not.toHaveProperty("revivedByDriver");
  });
});

describe("a crash loop", () => {
  it("obliges the watchdog and costs its backoffs", () => {
    const expected = crashLoop.expect({ service: "gateway", kills: 3, aliveMs: 500 }, scene(60_000));
    // Three starts of 3 s, and waits of 0.5 and 1 s between them.
    expect(expected).toMatchObject({ ...mustAct, actWithinMs: 2_100, keptUp: true, unavailableMs: 10_500 });
    const short = crashLoop.expect({ service: "gateway", kills: 10, aliveMs: 0 }, scene(5_000));
    expect(short.unavailableMs).toBe(13_000);
  });

  it("is refused where nothing brings the service back", () => {
    for (const service of ["postgres", "watchdog"])
      expect(() => crashLoop.expect({ service, kills: 2, aliveMs: 0 }, scene())).toThrow(
        `nothing in the stack starts ${service} again`,
      );
  });
});
