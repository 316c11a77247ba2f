// One fault of each family against the reference stack, in seven minutes: what the smoke run has no time for. The machine must let Kiln
// make control groups for the fault around the process; where it does not, that one is skipped and said so.
import { defineScenario, faults } from "kiln-burnin";
import { referenceStack } from "../fixtures/stack/stack.ts";

const hold = ["7s", "9s"] as const;

export default defineScenario({
  name: "families",
  description: "One fault of each family against the reference stack, in seven minutes.",
  stack: referenceStack({ thresholds: "quick" }),
  duration: "420s",
  preflight: "5s",
  warmUp: "8s",
  load: {
    script: "load/gateway.ts",
    steadyRps: 65,
    spike: { rps: 175, every: "20m", for: "10s", firstAt: "405s" },
  },
  chaos: {
    window: { every: "20m", for: "370s", firstAt: "30s" },
    pick: "once-each",
    settle: "9s",
    restartSpacing: "25s",
    faults: [
      // network at a proxy
      faults.jitter({ link: "postgres", delayMs: [80, 120], jitterMs: [40, 60] }, { hold }),
      faults.partition({ link: "redis", direction: "both" }, { hold }),
      // upstream
      faults.upstreamErrors({ service: "upstream", rate: 0.2 }, { hold }),
      faults.upstreamSlow({ service: "upstream", delayMs: [200, 600] }, { hold }),
      // inside the process
      faults.memoryLeak({ service: "gateway", ratePerMin: "60MiB" }, { hold: "10s" }),
      faults.descriptorLeak({ service: "gateway", perSecond: 20, most: 500 }, { hold: "10s" }),
      // around the process
      { ...faults.cpuQuota({ service: "gateway", cores: [0.05, 0.06] }, { hold: "10s" }), ifMissing: "skip" },
      // configuration
      faults.configCorruption({ file: "gateway", variant: { oneOf: ["partial-write", "unreadable"] } }),
      // process
      faults.crashLoop({ service: "gateway", kills: 2 }, { hold: "15s" }),
      // dependency
      faults.keepDown({ service: "redis" }, { hold }),
      faults.postgresCrash({ service: "postgres" }),
      // watchdog
      faults.keepDown({ service: "watchdog" }, { hold }),
    ],
  },
  objectives: {
    // A crash loop and a database that restarts cost seconds whatever the length of the run.
    availability: 0.9,
    calmAvailability: 0.999,
    p95Ms: 200,
    recoveryMs: 60_000,
    configCorruptions: 0,
    completeMonitoring: true,
  },
  stopWhen: { unavailableFor: "90s" },
});
