// The rules that every plan keeps, written a second time and without regard to how the planner does it.
import type { Chosen, ChosenPattern, Scenario } from "../../scenario/scenario.ts";
import type { FaultStep, Plan } from "../plan.ts";
import { brokenDrills, overAt } from "./drill-rules.ts";

/** Every rule that `plan` breaks, in words; empty for a good plan. */
export function brokenRules(plan: Plan, scenario: Scenario): string[] {
  const units = unitsOf(plan, scenario);
  return [
    ...brokenLoad(plan, scenario),
    ...units.flatMap((unit) => brokenUnit(unit, plan, scenario)),
    ...units.flatMap((unit) => brokenPattern(unit)),
    ...brokenPairs(units, scenario),
    ...brokenCrowd(plan, units, scenario),
    ...brokenGroups(plan),
    ...brokenWindows(plan, units, scenario),
    ...brokenCounts(plan, units, scenario),
    ...brokenBudget(plan),
    ...brokenDrills(plan, scenario),
  ];
}

/** A fault alone, or all steps of one occurrence of a pattern. */
interface Unit {
  readonly name: string;
  readonly steps: readonly FaultStep[];
  readonly startMs: number;
  readonly endMs: number;
  readonly planned: boolean;
  /** What it may have been drawn from, where it is a pattern. */
  readonly choices: readonly ChosenPattern[];
}

function nameOf(choice: Chosen): string {
  return "pattern" in choice ? choice.pattern : choice.fault;
}

function unitsOf({ faults }: Plan, { chaos }: Scenario): Unit[] {
  const lists = Map.groupBy(faults, (step) => step.pattern?.id ?? step.id);
  return [...lists.values()].map((steps): Unit => {
    const startMs = Math.min(...steps.map((step) => step.startMs));
    const name = steps[0]?.pattern?.name ?? steps[0]?.fault ?? "";
    const planned = chaos.planned.some((choice) => nameOf(choice) === name && choice.atMs === startMs);
    const like = (choice: Chosen): choice is ChosenPattern =>
      "pattern" in choice &&
      choice.pattern === name &&
      choice.steps.length * choice.times === steps.length &&
      choice.steps.every(({ fault }, index) => steps[index]?.fault === fault);
    return {
      name,
      steps,
      startMs,
      endMs: Math.max(...steps.map(({ settleUntilMs }) => settleUntilMs)),
      planned,
      choices: steps[0]?.pattern === undefined ? [] : [...chaos.faults, ...chaos.planned].filter(like),
    };
  });
}

function brokenLoad({ load: { segments }, durationMs }: Plan, scenario: Scenario): string[] {
  const broken: string[] = [];
  let endMs = 0;
  for (const [index, segment] of segments.entries()) {
    const asked = segment.kind === "spike" ? scenario.load.spike?.rps : scenario.load.steadyRps;
    const starts = ((segment.endMs - segment.startMs) * segment.rps) / 1_000;
    if (segment.index !== index || segment.startMs !== endMs)
      broken.push(`segment ${index} does not follow the one before`);
    if (segment.endMs <= segment.startMs) broken.push(`segment ${index} is empty`);
    if (!Number.isInteger(starts) || starts !== segment.starts)
      broken.push(`segment ${index} holds ${starts} starts`);
    if (segment.rps !== asked) broken.push(`segment ${index} runs at ${segment.rps}/s`);
    if (segment.endMs - segment.startMs > scenario.load.rotateEveryMs + 6_000)
      broken.push(`segment ${index} is too long`);
    const needed = Math.ceil(Number(((1.25 * segment.rps * scenario.load.timeoutMs) / 1_000).toFixed(6)));
    if (segment.usersNeeded !== needed)
      broken.push(`segment ${index} needs ${needed} users, not ${segment.usersNeeded}`);
    endMs = segment.endMs;
  }
  if (endMs !== durationMs || endMs > scenario.durationMs || endMs < scenario.durationMs - 1_000)
    broken.push(`the load ends at ${endMs}`);
  return broken;
}

function brokenUnit(unit: Unit, plan: Plan, scenario: Scenario): string[] {
  const { chaos } = scenario;
  const broken = unit.steps.flatMap((step) => brokenStep(step, plan, scenario));
  if (unit.planned) return broken;
  const name = unit.steps[0]?.id ?? unit.name;
  if (!plan.windows.some(({ startMs, endMs }) => unit.startMs >= startMs && unit.endMs <= endMs))
    broken.push(`${name} is in no window`);
  const spike = plan.load.segments.find(
    ({ kind, startMs, endMs }) =>
      kind === "spike" && unit.startMs < endMs + chaos.settleMs - 1_000 && unit.endMs > startMs + 1_000,
  );
  if (spike !== undefined) broken.push(`${name} touches a spike`);
  return broken;
}

