// What the reference system says of itself: everything that its watchdog, its monitor and its own protection have to notice, one after the
// other and in a fixed order, in a quarter of an hour. The report's table of faults shows who acted, how, and when users were served again.
import { defineScenario, faults, type FaultChoice, type StackSpec } from "kiln-burnin";
import { referenceStack } from "../fixtures/stack/stack.ts";

/** Its disk can be filled without filling anybody else's. */
function withVolume(stack: StackSpec, name: string): StackSpec {
  const services = stack.services.map((service) =>
    service.name === name ? { ...service, volume: { size: "192MiB" } as const } : service,
  );
  return { ...stack, services };
}

const variants = ["truncated", "malformed", "wrong-checksum", "partial-write", "unreadable"] as const;

const short = { hold: "10s" } as const;
/** Each with the time until the next one, in seconds. */
const harms: readonly (readonly [FaultChoice, number])[] = [
  // The quick thresholds tell a leak after thirty seconds.
  [faults.memoryLeak({ service: "gateway", ratePerMin: "60MiB" }, { hold: "40s" }), 70],
  [faults.eventLoopBlock({ service: "gateway" }, short), 40],
  [faults.kill({ service: "gateway" }), 40],
  [faults.kill({ service: "watchdog" }), 80], // Kiln revives what nobody looks after only when its time to recover is over
  [faults.kill({ service: "monitor" }), 80],
  [faults.kill({ service: "postgres" }), 40],
  [faults.linkDown({ link: "postgres" }, short), 40],
  [faults.kill({ service: "redis" }), 40],
  [faults.upstreamErrors({ service: "upstream", rate: 0.2 }, short), 40],
  [faults.upstreamSlow({ service: "upstream", delayMs: 2_000 }, short), 40],
  ...variants.map((variant) => [faults.configCorruption({ file: "gateway", variant }), 30] as const),
  [faults.configDrift({ file: "gateway", key: "limits.cacheTtlSeconds", value: 77 }, short), 40],
  [{ ...faults.diskFull({ service: "postgres" }, short), ifMissing: "skip" }, 40],
  [faults.poolExhaustion({ service: "postgres", table: "frameworks", connections: 15 }, short), 40],
];
const firstS = 40;
const atS = (n: number): number => harms.slice(0, n).reduce((sum, [, roomS]) => sum + roomS, firstS);

export default defineScenario({
  name: "stability",
  description: "Each harm that the reference system has to notice, one after the other.",
  stack: withVolume(referenceStack({ thresholds: "quick", services: ["monitor"] }), "postgres"),
  duration: `${atS(harms.length)}s`,
  preflight: "5s",
  warmUp: "8s",
  load: { script: "load/gateway.ts", steadyRps: 65 },
  chaos: {
    planned: harms.map(([harm], n) => ({ ...harm, at: `${atS(n)}s` })),
    settle: "15s",
  },
  objectives: {
    availability: 0.8,
    calmAvailability: 0.999,
    recoveryMs: 60_000,
    configCorruptions: 0,
    completeMonitoring: true,
  },
  stopWhen: { unavailableFor: "90s" },
});
