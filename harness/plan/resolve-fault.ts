// From a fault as chosen to a fault as it will be injected: ranges drawn, options parsed by the fault's own schema, target looked up in the
// stack, capabilities compared. Every choice is checked at both ends of its ranges first, so that a refusal does not depend on the seed.
import { z } from "zod";
import type { Expectation, Fault, FaultTable } from "../faults/fault.ts";
import { issuesOf } from "../scenario/fields.ts";
import { didYouMean } from "../scenario/nearest.ts";
import type { ChosenFault, Range, Scenario } from "../scenario/scenario.ts";
import type { Capability, MachineLimits } from "../scenario/stack-spec.ts";
import { KilnError } from "../support/errors.ts";
import type { Rng } from "../support/rng.ts";
import {
  drawnBy,
  drawOptions,
  extremes,
  reversedRanges,
  type Chooser,
  type Options,
} from "./draw-options.ts";
import type { FaultStep } from "./plan.ts";
import { defaultRecoveryMs } from "./recovery-limit.ts";
import type { Problems } from "./problems.ts";

export interface ResolvedFault {
  readonly fault: Fault;
  readonly options: Options;
  readonly target: string;
  readonly expect: Expectation;
  /** Zero for momentary faults. */
  readonly holdMs: number;
  /** How long it is in force: what it uses of a window's duty cycle. */
  readonly dutyMs: number;
  /** From start until it has settled: to heal, or for momentary faults the time that they may cost, and then the settle time. */
  readonly settledMs: number;
  /** What it takes on the timeline: the same, but not less than its time in force. */
  readonly lengthMs: number;
  /** The service whose process it may replace, or null. */
  readonly restarts: string | null;
  readonly skipped?: FaultStep["skipped"];
}

/** The faults of this Kiln, what the stack offers to them by target (`capabilitiesOf`), and what this machine cannot carry of them. */
export interface KnownFaults {
  readonly table: FaultTable;
  readonly offered: ReadonlyMap<string, ReadonlySet<Capability>>;
  readonly limits: MachineLimits;
}

/** A choice that passed every check and can be drawn as often as needed. */
export interface DrawableFault {
  readonly key: string;
  /** It at both ends of its ranges and with every entry of its lists: what holds for these holds for any draw. */
  readonly ends: readonly ResolvedFault[];
  /** @param like Its options are taken, so that only the hold is drawn. */
  draw(rng: Rng, like?: ResolvedFault): ResolvedFault;
}

const defaultHoldMs = [30_000, 30_000] as const;
/** A momentary fault that costs nothing still counts a second, so that a window cannot take any number of them. */
const leastDutyMs = 1_000;

/** Checks a choice; undefined when it has problems, which are then reported under `key`, those of its options under `optionsKey`. */
export function checkChoice(
  choice: ChosenFault,
  key: string,
  scenario: Scenario,
  known: KnownFaults,
  problems: Problems,
  optionsKey = `${key}.options`,
): DrawableFault | undefined {
  const { table } = known;
  const fault = table.get(choice.fault);
  if (fault === undefined) {
    const names = [...table.keys()];
    problems.add(
      "plan-unknown-fault",
      `${key}.fault`,
      `there is no fault "${choice.fault}" (there are ${names.join(", ")})${didYouMean(choice.fault, names)}`,
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
      `${optionsKey}.${name}`,
      `expected a range with the lower end first, got ${shown}`,
    );
  }
  if (reversed.length > 0) return undefined;
  const checked = extremes(choice.options).map((chooser) =>
    checkOptions(fault, drawOptions(choice.options, chooser), optionsKey, scenario, problems),
  );
  if (checked.includes(false)) return undefined;
  const resolve = (chooser: Chooser, like?: ResolvedFault): ResolvedFault => {
    // Parsed before: this cannot fail. JSON, because it goes into plan.json.
    const options = like?.options ?? (fault.options.parse(drawOptions(choice.options, chooser)) as Options);
    const holdMs = fault.kind === "held" ? drawMs(choice.holdMs ?? defaultHoldMs, chooser) : 0;
    return resolveFault(fault, options, holdMs, scenario, known);
  };
  const ends = expected(() => extremes(choice.options).map((chooser) => resolve(chooser)), key, problems);
  if (ends === undefined) return undefined;
  for (const { skipped, target } of ends) {
    if (skipped === undefined || choice.ifMissing === "skip") continue;
    problems.add(
      "plan-missing-capability",
      key,
      `"${fault.name}" needs ${skipped.missing.join(", ")} at ${target}, which ${skipped.reason === undefined ? "the stack does not offer" : `cannot be had here: ${skipped.reason}`}`,
      skipped.reason === undefined ? missingHint : machineHint,
    );
    return undefined;
  }
  return { key, ends, draw: (rng, like) => resolve(drawnBy(rng), like) };
}

