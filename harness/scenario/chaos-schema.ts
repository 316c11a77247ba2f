// Schema of `chaos`: windows, faults, patterns and what they have to keep. What needs the table of faults or the arithmetic of the timeline is
// checked by the plan.
import { z } from "zod";
import type { Json } from "../support/json.ts";
import { duration, expected, isObject, numberBetween, show, strict, text, wholeNumber } from "./fields.ts";
import type { Chosen, ChosenFault, Range, Scenario } from "./scenario.ts";

/** Where neither the scenario nor the stack says how long a watchdog needs until it counts from one again. */
const defaultRestartSpacingMs = 90_000;

const json: z.ZodType<Json> = z.json();

/** A duration, or a pair of them with the shorter one first; kept as a pair either way. */
function durationRange(zero?: "zero allowed"): z.ZodType<Range> {
  const one = duration(zero);
  return z
    .union([one, z.tuple([one, one])], expected(`a duration such as "30s" or a range such as ["30s", "1m"]`))
    .superRefine((value, context) => {
      if (!Array.isArray(value) || value[0] <= value[1]) return;
      context.addIssue({ code: "custom", message: "expected the shorter duration first", input: value });
    })
    .transform((value): Range => (typeof value === "number" ? [value, value] : value));
}

const chances = {
  weight: z
    .number(expected("a weight above zero, such as 2"))
    .positive(expected("a weight above zero, such as 2"))
    .max(1_000, expected("a weight of at most 1000"))
    .optional(),
  atLeast: wholeNumber("a whole number of times, zero allowed", 0)
    .max(10_000, expected("at most 10000 times"))
    .optional(),
};
const at = duration("zero allowed").optional();
const ifMissing = z.enum(["refuse", "skip"], expected(`"refuse" or "skip"`)).optional();
const atOnce = wholeNumber("a whole number of faults above zero").max(100, expected("at most 100 faults"));

const faultChoice = strict({
  fault: text,
  options: z.record(z.string(), json, expected("an object of options (plain data)")),
  hold: durationRange().optional(),
  at,
  ifMissing,
  ...chances,
});

const stepChoice = faultChoice.superRefine((step, context) => {
  for (const key of ["at", "weight", "atLeast"] as const) {
    if (step[key] === undefined) continue;
    const message = "belongs to the pattern as a whole; expected none on one of its steps";
    context.addIssue({ code: "custom", path: [key], message, input: step[key] });
  }
});

const flappingChoice = strict({
  pattern: z.literal("flapping"),
  link: z.union(
    [text, strict({ oneOf: z.array(text).min(1) })],
    expected(`the name of a link, or { oneOf: [...] }`),
  ),
  times: wholeNumber("a whole number of times, at least 2", 2).max(100, expected("at most 100 times")),
  downFor: durationRange(),
  upFor: durationRange(),
  at,
  ifMissing,
  ...chances,
});

const cascadeChoice = strict({
  pattern: z.literal("cascade"),
  steps: z.array(stepChoice, expected("a list of faults")).min(2, expected("at least two faults")),
  gap: durationRange("zero allowed"),
  atMostAtOnce: atOnce.optional(),
  at,
  ...chances,
});

const patternChoice = z.discriminatedUnion("pattern", [flappingChoice, cascadeChoice], {
  error: (issue) =>
    `expected "flapping" or "cascade", got ${show(isObject(issue.input) ? issue.input["pattern"] : issue.input)}`,
});
type FaultShape = z.output<typeof faultChoice>;
type EntryShape = FaultShape | z.output<typeof patternChoice>;

/** A fault, or where there is a key `pattern`, a pattern: the messages are those of what was meant. */
const entry = z.unknown().transform((input, context): EntryShape => {
  const schema: z.ZodType<EntryShape> = isObject(input) && "pattern" in input ? patternChoice : faultChoice;
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  for (const { path, message } of result.error.issues) context.addIssue({ code: "custom", path, message });
  return z.NEVER;
});
const entries = z.array(entry, expected("a list of faults")).default([]);

