// What operators do to a system that runs: change its configuration and roll that back, back it up and prove the backup, switch to another
// slot and back, restart it. Under the usual load and with nothing broken, in less than four minutes; no user may notice.
import { defineScenario, drills } from "kiln-burnin";
import { referenceStack } from "../fixtures/stack/stack.ts";

export default defineScenario({
  name: "drills",
  description: "Four planned operations under load, each done, seen in force and undone.",
  stack: referenceStack({ thresholds: "quick", slots: 2 }),
  duration: "217s",
  preflight: "5s",
  warmUp: "8s",
  load: { script: "load/gateway.ts", steadyRps: 65 },
  // Of what follows a drill; no fault is planned.
  chaos: { settle: "5s" },
  drills: [
    drills.configUpdate({ key: "limits.cacheTtlSeconds", value: 1_800 }, { at: "15s" }),
    drills.backupRestore({ at: "35s" }),
    drills.blueGreen({ at: "84s" }),
    drills.gracefulRestart({ at: "141s" }),
  ],
  objectives: {
    availability: 0.999,
    calmAvailability: 0.999,
    p95Ms: 200,
    configCorruptions: 0,
    completeMonitoring: true,
  },
  stopWhen: { unavailableFor: "30s" },
});
