// What the long suites have in common. Each suite takes the faults of the one before and adds its own, so that 48h covers 24h, 24h covers 12h and
// 12h covers 6h.
import {
  faults,
  patterns,
  type FaultChoice,
  type LoadInput,
  type ObjectivesInput,
  type PatternChoice,
} from "kiln-burnin";

/** 65 requests/s, and 175 for five minutes every six hours, the first time half an hour into the run. */
export const productionLoad: LoadInput = {
  script: "load/gateway.ts",
  steadyRps: 65,
  spike: { rps: 175, every: "6h", for: "5m", firstAt: "30m" },
};

export const releaseObjectives: ObjectivesInput = {
  availability: 0.999,
  calmAvailability: 0.999,
  p95Ms: 200,
  recoveryMs: 60_000,
  memoryDrift: 0.1,
  configCorruptions: 0,
  completeMonitoring: true,
};

const hold = ["30s", "90s"] as const;

/** Dependencies slow, gone or failing, and a busy processor: the gateway has to bear all of it without being restarted. */
export const dependencyFaults: readonly FaultChoice[] = [
  faults.latency({ link: "postgres", delayMs: [100, 400] }, { hold }),
  faults.linkDown({ link: "redis" }, { hold }),
  faults.upstreamErrors({ service: "upstream", rate: 0.2 }, { hold }),
  faults.cpuBurn({ service: "gateway", share: [0.3, 0.8] }, { hold }),
];

/** A suite that is about recovery is none without these. */
const always = { atLeast: 1 } as const;

/** What needs recovery: a killed process, a configuration file gone bad, memory that grows, a cache that comes and goes. */
export const recoveryFaults: readonly (FaultChoice | PatternChoice)[] = [
  faults.memoryLeak(
    { service: "gateway", ratePerMin: { oneOf: ["20MiB", "40MiB"] } },
    { hold: ["60s", "120s"], ...always },
  ),
  faults.configCorruption(
    { file: "gateway", variant: { oneOf: ["truncated", "malformed", "wrong-checksum"] } },
    always,
  ),
  faults.kill({ service: "gateway" }, always),
  patterns.flapping({ link: "redis", times: 3, downFor: ["5s", "10s"], upFor: ["5s", "10s"] }),
];

/** The remaining links and rates, and trouble that piles up: the upstream slow, then the cache gone, then memory that grows. */
export const everyLinkFaults: readonly (FaultChoice | PatternChoice)[] = [
  faults.latency({ link: { oneOf: ["redis", "upstream"] }, delayMs: [20, 200] }, { hold }),
  faults.linkDown({ link: "upstream" }, { hold }),
  faults.upstreamErrors({ service: "upstream", rate: { oneOf: [0.5, 1] } }, { hold }),
  patterns.cascade(
    [
      faults.latency({ link: "upstream", delayMs: [100, 300] }, { hold: "90s" }),
      faults.linkDown({ link: "redis" }, { hold: "60s" }),
      faults.memoryLeak({ service: "gateway", ratePerMin: "20MiB" }, { hold: "60s" }),
    ],
    // Every other time of the single faults: it takes three times their share of a window.
    { gap: ["15s", "25s"], atMostAtOnce: 3 },
    { weight: 0.5 },
  ),
];