const windowShape = strict({
  every: durationRange(),
  for: duration(),
  firstAt: durationRange("zero allowed").optional(),
}).superRefine((window, context) => {
  if (window.for < window.every[0]) return;
  const message = "expected a shorter time than `every`, or one runs into the next";
  context.addIssue({ code: "custom", path: ["for"], message, input: window.for });
});

export const chaosShape = strict({
  window: windowShape.optional(),
  dutyCycle: numberBetween(0.001, 1, "a share between 0.001 and 1").default(0.2),
  pick: z.enum(["shuffled", "once-each"], expected(`"shuffled" or "once-each"`)).default("shuffled"),
  faults: entries,
  planned: entries,
  settle: duration("zero allowed").default(30_000),
  finalSettle: duration("zero allowed").optional(),
  restartSpacing: duration("zero allowed").optional(),
  quietStretch: duration().optional(),
  atMostAtOnce: atOnce.default(1),
  sameTarget: z.enum(["refuse", "allow"], expected(`"refuse" or "allow"`)).default("refuse"),
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
    if (choice.weight !== undefined && chaos.pick === "once-each")
      complain(
        ["faults", index, "weight"],
        `pick "once-each" takes every fault once a window; expected no weight`,
      );
  }
  for (const [index, choice] of chaos.planned.entries()) {
    if (choice.at === undefined)
      complain(["planned", index, "at"], `missing; expected a duration from the start of load, such as "5m"`);
    for (const key of ["weight", "atLeast"] as const) {
      if (choice[key] !== undefined)
        complain(
          ["planned", index, key],
          "only faults under chaos.faults are drawn; expected none beside a fixed time",
        );
    }
  }
});

/** @param resetMs How long the stack's watchdog needs until it counts restarts from one again, where the stack says so. */
export function toChaos(chaos: z.output<typeof chaosShape>, resetMs: number | undefined): Scenario["chaos"] {
  const { window, settle } = chaos;
  return {
    window:
      window === undefined
        ? null
        : { everyMs: window.every, forMs: window.for, firstAtMs: window.firstAt ?? window.every },
    dutyCycle: chaos.dutyCycle,
    pick: chaos.pick,
    faults: chaos.faults.map((choice) => toChosen(choice)),
    planned: chaos.planned.map((choice) => ({ ...toChosen(choice), atMs: choice.at ?? 0 })),
    settleMs: settle,
    finalSettleMs: chaos.finalSettle ?? settle,
    restartSpacingMs: chaos.restartSpacing ?? resetMs ?? defaultRestartSpacingMs,
    quietStretchMs: chaos.quietStretch ?? null,
    atMostAtOnce: chaos.atMostAtOnce,
    sameTarget: chaos.sameTarget,
  };
}

function toChosen(choice: EntryShape): Chosen {
  if (!("pattern" in choice)) return toChosenFault(choice);
  const drawn = { weight: choice.weight ?? 1, atLeast: choice.atLeast ?? null };
  if (choice.pattern === "cascade") {
    return {
      pattern: choice.pattern,
      steps: choice.steps.map((step) => toChosenFault(step)),
      times: 1,
      gapMs: choice.gap,
      gapFrom: "start",
      atMostAtOnce: choice.atMostAtOnce ?? null,
      ...drawn,
    };
  }
  const { link, downFor, ifMissing: missing } = choice;
  return {
    pattern: choice.pattern,
    steps: [toChosenFault({ fault: "link-down", options: { link }, hold: downFor, ifMissing: missing })],
    times: choice.times,
    gapMs: choice.upFor,
    gapFrom: "end",
    atMostAtOnce: null,
    ...drawn,
  };
}

function toChosenFault(choice: FaultShape): ChosenFault {
  const { fault, options, hold, weight, atLeast } = choice;
  return {
    fault,
    options,
    holdMs: hold ?? null,
    ifMissing: choice.ifMissing ?? "refuse",
    weight: weight ?? 1,
    atLeast: atLeast ?? null,
  };
}
