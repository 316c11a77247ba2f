// The rules of drills in a plan, written without regard to how the planner does it.
import type { Scenario } from "../../scenario/scenario.ts";
import type { FaultStep, Plan } from "../plan.ts";

/** When the harm ends: heal, or for momentary faults the time that they may cost, at least a second. */
export function overAt(step: FaultStep): number {
  return step.kind === "held" ? step.healMs : step.startMs + Math.max(1_000, step.expect.unavailableMs);
}

/** Beside a drill there is nothing: until it is undone and has settled, and before it until everything else has. */
export function brokenDrills(
  { drills = [], faults, load, durationMs }: Plan,
  { chaos, warmUpMs }: Scenario,
): string[] {
  const broken: string[] = [];
  const quietMs = chaos.quietStretchMs ?? 0;
  for (const [index, drill] of drills.entries()) {
    const { id, startMs, settleUntilMs } = drill;
    const beside = (fromMs: number, toMs: number): boolean => fromMs < settleUntilMs && startMs < toMs;
    if (startMs < warmUpMs) broken.push(`${id} starts in the warm-up`);
    if (settleUntilMs > durationMs - chaos.finalSettleMs) broken.push(`${id} reaches into the final settle`);
    if (drill.expect.restarts && settleUntilMs > durationMs - quietMs)
      broken.push(`${id} is in the quiet stretch`);
    // Segments begin at whole starts, a second off the spike at most.
    for (const segment of load.segments)
      if (segment.kind === "spike" && beside(segment.startMs + 1_000, segment.endMs + chaos.settleMs - 1_000))
        broken.push(`${id} touches a spike`);
    for (const fault of faults) {
      if (beside(fault.startMs, Math.max(fault.settleUntilMs, overAt(fault))))
        broken.push(`${id} is beside ${fault.id}`);
      const restarts = drill.expect.restarts && fault.expect.restarts;
      const distances = [startMs, drill.healMs].map((ms) => Math.abs(ms - fault.startMs));
      if (restarts && Math.min(...distances) < chaos.restartSpacingMs)
        broken.push(`${id} restarts near ${fault.id}`);
    }
    const before = drills[index - 1];
    if (before !== undefined && beside(before.startMs, before.settleUntilMs))
      broken.push(`${id} is beside ${before.id}`);
  }
  return broken;
}
