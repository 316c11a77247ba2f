// The rules that every plan keeps, written a second time and without regard to how the planner does it.
import type { Scenario } from "../../scenario/scenario.ts";
import type { FaultStep, Plan } from "../plan.ts";

/** Every rule that `plan` breaks, in words; empty for a good plan. */
export function brokenRules(plan: Plan, scenario: Scenario): string[] {
  return [
    ...brokenLoad(plan, scenario),
    ...plan.faults.flatMap((step) => brokenStep(step, plan, scenario)),
    ...brokenPairs(plan, scenario),
    ...brokenWindows(plan, scenario),
    ...brokenBudget(plan),
  ];
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

function isPlanned(step: FaultStep, scenario: Scenario): boolean {
  return scenario.chaos.planned.some((choice) => choice.fault === step.fault && choice.atMs === step.startMs);
}

function brokenStep(step: FaultStep, plan: Plan, scenario: Scenario): string[] {
  const broken: string[] = [];
  const cost = step.kind === "momentary" ? step.expect.unavailableMs : 0;
  if (step.startMs < scenario.warmUpMs) broken.push(`${step.id} starts in the warm-up`);
  if (step.settleUntilMs > plan.durationMs) broken.push(`${step.id} ends after the load`);
  if (step.settleUntilMs !== step.healMs + cost + scenario.chaos.settleMs)
    broken.push(`${step.id} has no time to settle`);
  if (step.kind === "momentary" && step.healMs !== step.startMs)
    broken.push(`${step.id} is momentary and held`);
  const quietFromMs = plan.durationMs - (scenario.chaos.quietStretchMs ?? 0);
  if (step.expect.restarts && step.settleUntilMs > quietFromMs)
    broken.push(`${step.id} restarts in the quiet stretch`);
  if (isPlanned(step, scenario)) return broken;
  const window = plan.windows.find(
    ({ startMs, endMs }) => step.startMs >= startMs && step.settleUntilMs <= endMs,
  );
  if (window === undefined) broken.push(`${step.id} is in no window`);
  const spike = plan.load.segments.find(
    ({ kind, startMs, endMs }) =>
      kind === "spike" &&
      step.startMs < endMs + scenario.chaos.settleMs - 1_000 &&
      step.settleUntilMs > startMs + 1_000,
  );
  if (spike !== undefined) broken.push(`${step.id} touches a spike`);
  return broken;
}

function brokenPairs({ faults }: Plan, scenario: Scenario): string[] {
  const broken: string[] = [];
  for (const [index, later] of faults.entries()) {
    for (const earlier of faults.slice(0, index)) {
      const bothPlanned = isPlanned(earlier, scenario) && isPlanned(later, scenario);
      const near = later.startMs - earlier.startMs < scenario.chaos.restartSpacingMs;
      const sameService = earlier.expect.service === later.expect.service;
      if (later.startMs < earlier.startMs) broken.push(`${later.id} is out of order`);
      if (later.startMs < earlier.settleUntilMs && (!bothPlanned || earlier.target === later.target))
        broken.push(`${later.id} starts before ${earlier.id} has settled`);
      if (!bothPlanned && near && sameService && earlier.expect.restarts && later.expect.restarts)
        broken.push(`${later.id} restarts too soon after ${earlier.id}`);
      if (later.id === earlier.id) broken.push(`${later.id} comes twice`);
    }
  }
  return broken;
}

function brokenWindows({ windows, faults, durationMs }: Plan, scenario: Scenario): string[] {
  const broken: string[] = [];
  for (const { startMs, endMs } of windows) {
    const drawn = faults.filter(
      (step) => step.startMs >= startMs && step.startMs < endMs && !isPlanned(step, scenario),
    );
    const heldMs = drawn.reduce((sum, step) => sum + step.healMs - step.startMs, 0);
    if (endMs > durationMs) broken.push(`a window ends at ${endMs}`);
    if (scenario.chaos.pick === "shuffled" && heldMs > scenario.chaos.dutyCycle * (endMs - startMs))
      broken.push(`the window at ${startMs} has ${heldMs} ms under fault`);
    if (drawn.length === 0) broken.push(`the window at ${startMs} is empty`);
    const names = (list: readonly { fault: string }[]): string =>
      list
        .map(({ fault }) => fault)
        .toSorted()
        .join();
    const whole = endMs <= durationMs - (scenario.chaos.quietStretchMs ?? 0);
    if (scenario.chaos.pick === "once-each" && whole && names(drawn) !== names(scenario.chaos.faults))
      broken.push(`the window at ${startMs} has not every fault once`);
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
