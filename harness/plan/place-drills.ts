// When the drills are: at their own times, or each as soon after its due time as there is room. Nothing else happens to the stack from a
// drill's start until it is undone and has settled: no fault, no load spike, no other drill. Faults in windows are placed around them.
import type { DrillTable } from "../drills/drill.ts";
import type { ChosenDrill, Scenario } from "../scenario/scenario.ts";
import { formatDuration } from "../support/duration.ts";
import { overlap, type Interval } from "../support/intervals.ts";
import type { RestartStart } from "./place.ts";
import type { DrillStep } from "./plan.ts";
import type { Problems } from "./problems.ts";
import { drillStep, resolveDrill, type ResolvedDrill } from "./resolve-drill.ts";
import { occurrences } from "./segments.ts";
import { numbered } from "./steps.ts";
import { endOf, type PlacedUnit } from "./units.ts";

export interface DrillInput {
  readonly scenario: Scenario;
  readonly durationMs: number;
  /** Faults at fixed times. */
  readonly planned: readonly PlacedUnit[];
}

export interface PlacedDrill extends Interval {
  readonly resolved: ResolvedDrill;
  /** Key path of the choice. */
  readonly key: string;
}

interface Known {
  readonly choice: ChosenDrill;
  readonly key: string;
  readonly resolved: ResolvedDrill;
}

/** In order of time. */
export function placeDrills(input: DrillInput, table: DrillTable, problems: Problems): PlacedDrill[] {
  const { scenario } = input;
  const known = (scenario.drills ?? []).flatMap((choice, index): Known[] => {
    const key = `drills[${index}]`;
    const resolved = resolveDrill(choice, key, scenario, table, problems);
    return resolved === undefined ? [] : [{ choice, key, resolved }];
  });
  const placed: PlacedDrill[] = [];
  for (const { choice, key, resolved } of known) {
    if (!("atMs" in choice.when)) continue;
    const drill = at(choice.when.atMs, key, resolved);
    checkTime(drill, input, placed, problems);
    placed.push(drill);
  }
  for (const one of known)
    if ("everyMs" in one.choice.when) placed.push(...spaced(one, input, placed, problems));
  return placed.toSorted((a, b) => a.startMs - b.startMs);
}

export function drillSteps(placed: readonly PlacedDrill[], { stack }: Pick<Scenario, "stack">): DrillStep[] {
  return placed.map(({ resolved, startMs }, index) =>
    drillStep(resolved, startMs, `d${numbered(index, placed.length)}-${resolved.drill.name}`, stack),
  );
}

/** Starts that count for `chaos.restartSpacing` of faults: a service is replaced when a drill begins, and again when it is undone. */
export function drillRestarts({ startMs, resolved: { restarts, holdMs } }: PlacedDrill): RestartStart[] {
  return restarts.flatMap((service) => [
    { service, startMs },
    { service, startMs: startMs + holdMs },
  ]);
}

function at(startMs: number, key: string, resolved: ResolvedDrill): PlacedDrill {
  return { startMs, endMs: startMs + resolved.lengthMs, key, resolved };
}

interface Block extends Interval {
  readonly what: string;
}

/** What a drill may not touch, without other drills. */
function blocksOf({ scenario, durationMs, planned }: DrillInput): Block[] {
  const { chaos, load, warmUpMs } = scenario;
  return [
    { startMs: 0, endMs: warmUpMs, what: "the warm-up" },
    ...occurrences(load.spike, durationMs).map(({ startMs, endMs }) => ({
      startMs,
      endMs: endMs + chaos.settleMs,
      what: "a load spike, with its settle time",
    })),
    ...planned.map((unit) => ({ startMs: unit.startMs, endMs: endOf(unit), what: unit.key })),
  ];
}

/** Until when it may last: a drill that replaces processes ends before the quiet stretch. */
function lastMs({ restarts }: ResolvedDrill, { scenario: { chaos }, durationMs }: DrillInput): number {
  const quietMs = restarts.length === 0 ? 0 : (chaos.quietStretchMs ?? 0);
  return durationMs - Math.max(chaos.finalSettleMs, quietMs);
}