function brokenStep(step: FaultStep, plan: Plan, { chaos, warmUpMs }: Scenario): string[] {
  const broken: string[] = [];
  const cost = step.kind === "momentary" ? step.expect.unavailableMs : 0;
  if (step.startMs < warmUpMs) broken.push(`${step.id} starts in the warm-up`);
  if (step.settleUntilMs > plan.durationMs - chaos.finalSettleMs)
    broken.push(`${step.id} reaches into the final settle`);
  if (step.settleUntilMs !== step.healMs + cost + chaos.settleMs)
    broken.push(`${step.id} has no time to settle`);
  if (step.kind === "momentary" && step.healMs !== step.startMs)
    broken.push(`${step.id} is momentary and held`);
  if (step.kind === "held" && step.healMs <= step.startMs) broken.push(`${step.id} is not held`);
  const quietFromMs = plan.durationMs - (chaos.quietStretchMs ?? 0);
  if (step.expect.restarts && step.settleUntilMs > quietFromMs)
    broken.push(`${step.id} restarts in the quiet stretch`);
  return broken;
}

function brokenPattern(unit: Unit): string[] {
  if (unit.steps[0]?.pattern === undefined) return [];
  const broken = unit.choices.map((choice) => brokenFor(unit, choice));
  if (broken.some((list) => list.length === 0)) return [];
  return broken[0] ?? [`${unit.steps[0].id} is of no pattern that was chosen`];
}

function brokenFor({ name, steps }: Unit, choice: ChosenPattern): string[] {
  const broken: string[] = [];
  const [leastMs, mostMs] = choice.gapMs;
  for (const [index, step] of steps.entries()) {
    if (step.pattern?.index !== index + 1 || step.pattern.of !== steps.length)
      broken.push(`${step.id} is not step ${index + 1} of ${steps.length}`);
    const hold = choice.steps[index % choice.steps.length]?.holdMs;
    const heldMs = step.healMs - step.startMs;
    if (hold && (heldMs < hold[0] || heldMs > hold[1])) broken.push(`${step.id} is held for ${heldMs}`);
    const before = steps[index - 1];
    if (before === undefined) continue;
    const gapMs = step.startMs - (name === "flapping" ? overAt(before) : before.startMs);
    if (gapMs < leastMs || gapMs > mostMs) broken.push(`${step.id} comes ${gapMs} after ${before.id}`);
    if (name === "flapping" && step.target !== before.target)
      broken.push(`${step.id} flaps on another target than ${before.id}`);
  }
  return broken;
}

function brokenPairs(units: readonly Unit[], { chaos }: Scenario): string[] {
  const broken: string[] = [];
  for (const [index, later] of units.entries()) {
    for (const earlier of units.slice(0, index)) {
      const pair = `${later.steps[0]?.id} and ${earlier.steps[0]?.id}`;
      if (later.startMs < earlier.startMs) broken.push(`${pair} are out of order`);
      const overlapping = later.startMs < earlier.endMs;
      const pattern = later.choices.length > 0 || earlier.choices.length > 0;
      const oneTarget = later.steps.some(({ target }) =>
        earlier.steps.some((other) => other.target === target),
      );
      if (overlapping && pattern) broken.push(`${pair}: something lies beside a pattern`);
      if (overlapping && later.planned !== earlier.planned)
        broken.push(`${pair}: drawn and planned do not settle`);
      if (overlapping && oneTarget && chaos.sameTarget === "refuse")
        broken.push(`${pair} do not settle on one target`);
      const bothDrawn = !later.planned && !earlier.planned;
      if (overlapping && bothDrawn && chaos.atMostAtOnce === 1) broken.push(`${pair} do not settle`);
      if (!(later.planned && earlier.planned) && tooNear(later, earlier, chaos.restartSpacingMs))
        broken.push(`${pair} restart too near`);
    }
  }
  return broken;
}

function tooNear(a: Unit, b: Unit, spacingMs: number): boolean {
  return a.steps.some((one) =>
    b.steps.some(
      (other) =>
        one.expect.restarts &&
        other.expect.restarts &&
        (one.expect.service ?? one.target) === (other.expect.service ?? other.target) &&
        Math.abs(one.startMs - other.startMs) < spacingMs,
    ),
  );
}

function brokenCrowd({ faults }: Plan, units: readonly Unit[], { chaos }: Scenario): string[] {
  const broken: string[] = [];
  for (const step of faults) {
    const there = faults.filter((other) => other.startMs <= step.startMs && overAt(other) > step.startMs);
    const { choices } = units.find(({ steps }) => steps.includes(step)) ?? { choices: [] };
    const own = Math.max(0, ...choices.map(({ atMostAtOnce }) => atMostAtOnce ?? 0));
    if (there.length > Math.max(own, chaos.atMostAtOnce)) broken.push(`${step.id} is one too many at once`);
    const onTarget = there.filter(({ target }) => target === step.target);
    if (onTarget.length > 1 && chaos.sameTarget === "refuse")
      broken.push(`${step.id} is not alone on ${step.target}`);
  }
  const drawn = units.filter(({ planned }) => !planned);
  for (const { startMs, steps } of drawn) {
    const there = drawn.filter((other) => other.startMs <= startMs && other.endMs > startMs);
    if (there.length > chaos.atMostAtOnce) broken.push(`${steps[0]?.id} does not wait for the others`);
  }
  const ids = new Set(faults.map(({ id }) => id));
  if (ids.size !== faults.length) broken.push("an id comes twice");
  return broken;
}

