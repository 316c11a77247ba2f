// From a fault as chosen to a fault as it will be injected: ranges drawn, options parsed by the fault's own schema, target looked up in the
// stack, capabilities compared. Every choice is checked at both ends of its ranges first, so that a refusal does not depend on the seed.
import { z } from "zod";
import type { Expectation, Fault, FaultTable } from "../faults/fault.ts";
import { issuesOf } from "../scenario/fields.ts";
import { didYouMean } from "../scenario/nearest.ts";
import type { ChosenFault, Scenario } from "../scenario/scenario.ts";
import type { Capability } from "../scenario/stack-spec.ts";
import type { Rng } from "../support/rng.ts";
import { capabilitiesOf } from "./capabilities.ts";
import {
  drawnBy,
  drawOptions,
  extremes,
  reversedRanges,
  type Chooser,
  type Options,
} from "./draw-options.ts";
import type { Problems } from "./problems.ts";

export interface ResolvedFault {
  readonly fault: Fault;
  readonly options: Options;
  readonly target: string;
  readonly expect: Expectation;
  /** Zero for momentary faults. */
  readonly holdMs: number;
  /** From start to the end of its settle time. */
  readonly lengthMs: number;
  /** What it uses of a window's duty cycle. */
  readonly dutyMs: number;
  /** The service whose process it may replace, or null. */
  readonly restarts: string | null;
  readonly skipped?: { readonly missing: readonly Capability[] };
}

/** A choice that passed every check and can be drawn as often as needed. */
export interface DrawableFault {
  readonly key: string;
  readonly restarts: boolean;
  /** Length with the longest hold. */
  readonly longestMs: number;
  readonly longestDutyMs: number;
  draw(rng: Rng): ResolvedFault;
}

const defaultHoldMs = [30_000, 30_000] as const;
/** A momentary fault that costs nothing still counts a second, so that a window cannot take any number of them. */
const leastDutyMs = 1_000;

/** Checks a choice; undefined when it has problems, which are then reported under `key`. */
export function checkChoice(
  choice: ChosenFault,
  key: string,
  scenario: Scenario,
  table: FaultTable,
  problems: Problems,
): DrawableFault | undefined {
  const fault = table.get(choice.fault);
  if (fault === undefined) {
    const known = [...table.keys()];
    problems.add(
      "plan-unknown-fault",
      `${key}.fault`,
      `there is no fault "${choice.fault}" (there are ${known.join(", ")})${didYouMean(choice.fault, known)}`,
    );
    return undefined;
  }
  if (fault.kind === "momentary" && choice.holdMs !== null) {
    problems.add(
      "plan-bad-options",
      `${key}.hold`,
      `"${fault.name}" is over as soon as it has happened; expected no hold`,
    );
    return undefined;
  }
  const reversed = reversedRanges(choice.options);
  for (const { name, shown } of reversed) {
    problems.add(
      "plan-bad-options",
      `${key}.options.${name}`,
      `expected a range with the lower end first, got ${shown}`,
    );
  }
  if (reversed.length > 0) return undefined;
  const checked = extremes(choice.options).map((chooser) =>
    checkOptions(fault, drawOptions(choice.options, chooser), key, scenario, problems),
  );
  const resolve = (chooser: Chooser): ResolvedFault => resolveFault(fault, choice, scenario, chooser);
  if (checked.includes(false)) return undefined;
  const all = extremes(choice.options).map((chooser) => resolve(chooser));
  for (const { skipped, target } of all) {
    if (skipped === undefined || choice.ifMissing === "skip") continue;
    const missing = skipped.missing.join(", ");
    problems.add(
      "plan-missing-capability",
      key,
      `"${fault.name}" needs ${missing} at ${target}, which the stack does not offer`,
      missingHint,
    );
    return undefined;
  }
  return {
    key,
    restarts: all.some(({ restarts }) => restarts !== null),
    longestMs: Math.max(...all.map(({ lengthMs }) => lengthMs)),
    longestDutyMs: Math.max(...all.map(({ dutyMs }) => dutyMs)),
    draw: (rng) => resolve(drawnBy(rng)),
  };
}

const missingHint = `Choose another target, describe what the stack offers (agentMain, controlPath, links), or set ifMissing: "skip" to plan without it.`;

function resolveFault(
  fault: Fault,
  choice: ChosenFault,
  scenario: Scenario,
  chooser: Chooser,
): ResolvedFault {
  // Parsed before: this cannot fail. JSON, because it goes into plan.json.
  const options = fault.options.parse(drawOptions(choice.options, chooser)) as Options;
  const target = fault.target(options);
  const held = fault.kind === "held";
  const holdMs = held ? drawHoldMs(choice.holdMs ?? defaultHoldMs, chooser) : 0;
  const expect = fault.expect(options, { stack: scenario.stack, holdMs });
  const offered = capabilitiesOf(scenario.stack).get(target);
  const missing = fault.needs.filter((need) => offered?.has(need) !== true);
  return {
    fault,
    options,
    target,
    expect,
    holdMs,
    lengthMs: (held ? holdMs : expect.unavailableMs) + scenario.chaos.settleMs,
    dutyMs: held ? holdMs : Math.max(expect.unavailableMs, leastDutyMs),
    restarts: expect.restarts ? (expect.service ?? target) : null,
    ...(missing.length > 0 ? { skipped: { missing } } : {}),
  };
}

/** In tenths of a second where both ends are: a plan is read by people. */
function drawHoldMs([shortestMs, longestMs]: readonly [number, number], chooser: Chooser): number {
  const gridMs = shortestMs % 100 === 0 && longestMs % 100 === 0 ? 100 : 1;
  return chooser.between(shortestMs / gridMs, longestMs / gridMs) * gridMs;
}

function checkOptions(
  fault: Fault,
  options: Options,
  key: string,
  { stack }: Scenario,
  problems: Problems,
): boolean {
  const result = fault.options.safeParse(options);
  if (!result.success) {
    for (const issue of issuesOf(result.error)) {
      problems.add(
        "plan-bad-options",
        [`${key}.options`, issue.key].filter((part) => part !== "").join("."),
        `${issue.message}${knownOptions(fault, result.error)}`,
      );
    }
    return false;
  }
  const target = fault.target(result.data);
  const [kind = "", name = ""] = target.split(":", 2);
  const named = { link: stack.links, service: stack.services, config: stack.configFiles ?? [] }[kind]?.map(
    (part) => part.name,
  );
  if (named === undefined || named.includes(name)) return true;
  const option = Object.entries(options).find(([, value]) => value === name)?.[0];
  const thing = kind === "config" ? "config file" : kind;
  const known = named.length === 0 ? "it has none" : `there are ${named.join(", ")}`;
  problems.add(
    "plan-unknown-target",
    `${key}.options${option === undefined ? "" : `.${option}`}`,
    `the stack has no ${thing} "${name}" (${known})${didYouMean(name, named)}`,
  );
  return false;
}

function knownOptions({ options }: Fault, error: z.ZodError): string {
  const unknown = error.issues.find((issue) => issue.code === "unrecognized_keys");
  if (unknown === undefined || !(options instanceof z.ZodObject)) return "";
  const known = Object.keys(options.shape);
  return ` (known are ${known.join(", ")})${didYouMean(unknown.keys[0] ?? "", known)}`;
}
