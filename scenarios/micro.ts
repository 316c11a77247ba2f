// The shortest run that still breaks something: for Kiln's own tests, not for judging a stack.
import { defineScenario, faults } from "kiln-burnin";
import { referenceStack } from "../fixtures/stack/stack.ts";

export default defineScenario({
  name: "micro",
  description: "One slow link and one kill in half a minute, for tests of Kiln itself.",
  stack: referenceStack({ thresholds: "quick" }),
  duration: "30s",
  preflight: "1s",
  warmUp: "3s",
  load: { script: "load/gateway.ts", steadyRps: 65, rotateEvery: "15s" },
  chaos: {
    window: { every: "1m", for: "23s", firstAt: "6s" },
    pick: "once-each",
    settle: "6s",
    finalSettle: "1s",
    faults: [
      faults.latency({ link: "postgres", delayMs: [100, 200] }, { hold: "4s" }),
      faults.kill({ service: "gateway" }),
    ],
  },
  // Three seconds of thirty is what the kill may cost.
  objectives: { availability: 0.88, recoveryMs: 20_000, configCorruptions: 0, completeMonitoring: true },
});
