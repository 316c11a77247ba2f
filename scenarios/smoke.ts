// The quick look that everything works: seven faults that a stack meets in real life, in three minutes. `npm start` runs it.
import { defineScenario, faults } from "kiln-burnin";
import { referenceStack } from "../fixtures/stack/stack.ts";

export default defineScenario({
  name: "smoke",
  description: "Seven common faults once each against the reference stack, in three minutes.",
  stack: referenceStack({ thresholds: "quick" }),
  duration: "175s",
  preflight: "5s",
  warmUp: "8s",
  load: {
    script: "load/gateway.ts",
    steadyRps: 65,
    spike: { rps: 175, every: "10m", for: "10s", firstAt: "158s" },
  },
  chaos: {
    // Twenty calm seconds before it give the baseline; it ends when the spike begins.
    window: { every: "10m", for: "130s", firstAt: "28s" },
    pick: "once-each",
    settle: "8s",
    restartSpacing: "20s",
    faults: [
      faults.latency({ link: "postgres", delayMs: [100, 300] }, { hold: ["6s", "8s"] }),
      faults.linkDown({ link: "redis" }, { hold: ["6s", "8s"] }),
      faults.upstreamErrors({ service: "upstream", rate: 0.2 }, { hold: ["6s", "8s"] }),
      faults.cpuBurn({ service: "gateway", share: [0.3, 0.5] }, { hold: ["6s", "8s"] }),
      faults.memoryLeak({ service: "gateway", ratePerMin: "60MiB" }, { hold: "10s" }),
      faults.configCorruption({
        file: "gateway",
        variant: { oneOf: ["truncated", "malformed", "wrong-checksum"] },
      }),
      faults.kill({ service: "gateway" }),
    ],
  },
  objectives: {
    // A kill costs a few seconds whatever the length of the run: of three minutes that is more than 99.9 % leaves (0.2 s).
    availability: 0.95,
    calmAvailability: 0.999,
    p95Ms: 200,
    recoveryMs: 60_000,
    configCorruptions: 0,
    completeMonitoring: true,
  },
  stopWhen: { unavailableFor: "90s" },
});
