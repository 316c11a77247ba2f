// Scenarios of many shapes for the planner's property test: each number is a scenario of its own, the same on every machine. Some ask for
// more than their windows hold and are refused.
import type {
  ChaosInput,
  DrillChoice,
  FaultChoice,
  PatternChoice,
  ScenarioInput,
} from "../../scenario/scenario.ts";
import { seededRng, type Rng } from "../../support/rng.ts";
import { slottedStack, swapping, updating } from "./example-drills.ts";
import { cascade, corrupt, crash, flapping, leak, slow } from "./example-scenario.ts";

type Entry = FaultChoice | PatternChoice;

export function generatedInput(index: number): ScenarioInput {
  const rng = seededRng(`scenario ${index}`);
  const maybe = <T>(share: number, make: () => T): T | undefined =>
    rng.int(1, 100) <= share ? make() : undefined;
  const minutes = rng.pick([25, 61, 120, 187, 360, 720]);
  const spike = maybe(60, () => ({
    rps: rng.pick([100, 175, 333]),
    every: rng.pick(["40m", "2h"]),
    for: rng.pick(["20s", "61s", "5m"]),
    firstAt: rng.pick(["0s", "7m30s", "21m"]),
  }));
  const input: ScenarioInput = {
    name: `generated-${index}`,
    stack: slottedStack,
    duration: `${minutes}m`,
    warmUp: rng.pick(["0s", "10s", "2m"]),
    load: {
      script: "load.ts",
      steadyRps: rng.pick([7, 37, 65]),
      rotateEvery: rng.pick(["3m", "10m"]),
      ...(spike === undefined ? {} : { spike }),
    },
    chaos: chaosOf(rng, minutes, maybe),
    objectives: {},
  };
  const drills = maybe(50, () => drillsOf(rng, minutes));
  return drills === undefined ? input : { ...input, drills };
}

/** Every so often; the first ones early, before any quiet stretch. */
function drillsOf(rng: Rng, minutes: number): DrillChoice[] {
  return Array.from({ length: rng.int(1, 3) }, () => {
    const timing = {
      every: `${rng.int(Math.ceil(minutes / 5), minutes)}m`,
      firstAt: `${rng.int(2, Math.max(3, Math.floor(minutes / 6)))}m`,
    };
    return rng.pick([() => updating({ ...timing, hold: rng.pick(["8s", "45s"]) }), () => swapping(timing)])();
  });
}

function chaosOf(
  rng: Rng,
  minutes: number,
  maybe: <T>(share: number, make: () => T) => T | undefined,
): ChaosInput {
  const pick = rng.pick(["shuffled", "shuffled", "once-each"] as const);
  const lengthM = rng.pick([10, 15, 20, 30]);
  const mostM = Math.max(lengthM + 2, Math.floor(minutes / 2));
  const everyM = rng.int(Math.min(mostM - 1, Math.max(lengthM + 1, Math.floor(minutes / 8))), mostM);
  const range = maybe(50, () => [`${everyM}m`, `${everyM + rng.int(0, 30)}m`] as const);
  const defined = <T extends object>(value: T): T =>
    Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as T;
  const quietM = maybe(40, () => rng.int(1, Math.floor(minutes / 2)));
  return defined({
    window: defined({
      every: range ?? `${everyM}m`,
      for: `${lengthM}m`,
      firstAt: maybe(60, () => rng.pick(["1m", ["2m", "6m"], "90s"] as const)),
    }),
    pick,
    dutyCycle: rng.pick([0.1, 0.1, 0.2, 0.5]),
    settle: rng.pick(["0s", "5s", "20s"]),
    finalSettle: maybe(50, () => rng.pick(["0s", "1m"])),
    restartSpacing: maybe(50, () => rng.pick(["0s", "45s", "2m"])),
    quietStretch: quietM === undefined ? undefined : `${quietM}m`,
    atMostAtOnce: rng.pick([1, 1, 2, 3]),
    sameTarget: maybe(25, () => "allow" as const),
    faults: Array.from({ length: rng.int(1, 6) }, () => drawn(rng, pick, maybe)),
    planned: maybe(40, () => [plannedAt(rng, rng.int(2, minutes - 4))]),
  }) as ChaosInput;
}

function anyEntry(rng: Rng): Entry {
  const hold = rng.pick(["20s", ["10s", "40s"], ["3s", "3500ms"]] as const);
  const make: readonly (() => Entry)[] = [
    () => slow({ hold }),
    () => slow({ hold, options: { link: { oneOf: ["api", "postgres"] }, delayMs: [1, 9] } }),
    () => crash(),
    () => leak({ hold }),
    () => leak({ hold, options: { service: "worker" }, ifMissing: "skip" }),
    () => corrupt(),
    () => flapping({ times: rng.int(2, 5), upFor: rng.pick(["1s", ["2s", "8s"]] as const) }),
    () => flapping({ link: { oneOf: ["api", "postgres"] } }),
    () => cascade(),
    () => cascade({ steps: [slow({ hold: "20s" }), crash()], gap: ["0s", "30s"] }),
  ];
  return rng.pick(make)();
}

function drawn(
  rng: Rng,
  pick: "shuffled" | "once-each",
  maybe: <T>(share: number, make: () => T) => T | undefined,
): Entry {
  const entry = anyEntry(rng);
  const weight = maybe(pick === "shuffled" ? 40 : 0, () => rng.pick([0.25, 1, 2.5, 8]));
  const atLeast = maybe(25, () => rng.int(0, 2));
  return {
    ...entry,
    ...(weight === undefined ? {} : { weight }),
    ...(atLeast === undefined ? {} : { atLeast }),
  };
}

function plannedAt(rng: Rng, minute: number): Entry {
  return { ...anyEntry(rng), at: `${minute}m` };
}
