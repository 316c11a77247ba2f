// The load of the benchmark, the same for bare k6 and for Kiln: a plan of two segments, steady and spike, and six idle processes for the
// probes to look at.
import { join } from "node:path";
import { makePlan } from "../harness/plan/make-plan.ts";
import type { LoadSegment, Plan } from "../harness/plan/plan.ts";
import { parseScenario } from "../harness/scenario/schema.ts";
import type { ProgramService, StackSpec } from "../harness/scenario/stack-spec.ts";
import { faultTable } from "../harness/faults/index.ts";
import { loadEnvironment } from "../harness/load/contract.ts";

/** Requests per second of Kiln's standard load (DESIGN.md, "Load"). */
const steadyRps = 65;
const spikeRps = 175;

export const loadScript = join(import.meta.dirname, "stamp-load.ts");

const program = join(import.meta.dirname, "observed-service.ts");

function observed(name: string, more: Partial<ProgramService> = {}): ProgramService {
  const env = { PORT: `{port:${name}}`, ...more.env };
  return { kind: "program", name, command: ["node", program], readyPath: "/health", ...more, env };
}

/** What the reference stack has for probes to look at, with idle programs in all places. */
const stack: StackSpec = {
  name: "observed",
  driver: "processes",
  services: [
    observed("postgres"),
    observed("redis"),
    observed("upstream"),
    observed("worker"),
    observed("watchdog", { env: { EVENTS_FILE: "{dir}/events.ndjson" } }),
    observed("gateway", { env: { CONFIG_FILE: "{config:gateway}" }, metricsPath: "/metrics" }),
  ],
  links: [{ name: "gateway", from: "load", to: "gateway", essential: true }],
  watchdog: {
    service: "watchdog",
    supervises: "gateway",
    eventsFile: "events.ndjson",
    unresponsiveMs: 30_000,
    processGoneMs: 5_000,
    backoffCapMs: 20_000,
  },
  configFiles: [{ name: "gateway", service: "gateway", file: "config.json", readPath: "/config" }],
};

/**
 * A plan of `seconds` in all (20 or more): three quarters at 65/s, then a quarter at 175/s; no faults. Nothing in it is drawn, so the seed
 * is free to carry the stamp server's port: the load goes straight there, not through the proxy that a run gives the load as its target.
 */
export function benchPlan(seconds: number, stampPort: number): Plan {
  const spike = Math.floor(seconds / 4);
  const result = parseScenario({
    name: "schedule-fidelity",
    stack,
    duration: `${seconds}s`,
    preflight: "2s",
    warmUp: "0s",
    load: {
      script: loadScript,
      steadyRps,
      spike: { rps: spikeRps, every: `${seconds}s`, for: `${spike}s`, firstAt: `${seconds - spike}s` },
    },
    objectives: {},
    stopWhen: { unavailableFor: "5m" },
  });
  if ("issues" in result)
    throw new TypeError(`the benchmark's scenario is wrong: ${JSON.stringify(result.issues)}`);
  return makePlan(result.scenario, String(stampPort), faultTable);
}

/** What Kiln hands to k6 for a segment (harness/load/k6-process.ts), for k6 without Kiln. */
export function segmentEnvironment(plan: Plan, segment: LoadSegment): Record<string, string> {
  return {
    [loadEnvironment.target]: `http://127.0.0.1:${plan.seed}`,
    [loadEnvironment.seed]: plan.seed,
    [loadEnvironment.segment]: String(segment.index),
    [loadEnvironment.rps]: String(segment.rps),
    [loadEnvironment.durationMs]: String(segment.endMs - segment.startMs),
    [loadEnvironment.users]: String(segment.users),
    [loadEnvironment.timeoutMs]: String(plan.load.timeoutMs),
    K6_NO_USAGE_REPORT: "true",
    K6_AUTO_EXTENSION_RESOLUTION: "false",
    TZ: "UTC",
  };
}