/** A fault that has no sense at that target says so when it is asked what to expect: one more problem of the scenario, under its key. */
function expected<T>(work: () => T, key: string, problems: Problems): T | undefined {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof KilnError) || error.kind !== "usage") throw error;
    problems.add(error.code, key, error.message, error.hint);
    return undefined;
  }
}

const missingHint = `Choose another target, describe what the stack offers (agentMain, controlPath, links), or set ifMissing: "skip" to plan without it.`;

const machineHint = `Run it on a machine that can, choose another fault, or set ifMissing: "skip" to plan without it.`;

/** @param options As the fault's own schema left them. */
export function resolveFault(
  fault: Fault,
  options: Options,
  holdMs: number,
  { stack, chaos, objectives }: Pick<Scenario, "stack" | "chaos" | "objectives">,
  { offered, limits }: KnownFaults,
): ResolvedFault {
  const target = fault.target(options);
  const held = fault.kind === "held";
  const expect = fault.expect(options, { stack, holdMs });
  const here = offered.get(target);
  const machine: Readonly<Partial<Record<Capability, string>>> = limits;
  const missing = fault.needs.filter((need) => here?.has(need) !== true || machine[need] !== undefined);
  const reason = missing
    .flatMap((need) => (here?.has(need) === true ? (machine[need] ?? []) : []))
    .join("; ");
  // What the driver has to revive stays away for as long as the stack gets to recover (run/mending.ts).
  const awayMs = expect.revivedByDriver === true ? (objectives.recoveryMs ?? defaultRecoveryMs) : 0;
  const overMs = held ? holdMs : Math.max(expect.unavailableMs, awayMs);
  const dutyMs = held ? holdMs : Math.max(overMs, leastDutyMs);
  return {
    fault,
    options,
    target,
    expect,
    holdMs,
    dutyMs,
    settledMs: overMs + chaos.settleMs,
    lengthMs: dutyMs + chaos.settleMs,
    restarts: expect.restarts ? (expect.service ?? target.replace(/^service:/, "")) : null,
    ...(missing.length > 0 ? { skipped: { missing, ...(reason === "" ? {} : { reason }) } } : {}),
  };
}

/** In tenths of a second where both ends are: a plan is read by people. */
export function drawMs([shortestMs, longestMs]: Range, chooser: Chooser): number {
  const gridMs = shortestMs % 100 === 0 && longestMs % 100 === 0 ? 100 : 1;
  return chooser.between(shortestMs / gridMs, longestMs / gridMs, "hold") * gridMs;
}

function checkOptions(
  fault: Fault,
  options: Options,
  optionsKey: string,
  { stack }: Scenario,
  problems: Problems,
): boolean {
  const result = fault.options.safeParse(options);
  if (!result.success) {
    for (const issue of issuesOf(result.error)) {
      problems.add(
        "plan-bad-options",
        [optionsKey, issue.key].filter((part) => part !== "").join("."),
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
    `${optionsKey}${option === undefined ? "" : `.${option}`}`,
    `the stack has no ${thing} "${name}" (${known})${didYouMean(name, named)}`,
  );
  return false;
}

/** For a message about an option that is not known. */
export function knownOptions({ options }: Pick<Fault, "options">, error: z.ZodError): string {
  const unknown = error.issues.find((issue) => issue.code === "unrecognized_keys");
  if (unknown === undefined || !(options instanceof z.ZodObject)) return "";
  const known = Object.keys(options.shape);
  return ` (known are ${known.join(", ")})${didYouMean(unknown.keys[0] ?? "", known)}`;
}
