// Production simulation: what the 24h suite does, twice as long, and the database cut off for a moment, once a day.
import { defineScenario, faults } from "kiln-burnin";
import { referenceStack } from "../fixtures/stack/stack.ts";
import {
  dependencyFaults,
  everyLinkFaults,
  productionLoad,
  recoveryFaults,
  releaseObjectives,
} from "./shared/suites.ts";

export default defineScenario({
  name: "48h",
  description:
    "Production simulation: the 24h suite, twice as long, and the database cut off for a moment, once a day.",
  stack: referenceStack,
  duration: "48h",
  warmUp: "1m",
  load: productionLoad,
  chaos: {
    // Nothing in the stack may get used to a rhythm.
    window: { every: ["100m", "140m"], for: "30m" },
    dutyCycle: 0.2,
    faults: [...dependencyFaults, ...recoveryFaults, ...everyLinkFaults],
    // Without the database no essential request succeeds: each costs its whole length of the 172.8 s that 99.9 % leaves.
    planned: [
      faults.linkDown({ link: "postgres" }, { at: "11h15m", hold: "8s" }),
      faults.linkDown({ link: "postgres" }, { at: "35h15m", hold: "8s" }),
    ],
    quietStretch: "12h",
  },
  objectives: releaseObjectives,
  stopWhen: { unavailableFor: "15m" },
});