function checkTime(
  drill: PlacedDrill,
  input: DrillInput,
  others: readonly PlacedDrill[],
  problems: Problems,
): void {
  const { startMs, endMs, resolved } = drill;
  const key = `${drill.key}.at`;
  const name = `"${resolved.drill.name}"`;
  const untilMs = lastMs(resolved, input);
  if (endMs > untilMs) {
    const message = `expected ${name} to be undone and settled by ${formatDuration(Math.max(0, untilMs))} (final settle and quiet stretch), but that is at ${formatDuration(endMs)}`;
    problems.add("plan-past-end", key, message, "Plan it earlier, or lengthen the duration.");
  }
  const blocks = [...blocksOf(input), ...others.map((other): Block => ({ ...other, what: other.key }))];
  const hit = blocks.find((block) => overlap(block, drill));
  if (hit !== undefined) {
    const message = `${name} would last from ${formatDuration(startMs)} to ${formatDuration(endMs)}, with settle time, and overlap ${hit.what} (${formatDuration(hit.startMs)} to ${formatDuration(hit.endMs)})`;
    problems.add(
      "plan-overlap",
      key,
      message,
      "Move one of the two: beside a drill nothing else may happen.",
    );
  }
  const near = nearRestart(drill, input);
  if (near === undefined) return;
  const message = `${name} replaces ${near.service} within ${formatDuration(input.scenario.chaos.restartSpacingMs)} (chaos.restartSpacing) of a planned fault that restarts it at ${formatDuration(near.startMs)}`;
  problems.add(
    "plan-restarts-too-near",
    key,
    message,
    "Move one of the two, or shorten chaos.restartSpacing.",
  );
}

function nearRestart(
  drill: PlacedDrill,
  { scenario: { chaos }, planned }: DrillInput,
): RestartStart | undefined {
  const own = drillRestarts(drill);
  return planned
    .flatMap(({ startMs, unit }) =>
      unit.restarts.map(({ service, offsetMs }) => ({ service, startMs: startMs + offsetMs })),
    )
    .find((fault) =>
      own.some(
        ({ service, startMs }) =>
          service === fault.service && Math.abs(startMs - fault.startMs) < chaos.restartSpacingMs,
      ),
    );
}

/** Times are whole tenths of a second, as those of faults. */
const gridMs = 100;

function spaced(
  { choice: { when }, key, resolved }: Known,
  input: DrillInput,
  others: readonly PlacedDrill[],
  problems: Problems,
): PlacedDrill[] {
  if (!("everyMs" in when)) return [];
  const { everyMs, firstAtMs } = when;
  const untilMs = lastMs(resolved, input);
  const found: PlacedDrill[] = [];
  for (let dueMs = firstAtMs; dueMs + resolved.lengthMs <= untilMs; dueMs += everyMs) {
    const startMs = firstFree(dueMs, key, resolved, input, [...others, ...found]);
    // One that would come when the next is due, or too late in the run, is left out.
    if (startMs < dueMs + everyMs && startMs + resolved.lengthMs <= untilMs)
      found.push(at(startMs, key, resolved));
  }
  if (found.length === 0) {
    const message = `there is no room for "${resolved.drill.name}", which takes ${formatDuration(resolved.lengthMs)} with its settle time: expected at least one`;
    problems.add("plan-does-not-fit", key, message, "Set an earlier firstAt, or lengthen the duration.");
  }
  return found;
}

function firstFree(
  dueMs: number,
  key: string,
  resolved: ResolvedDrill,
  input: DrillInput,
  others: readonly PlacedDrill[],
): number {
  const blocks: readonly Interval[] = [...blocksOf(input), ...others];
  for (let startMs = toGrid(dueMs); ;) {
    const own = at(startMs, key, resolved);
    const hit = blocks.find((block) => overlap(block, own));
    const near = nearRestart(own, input);
    if (hit !== undefined) startMs = toGrid(hit.endMs);
    else if (near !== undefined)
      startMs = toGrid(Math.max(startMs + gridMs, near.startMs + input.scenario.chaos.restartSpacingMs));
    else return startMs;
  }
}

function toGrid(ms: number): number {
  return Math.ceil(ms / gridMs) * gridMs;
}
