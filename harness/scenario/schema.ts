// The only place where a scenario as written becomes a scenario as used: every key is checked, durations become milliseconds, defaults
// are filled in. What needs the table of faults or the arithmetic of the timeline is checked by the plan.
import { z } from "zod";
import type { Json } from "../support/json.ts";
import {
  duration,
  expected,
  issuesOf,
  label,
  numberBetween,
  strict,
  text,
  wholeNumber,
  type Issue,
} from "./fields.ts";
import type { ChosenFault, ObjectivesInput, Scenario } from "./scenario.ts";
import { stackSchema } from "./stack-schema.ts";
import type { StackSpec } from "./stack-spec.ts";

const rate = wholeNumber("a whole number of requests per second above zero").max(
  100_000,
  "expected at most 100000 requests per second",
);
const json: z.ZodType<Json> = z.json();

const faultChoice = strict({
  fault: text,
  options: z.record(z.string(), json, expected("an object of options (plain data)")),
  hold: z
    .union(
      [duration(), z.tuple([duration(), duration()])],
      expected(`a duration such as "30s" or a range such as ["30s", "1m"]`),
    )
    .optional(),
  at: duration("zero allowed").optional(),
  ifMissing: z.enum(["refuse", "skip"], expected(`"refuse" or "skip"`)).optional(),
}).superRefine((choice, context) => {
  if (Array.isArray(choice.hold) && choice.hold[0] > choice.hold[1]) {
    context.addIssue({
      code: "custom",
      path: ["hold"],
      message: "expected the shorter duration first",
      input: choice.hold,
    });
  }
});
type FaultChoiceShape = z.output<typeof faultChoice>;

const windowShape = strict({
  every: duration(),
  for: duration(),
  firstAt: duration("zero allowed").optional(),
});
const chaosShape = strict({
  window: windowShape.superRefine(shorterThanEvery).optional(),
  dutyCycle: numberBetween(0.001, 1, "a share between 0.001 and 1").default(0.2),
  pick: z.enum(["shuffled", "once-each"], expected(`"shuffled" or "once-each"`)).default("shuffled"),
  faults: z.array(faultChoice, expected("a list of faults")).default([]),
  planned: z.array(faultChoice, expected("a list of faults")).default([]),
  settle: duration("zero allowed").default(30_000),
  restartSpacing: duration("zero allowed").default(90_000),
  quietStretch: duration().optional(),
}).superRefine((chaos, context) => {
  const complain = (path: PropertyKey[], message: string): void =>
    context.addIssue({ code: "custom", path, message, input: chaos });
  if (chaos.faults.length > 0 && chaos.window === undefined) {
    complain(["window"], `missing; faults need windows to happen in, such as { every: "2h", for: "30m" }`);
  }
  if (chaos.window !== undefined && chaos.faults.length === 0)
    complain(["faults"], "a window needs faults; the list is empty");
  for (const [index, choice] of chaos.faults.entries()) {
    if (choice.at !== undefined)
      complain(["faults", index, "at"], "only faults under chaos.planned have a time of their own");
  }
  for (const [index, choice] of chaos.planned.entries()) {
    if (choice.at === undefined)
      complain(["planned", index, "at"], `missing; expected a duration from the start of load, such as "5m"`);
  }
});

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

const scenarioSchema = strict({
  name: label,
  description: text.optional(),
  stack: stackSchema,
  duration: duration(),
  preflight: duration("zero allowed").default(30_000),
  warmUp: duration("zero allowed").default(10_000),
  load: loadShape,
  chaos: chaosShape.optional(),
  objectives,
  stopWhen: strict({ unavailableFor: duration().optional() }).optional(),
});

export type ScenarioResult = { readonly scenario: Scenario } | { readonly issues: readonly Issue[] };

/** Checks what a scenario file exports. All issues at once, each with its key path. */
export function parseScenario(input: unknown): ScenarioResult {
  const result = scenarioSchema.safeParse(input);
  return result.success ? { scenario: toScenario(result.data) } : { issues: issuesOf(result.error) };
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
  const { load, chaos, stopWhen } = parsed;
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
    chaos: toChaos(chaos ?? chaosShape.parse({})),
    objectives: withoutUndefined(parsed.objectives) as ObjectivesInput,
    stopWhen: { unavailableForMs: stopWhen?.unavailableFor ?? null },
  };
}

function firstSpikeAt(spike: { every: number; firstAt?: number | undefined }): number {
  return spike.firstAt ?? Math.min(spike.every / 2, 1_800_000);
}

function toChaos(chaos: z.output<typeof chaosShape>): Scenario["chaos"] {
  const { window } = chaos;
  return {
    window:
      window === undefined
        ? null
        : { everyMs: window.every, forMs: window.for, firstAtMs: window.firstAt ?? window.every },
    dutyCycle: chaos.dutyCycle,
    pick: chaos.pick,
    faults: chaos.faults.map((choice) => toChosen(choice)),
    planned: chaos.planned.map((choice) => ({ ...toChosen(choice), atMs: choice.at ?? 0 })),
    settleMs: chaos.settle,
    restartSpacingMs: chaos.restartSpacing,
    quietStretchMs: chaos.quietStretch ?? null,
  };
}

function toChosen({ fault, options, hold, ifMissing }: FaultChoiceShape): ChosenFault {
  const holdMs = hold === undefined ? null : typeof hold === "number" ? ([hold, hold] as const) : hold;
  return { fault, options, holdMs, ifMissing: ifMissing ?? "refuse" };
}

/** zod keeps `key: undefined` where a user wrote it; the engine's types know only keys that are there or not. */
function withoutUndefined(value: object): unknown {
  return JSON.parse(JSON.stringify(value));
}
