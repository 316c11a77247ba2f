// From a drill as chosen to a drill as it will be carried out: options parsed by its own schema, the stack asked whether it can carry it, and
// the time that it takes on the timeline.
import type { Drill, DrillTable } from "../drills/drill.ts";
import { issuesOf } from "../scenario/fields.ts";
import { didYouMean } from "../scenario/nearest.ts";
import { slotsOf } from "../scenario/operations-spec.ts";
import type { ChosenDrill, Scenario } from "../scenario/scenario.ts";
import type { StackSpec } from "../scenario/stack-spec.ts";
import { formatDuration } from "../support/duration.ts";
import type { Options } from "./draw-options.ts";
import type { DrillStep } from "./plan.ts";
import type { Problems } from "./problems.ts";
import { knownOptions } from "./resolve-fault.ts";

export interface ResolvedDrill {
  readonly drill: Drill;
  readonly options: Options;
  /** From its start to its undoing. */
  readonly holdMs: number;
  /** From its undoing until it has settled. */
  readonly settledMs: number;
  /** What it takes on the timeline. */
  readonly lengthMs: number;
  /** The services whose processes it replaces, both when it begins and when it is undone. */
  readonly restarts: readonly string[];
}

/** Undefined when the choice has problems, which are then reported under `key`. */
export function resolveDrill(
  choice: ChosenDrill,
  key: string,
  scenario: Pick<Scenario, "stack" | "chaos">,
  table: DrillTable,
  problems: Problems,
): ResolvedDrill | undefined {
  const drill = table.get(choice.drill);
  if (drill === undefined) {
    const names = [...table.keys()];
    const message = `there is no drill "${choice.drill}" (there are ${names.join(", ")})${didYouMean(choice.drill, names)}`;
    problems.add("plan-unknown-drill", `${key}.drill`, message);
    return undefined;
  }
  const parsed = drill.options.safeParse(choice.options);
  if (!parsed.success) {
    for (const issue of issuesOf(parsed.error)) {
      const path = [`${key}.options`, issue.key].filter((part) => part !== "").join(".");
      problems.add("plan-bad-options", path, `${issue.message}${knownOptions(drill, parsed.error)}`);
    }
    return undefined;
  }
  const refusal = drill.refuses(scenario.stack);
  if (refusal !== undefined) {
    const message = `the stack cannot carry "${drill.name}": ${refusal}`;
    problems.add(
      "plan-missing-operation",
      key,
      message,
      "Describe the operation (docs/stacks.md), or leave the drill out.",
    );
    return undefined;
  }
  return timed(drill, parsed.data as Options, choice.holdMs, key, scenario, problems);
}

function timed(
  drill: Drill,
  options: Options,
  askedMs: number | null,
  key: string,
  { stack, chaos }: Pick<Scenario, "stack" | "chaos">,
  problems: Problems,
): ResolvedDrill | undefined {
  const { injectMs, confirmMs, healMs } = drill.takes(options, stack);
  const leastMs = injectMs + confirmMs;
  const holdMs = askedMs ?? leastMs;
  if (holdMs < leastMs) {
    const message = `expected at least ${formatDuration(leastMs)}, which "${drill.name}" and the look at it may take, got ${formatDuration(holdMs)}`;
    problems.add(
      "plan-hold-too-short",
      `${key}.hold`,
      message,
      "Leave hold out, or lower the time limits of the operation.",
    );
    return undefined;
  }
  const settledMs = healMs + chaos.settleMs;
  const restarts = drill.expect(options, { stack, holdMs }).restarts
    ? Object.values(slotsOf(stack.operations, drill.name))
    : [];
  return { drill, options, holdMs, settledMs, lengthMs: holdMs + settledMs, restarts };
}

/** The step of a drill at its time; `id` is given when all of them are known. */
export function drillStep(
  { drill, options, holdMs, settledMs }: ResolvedDrill,
  startMs: number,
  id: string,
  stack: StackSpec,
): DrillStep {
  return {
    id,
    fault: drill.name,
    kind: "held",
    target: drill.target(options),
    options,
    startMs,
    healMs: startMs + holdMs,
    settleUntilMs: startMs + holdMs + settledMs,
    expect: drill.expect(options, { stack, holdMs }),
    demands: drill.demands,
  };
}