/** Steps share a group exactly where they belong to one pattern or overlap, directly or by others between them. */
function brokenGroups({ faults }: Plan): string[] {
  const broken: string[] = [];
  let endMs = -Infinity;
  let before: FaultStep | undefined;
  for (const step of faults) {
    const touches =
      step.startMs < endMs || (step.pattern !== undefined && step.pattern.id === before?.pattern?.id);
    if (touches && (step.group === undefined || step.group !== before?.group))
      broken.push(`${step.id} is not in the group of ${before?.id}`);
    if (!touches && step.group !== undefined && step.group === before?.group)
      broken.push(`${step.id} is in the group of ${before.id}`);
    endMs = Math.max(endMs, step.settleUntilMs, overAt(step));
    before = step;
  }
  for (const [group, members] of Map.groupBy(faults, (step) => step.group))
    if (group !== undefined && members.length < 2) broken.push(`${members[0]?.id} is a group of one`);
  return broken;
}

function brokenWindows(plan: Plan, units: readonly Unit[], { chaos }: Scenario): string[] {
  const { windows, durationMs } = plan;
  const { window } = chaos;
  if (window === null) return windows.length === 0 ? [] : ["there are windows"];
  const broken: string[] = [];
  const [leastMs, mostMs] = window.everyMs;
  const first = windows[0]?.startMs ?? -1;
  if (first < window.firstAtMs[0] || first > window.firstAtMs[1])
    broken.push(`the first window is at ${first}`);
  for (const [index, { startMs, endMs }] of windows.entries()) {
    const nextMs = windows[index + 1]?.startMs;
    if (nextMs !== undefined && (nextMs - startMs < leastMs || nextMs - startMs > mostMs))
      broken.push(`a window is at ${nextMs}, the one before at ${startMs}`);
    if (nextMs === undefined && startMs + mostMs + window.forMs <= durationMs)
      broken.push("a window is missing");
    if (endMs > durationMs || endMs - startMs !== window.forMs)
      broken.push(`a window lasts to ${endMs} from ${startMs}`);
    const drawn = units.filter((unit) => unit.startMs >= startMs && unit.startMs < endMs && !unit.planned);
    broken.push(...brokenWindow(plan, { startMs, endMs }, drawn, chaos));
  }
  return broken;
}

function brokenWindow(
  { durationMs }: Plan,
  { startMs, endMs }: { startMs: number; endMs: number },
  drawn: readonly Unit[],
  chaos: Scenario["chaos"],
): string[] {
  const broken: string[] = [];
  const steps = drawn.flatMap((unit) => unit.steps);
  const busy = new Set<number>();
  for (const step of steps)
    for (let ms = step.startMs; ms < overAt(step); ms += 100) busy.add(Math.floor(ms / 100));
  // Tenths of a second: each step may begin and end inside one.
  const busyMs = (busy.size - steps.length) * 100;
  if (chaos.pick === "shuffled" && busyMs > chaos.dutyCycle * (endMs - startMs))
    broken.push(`the window at ${startMs} has ${busyMs} ms under fault`);
  const whole =
    endMs <= durationMs - (chaos.quietStretchMs ?? 0) && endMs <= durationMs - chaos.finalSettleMs;
  if (whole && drawn.length === 0) broken.push(`the window at ${startMs} is empty`);
  const names = (list: readonly string[]): string => list.toSorted().join();
  if (
    chaos.pick === "once-each" &&
    whole &&
    names(drawn.map(({ name }) => name)) !== names(chaos.faults.map(nameOf))
  )
    broken.push(`the window at ${startMs} has not every fault once`);
  return broken;
}

function brokenCounts(plan: Plan, units: readonly Unit[], { chaos }: Scenario): string[] {
  const broken: string[] = [];
  for (const [name, choices] of Map.groupBy(chaos.faults, nameOf)) {
    const came = units.filter((unit) => unit.name === name && !unit.planned).length;
    const least = choices.reduce((sum, { atLeast }) => sum + (atLeast ?? 0), 0);
    if (came < least) broken.push(`${name} comes ${came} times of ${least}`);
    if (came === 0 && plan.notDrawn?.some((text) => text.startsWith(name)) !== true)
      broken.push(`${name} is missing and the plan does not say so`);
  }
  return broken;
}

function brokenBudget({ budget, faults }: Plan): string[] {
  const costMs = faults
    .filter((step) => step.skipped === undefined)
    .reduce((sum, step) => sum + step.expect.unavailableMs, 0);
  const broken =
    costMs === budget.plannedMs ? [] : [`the budget says ${budget.plannedMs}, the faults cost ${costMs}`];
  if (budget.allowedMs !== null && costMs > budget.allowedMs) broken.push("over budget");
  return broken;
}
