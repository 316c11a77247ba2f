// The only place where a scenario as written becomes a scenario as used: every key is checked, durations become milliseconds, defaults
// are filled in. `chaos` is chaos-schema.ts, the stack stack-schema.ts. What needs the table of faults or the arithmetic of the timeline is
// checked by the plan.
import { z } from "zod";
import { messageOf } from "../support/errors.ts";
import { chaosShape, toChaos } from "./chaos-schema.ts";
import { drillsShape, toDrills } from "./drill-schema.ts";
import {
  duration,
  expected,
  isObject,
  issuesOf,
  label,
  numberBetween,
  strict,
  text,
  wholeNumber,
  type Issue,
} from "./fields.ts";
import { didYouMean } from "./nearest.ts";
import type { Journeys, ObjectivesInput, Scenario } from "./scenario.ts";
import { stackSchema } from "./stack-schema.ts";
import type { StackSpec } from "./stack-spec.ts";

const rate = wholeNumber("a whole number of requests per second above zero").max(
  100_000,
  "expected at most 100000 requests per second",
);
const loadShape = strict({
  script: text,
  steadyRps: rate,
  spike: strict({
    rps: rate,
    every: duration(),
    for: duration(),
    firstAt: duration("zero allowed").optional(),
  })
    .superRefine(shorterThanEvery)
    .optional(),
  rotateEvery: duration().default(600_000),
  timeout: duration().default(2_000),
  maxUsers: wholeNumber("a whole number of users above zero").optional(),
});

const share = numberBetween(0, 1, "a share between 0 and 1, such as 0.999");
const milliseconds = wholeNumber("a whole number of milliseconds above zero");
const objectives = strict({
  availability: share.optional(),
  calmAvailability: share.optional(),
  p95Ms: milliseconds.optional(),
  recoveryMs: milliseconds.optional(),
  memoryDrift: numberBetween(0, 100, "a share such as 0.1").optional(),
  configCorruptions: wholeNumber("a whole number, normally 0", 0).optional(),
  completeMonitoring: z.boolean(expected("true or false")).optional(),
});

const shortestPeriodMs = 10_000;
const journeysShape = strict({
  script: text,
  service: label,
  every: duration().default(60_000),
  succeed: share.default(0.95),
}).superRefine(({ every }, context) => {
  if (every >= shortestPeriodMs) return;
  const message = `expected at least "10s", as a visit takes seconds`;
  context.addIssue({ code: "custom", path: ["every"], message, input: every });
});

const scenarioSchema = strict({
  name: label,
  description: text.optional(),
  stack: stackSchema,
  duration: duration(),
  preflight: duration("zero allowed").default(30_000),
  warmUp: duration("zero allowed").default(10_000),
  load: loadShape,
  chaos: chaosShape.optional(),
  drills: drillsShape.optional(),
  journeys: journeysShape.optional(),
  objectives,
  stopWhen: strict({
    unavailableFor: duration().optional(),
    failedShare: strict({ over: duration(), above: share }).optional(),
  }).optional(),
}).superRefine(({ journeys, stack: { services } }, context) => {
  if (journeys === undefined) return;
  const programs = services.filter(({ kind }) => kind === "program").map(({ name }) => name);
  if (programs.includes(journeys.service)) return;
  const known = programs.length === 0 ? "it has none" : `there are ${programs.join(", ")}`;
  const message = `"${journeys.service}" is no program of the stack (${known})${didYouMean(journeys.service, programs)}`;
  context.addIssue({ code: "custom", path: ["journeys", "service"], message, input: journeys.service });
});

export type ScenarioResult = { readonly scenario: Scenario } | { readonly issues: readonly Issue[] };

/**
 * Checks what a scenario file exports. All issues at once, each with its key path.
 * @param thresholds What a stack given as a function is asked for.
 */
export function parseScenario(
  input: unknown,
  thresholds: "production" | "quick" = "production",
): ScenarioResult {
  const made = withStack(input, thresholds);
  if ("issues" in made) return made;
  const result = scenarioSchema.safeParse(made.input);
  return result.success ? { scenario: toScenario(result.data) } : { issues: issuesOf(result.error) };
}

/** Calls a stack that is a function. It is the user's: what it throws is an issue of the scenario. */
function withStack(
  input: unknown,
  thresholds: "production" | "quick",
): { readonly input: unknown } | { readonly issues: readonly Issue[] } {
  if (!isObject(input) || typeof input["stack"] !== "function") return { input };
  try {
    const stack: unknown = Reflect.apply(input["stack"], undefined, [{ thresholds }]);
    return { input: { ...input, stack } };
  } catch (error) {
    const message = `the function failed for { thresholds: "${thresholds}" }: ${messageOf(error)}`;
    return { issues: [{ key: "stack", message }] };
  }
}

function shorterThanEvery(value: { every: number; for: number }, context: z.RefinementCtx): void {
  if (value.for < value.every) return;
  context.addIssue({
    code: "custom",
    path: ["for"],
    message: "expected a shorter time than `every`, or one runs into the next",
    input: value.for,
  });
}

function toScenario(parsed: z.output<typeof scenarioSchema>): Scenario {
  const { load, chaos, drills = [], journeys, stopWhen } = parsed;
  const { spike } = load;
  return {
    name: parsed.name,
    description: parsed.description ?? "",
    stack: withoutUndefined(parsed.stack) as StackSpec,
    durationMs: parsed.duration,
    preflightMs: parsed.preflight,
    warmUpMs: parsed.warmUp,
    load: {
      script: load.script,
      steadyRps: load.steadyRps,
      spike:
        spike === undefined
          ? null
          : { rps: spike.rps, everyMs: spike.every, forMs: spike.for, firstAtMs: firstSpikeAt(spike) },
      rotateEveryMs: load.rotateEvery,
      timeoutMs: load.timeout,
      maxUsers: load.maxUsers ?? null,
    },
    chaos: toChaos(chaos ?? chaosShape.parse({}), parsed.stack.watchdog?.resetMs),
    // Absent where there are none: it would change the hash of every plan.
    ...(drills.length === 0 ? {} : { drills: toDrills(drills) }),
    ...(journeys === undefined ? {} : { journeys: toJourneys(journeys) }),
    objectives: withoutUndefined(parsed.objectives) as ObjectivesInput,
    stopWhen: toStopWhen(stopWhen ?? {}),
  };
}

function toJourneys({ script, service, every, succeed }: z.output<typeof journeysShape>): Journeys {
  return { script, service, everyMs: every, succeed };
}

function toStopWhen({
  unavailableFor,
  failedShare,
}: NonNullable<z.output<typeof scenarioSchema>["stopWhen"]>): Scenario["stopWhen"] {
  return {
    unavailableForMs: unavailableFor ?? null,
    // Absent rather than null where it is not set: it would change the hash of every plan.
    ...(failedShare === undefined
      ? {}
      : { failedShare: { overMs: failedShare.over, above: failedShare.above } }),
  };
}

function firstSpikeAt(spike: { every: number; firstAt?: number | undefined }): number {
  return spike.firstAt ?? Math.min(spike.every / 2, 1_800_000);
}

/** zod keeps `key: undefined` where a user wrote it; the engine's types know only keys that are there or not. */
function withoutUndefined(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}
