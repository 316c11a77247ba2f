// The page of the reference system as its visitors see it while what lies behind it is harmed: a browser goes through it every ten seconds.
import { defineScenario, faults } from "kiln-burnin";
import { referenceStack } from "../fixtures/stack/stack.ts";

export default defineScenario({
  name: "web",
  description:
    "A browser visits the page while its link, the cache and the gateway are harmed, in four minutes.",
  stack: referenceStack({ thresholds: "quick", services: ["web"] }),
  duration: "4m",
  preflight: "5s",
  warmUp: "8s",
  load: { script: "load/gateway.ts", steadyRps: 65 },
  journeys: { script: "journeys/web.ts", service: "web", every: "10s" },
  chaos: {
    // A minute of calm before it, and half a minute after.
    window: { every: "10m", for: "150s", firstAt: "60s" },
    pick: "once-each",
    settle: "10s",
    restartSpacing: "20s",
    faults: [
      faults.latency({ link: "web", delayMs: [100, 300] }, { hold: "10s" }),
      faults.linkDown({ link: "web" }, { hold: "10s" }),
      faults.linkDown({ link: "redis" }, { hold: "10s" }),
      faults.kill({ service: "gateway" }),
    ],
  },
  objectives: {
    availability: 0.95,
    calmAvailability: 0.999,
    recoveryMs: 60_000,
    configCorruptions: 0,
    completeMonitoring: true,
  },
  stopWhen: { unavailableFor: "90s" },
});
