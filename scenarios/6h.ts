// Basic load and monitoring: six hours of production load with faults that the stack must bear without a restart.
import { defineScenario } from "kiln-burnin";
import { referenceStack } from "../fixtures/stack/stack.ts";
import { dependencyFaults, productionLoad, releaseObjectives } from "./shared/suites.ts";

export default defineScenario({
  name: "6h",
  description:
    "Basic load and monitoring: six hours of production load, dependencies slow or failing in two windows.",
  stack: referenceStack,
  duration: "6h",
  warmUp: "1m",
  load: productionLoad,
  chaos: { window: { every: "2h", for: "30m" }, dutyCycle: 0.2, faults: dependencyFaults },
  objectives: releaseObjectives,
  stopWhen: { unavailableFor: "15m" },
});
