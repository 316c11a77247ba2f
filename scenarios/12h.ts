// Chaos and recovery: what the 6h suite does, and faults that need recovery.
import { defineScenario } from "kiln-burnin";
import { referenceStack } from "../fixtures/stack/stack.ts";
import { dependencyFaults, productionLoad, recoveryFaults, releaseObjectives } from "./shared/suites.ts";

export default defineScenario({
  name: "12h",
  description:
    "Chaos and recovery: the 6h suite, and kills, leaks and corrupted configuration in its first half.",
  stack: referenceStack,
  duration: "12h",
  warmUp: "1m",
  load: productionLoad,
  chaos: {
    window: { every: "2h", for: "30m" },
    dutyCycle: 0.2,
    faults: [...dependencyFaults, ...recoveryFaults],
    // The second half is as long as the whole 6h suite: one life of the gateway, so that drift can be seen.
    quietStretch: "6h",
  },
  objectives: releaseObjectives,
  stopWhen: { unavailableFor: "15m" },
});
