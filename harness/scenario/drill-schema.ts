// Schema of `drills`. Whether there is such a drill, what its options have to be and whether the stack can carry it is checked by the plan.
import { z } from "zod";
import type { Json } from "../support/json.ts";
import { duration, expected, strict, text } from "./fields.ts";
import type { ChosenDrill } from "./scenario.ts";

const json: z.ZodType<Json> = z.json();

const drillChoice = strict({
  drill: text,
  options: z.record(z.string(), json, expected("an object of options (plain data)")),
  at: duration("zero allowed").optional(),
  every: duration().optional(),
  firstAt: duration("zero allowed").optional(),
  hold: duration().optional(),
}).superRefine(({ at, every, firstAt }, context) => {
  const complain = (key: string, message: string): void =>
    context.addIssue({ code: "custom", path: [key], message, input: at });
  if (at === undefined && every === undefined)
    complain("at", `missing; expected a time from the start of load, such as "5m", or every: "2h"`);
  if (at !== undefined && every !== undefined)
    complain("every", "expected either at or every: a drill with a time of its own comes once");
  if (firstAt !== undefined && every === undefined)
    complain("firstAt", "belongs to every; expected none without it");
});

export const drillsShape = z.array(drillChoice, expected("a list of drills"));

export function toDrills(choices: z.output<typeof drillsShape>): ChosenDrill[] {
  return choices.map(({ drill, options, at, every, firstAt, hold }) => ({
    drill,
    options,
    when: every === undefined ? { atMs: at ?? 0 } : { everyMs: every, firstAtMs: firstAt ?? every },
    holdMs: hold ?? null,
  }));
}
