// Every feature and performance: what the 12h suite does, on every link.
import { defineScenario } from "kiln-burnin";
import { referenceStack } from "../fixtures/stack/stack.ts";
import {
  dependencyFaults,
  everyLinkFaults,
  productionLoad,
  recoveryFaults,
  releaseObjectives,
} from "./shared/suites.ts";

export default defineScenario({
  name: "24h",
  description: "Every feature and performance: the 12h suite with faults on every link, twice as long.",
  stack: referenceStack,
  duration: "24h",
  warmUp: "1m",
  load: productionLoad,
  chaos: {
    // Nothing in the stack may get used to a rhythm.
    window: { every: ["100m", "140m"], for: "30m" },
    dutyCycle: 0.2,
    faults: [...dependencyFaults, ...recoveryFaults, ...everyLinkFaults],
    quietStretch: "12h",
  },
  objectives: releaseObjectives,
  stopWhen: { unavailableFor: "15m" },
});
