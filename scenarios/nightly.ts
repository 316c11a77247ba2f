// The nightly job: a plan of its own that fits into a night and a CI runner's time limit. It is not a 6h burn-in and never called one.
import { defineScenario } from "kiln-burnin";
import { referenceStack } from "../fixtures/stack/stack.ts";
import { dependencyFaults, productionLoad, recoveryFaults, releaseObjectives } from "./shared/suites.ts";

export default defineScenario({
  name: "nightly",
  description:
    "Five and a half hours: dependencies and recovery in three windows, nothing restarted in the last two hours.",
  stack: referenceStack,
  duration: "5h30m",
  warmUp: "1m",
  load: productionLoad,
  chaos: {
    window: { every: "2h", for: "30m", firstAt: "50m" },
    dutyCycle: 0.2,
    faults: [...dependencyFaults, ...recoveryFaults],
    quietStretch: "2h",
  },
  objectives: releaseObjectives,
  stopWhen: { unavailableFor: "15m" },
});
