// What condensing a plan may change and what not, written without regard to how it is done.
import type { FaultStep, Plan } from "../plan.ts";

const floorMs = 15_000;

/** Every rule that `short`, condensed from `full`, breaks, in words. */
export function brokenCondensation(full: Plan, short: Plan): string[] {
  const broken: string[] = [];
  const { condensed } = short;
  if (condensed?.ofHash !== full.hash || condensed.of !== full.scenario || short.hash === full.hash)
    broken.push("it does not say what it was made from");
  if (!short.scenario.startsWith("condensed ")) broken.push(`it is called ${short.scenario}`);
  if (short.durationMs >= full.durationMs) broken.push(`it lasts ${short.durationMs}`);
  if (short.objectives.memoryDrift !== undefined) broken.push("it judges drift");
  if ((short.objectives.availability ?? 0) > (full.objectives.availability ?? 1))
    broken.push("it asks for more availability");
  const { allowedMs, plannedMs } = short.budget;
  if (allowedMs !== null && (plannedMs > allowedMs || short.objectives.availability === undefined))
    broken.push(`it may cost ${plannedMs} of ${allowedMs}`);
  if (same(full) !== same(short)) broken.push("the faults or their order differ");
  else broken.push(...brokenTimes(full, short));
  return [...broken, ...brokenSpikes(full, short), ...brokenRestarts(short), ...brokenDrills(full, short)];
}

/** The same drills in the same order, each still alone. */
function brokenDrills(full: Plan, short: Plan): string[] {
  const names = ({ drills = [] }: Plan): string =>
    JSON.stringify(drills.map(({ id, options }) => [id, options]));
  const broken = names(full) === names(short) ? [] : ["the drills or their order differ"];
  const all = [
    ...short.faults,
    ...(short.drills ?? []),
    ...spikes(short).map((spike) => ({
      id: "a spike",
      settleUntilMs: spike.endMs - 1_000,
      startMs: spike.startMs + 1_000,
    })),
  ];
  for (const drill of short.drills ?? [])
    for (const other of all)
      if (other !== drill && other.startMs < drill.settleUntilMs && drill.startMs < other.settleUntilMs)
        broken.push(`${drill.id} is beside ${other.id}`);
  return broken;
}

function same({ faults }: Plan): string {
  return JSON.stringify(
    faults.map(({ id, fault, target, options, pattern, skipped }) => [
      id,
      fault,
      target,
      options,
      pattern,
      skipped,
    ]),
  );
}

function brokenTimes(full: Plan, short: Plan): string[] {
  const broken: string[] = [];
  const of = (step: FaultStep): number => step.healMs - step.startMs;
  for (const [index, step] of short.faults.entries()) {
    const before = full.faults[index];
    if (before === undefined) continue;
    if (of(step) > of(before)) broken.push(`${step.id} is held for longer`);
    if (of(step) < Math.min(of(before), floorMs)) broken.push(`${step.id} is held for ${of(step)}`);
    if (step.startMs < short.warmUpMs) broken.push(`${step.id} starts in the warm-up`);
    if (step.settleUntilMs > short.durationMs - (short.finalSettleMs ?? 0))
      broken.push(`${step.id} reaches into the final settle`);
    for (const [other, mate] of short.faults.slice(0, index).entries()) {
      const mateBefore = full.faults[other];
      if (mateBefore === undefined) continue;
      const was = before.startMs < mateBefore.healMs;
      if (was !== step.startMs < mate.healMs) broken.push(`${step.id} and ${mate.id} overlap otherwise`);
      const together = before.group !== undefined && before.group === mateBefore.group;
      if (!together && step.startMs < mate.settleUntilMs)
        broken.push(`${step.id} does not let ${mate.id} settle`);
    }
  }
  return broken;
}

function spikes({ load }: Plan): { startMs: number; endMs: number }[] {
  const found: { startMs: number; endMs: number }[] = [];
  for (const { kind, startMs, endMs } of load.segments) {
    const last = found.at(-1);
    if (kind !== "spike") continue;
    if (last?.endMs === startMs) last.endMs = endMs;
    else found.push({ startMs, endMs });
  }
  return found;
}

function brokenSpikes(full: Plan, short: Plan): string[] {
  const broken: string[] = [];
  const before = spikes(full);
  for (const [index, spike] of spikes(short).entries()) {
    const lengthMs = spike.endMs - spike.startMs;
    const was = before[index];
    if (was === undefined) continue;
    if (lengthMs < Math.min(30_000, was.endMs - was.startMs) - 1_000)
      broken.push(`spike ${index} lasts ${lengthMs}`);
    for (const [at, step] of short.faults.entries()) {
      const touches = step.startMs < spike.endMs - 1_000 && step.settleUntilMs > spike.startMs + 1_000;
      const full1 = full.faults[at];
      const touched = full1 !== undefined && full1.startMs < was.endMs && full1.settleUntilMs > was.startMs;
      if (touches && !touched && full1?.group === undefined) broken.push(`${step.id} touches a spike`);
    }
  }
  return broken;
}

function brokenRestarts({ faults, stack }: Plan): string[] {
  const spacingMs = stack.watchdog?.resetMs ?? 0;
  const restarts = faults.filter(({ expect }) => expect.restarts);
  return restarts.flatMap((step, index) => {
    const before = restarts
      .slice(0, index)
      .find(
        (other) =>
          other.expect.service === step.expect.service &&
          (step.group === undefined || other.group !== step.group) &&
          step.startMs - other.startMs < spacingMs,
      );
    return before === undefined ? [] : [`${step.id} restarts too soon after ${before.id}`];
  });
}
