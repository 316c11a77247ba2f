// A small plan for tests of the judge: one gateway behind a watchdog, 20 requests/s, no faults unless given.
import type { Expectation } from "../../faults/fault.ts";
import type { FaultStep, LoadSegment, Plan } from "../../plan/plan.ts";
import type { StackSpec } from "../../scenario/stack-spec.ts";

const testStack: StackSpec = {
  name: "test",
  driver: "processes",
  services: [
    {
      kind: "program",
      name: "gateway",
      command: ["node"],
      readyPath: "/",
      startedBy: "watchdog",
      metricsPath: "/metrics",
    },
    { kind: "program", name: "watchdog", command: ["node"], readyPath: "/" },
    { kind: "postgres", name: "postgres", user: "u", database: "d" },
  ],
  links: [{ name: "entry", from: "load", to: "gateway" }],
  watchdog: {
    service: "watchdog",
    supervises: "gateway",
    eventsFile: "events.ndjson",
    unresponsiveMs: 3_000,
    processGoneMs: 1_000,
    backoffCapMs: 20_000,
  },
  configFiles: [{ name: "settings", service: "gateway", file: "settings.json", readPath: "/config" }],
};

export function segment(
  index: number,
  startMs: number,
  endMs: number,
  rps = 20,
  kind: LoadSegment["kind"] = "steady",
): LoadSegment {
  const usersNeeded = Math.ceil(1.25 * rps * 2);
  return {
    index,
    kind,
    startMs,
    endMs,
    rps,
    starts: ((endMs - startMs) * rps) / 1_000,
    usersNeeded,
    users: usersNeeded,
  };
}

export function testPlan(changes: Partial<Plan> = {}): Plan {
  const durationMs = changes.durationMs ?? 120_000;
  return {
    v: 1,
    plannerVersion: 1,
    scenario: "test",
    description: "",
    seed: "1",
    hash: "h",
    durationMs,
    preflightMs: 1_000,
    warmUpMs: 5_000,
    load: { script: "s.ts", timeoutMs: 2_000, segments: [segment(0, 0, durationMs)] },
    windows: [],
    faults: [],
    budget: { allowedMs: null, plannedMs: 0 },
    objectives: {},
    stopWhen: { unavailableForMs: null },
    stack: testStack,
    ...changes,
  };
}

export const restartExpected: Expectation = {
  recovery: { atLeast: "hard", atMost: "hard" },
  service: "gateway",
  actWithinMs: 2_000,
  restarts: true,
  unavailableMs: 5_000,
};
const nothingExpected: Expectation = {
  recovery: { atLeast: "none", atMost: "soft" },
  service: null,
  actWithinMs: null,
  restarts: false,
  unavailableMs: 0,
};

/** The gateway killed at 40 s, with 20 s to settle (too short for a latency window). */
export function killStep(changes: Partial<FaultStep> = {}): FaultStep {
  return {
    id: "f01-kill",
    fault: "kill",
    kind: "momentary",
    target: "service:gateway",
    options: { service: "gateway" },
    startMs: 40_000,
    healMs: 40_000,
    settleUntilMs: 60_000,
    expect: restartExpected,
    ...changes,
  };
}

/** Latency on a link from 40 s to 50 s, settled at 90 s: long enough for a latency window. */
export function heldStep(changes: Partial<FaultStep> = {}): FaultStep {
  return {
    id: "f02-latency",
    fault: "latency",
    kind: "held",
    target: "link:postgres",
    options: { delayMs: 200 },
    startMs: 40_000,
    healMs: 50_000,
    settleUntilMs: 90_000,
    expect: nothingExpected,
    ...changes,
  };
}

export function configStep(changes: Partial<FaultStep> = {}): FaultStep {
  return killStep({
    id: "f03-config",
    fault: "config-corruption",
    target: "config:settings",
    options: { file: "settings" },
    expect: nothingExpected,
    ...changes,
  });
}
