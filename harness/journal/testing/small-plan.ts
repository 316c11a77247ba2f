// The smallest plan.json that is a plan, for tests of run folders.
import type { Plan } from "../../plan/plan.ts";

export function smallPlan(changes: Partial<Plan> = {}): Plan {
  return {
    v: 1,
    plannerVersion: 1,
    scenario: "smoke",
    description: "",
    seed: "1",
    hash: "h",
    durationMs: 10_000,
    preflightMs: 0,
    warmUpMs: 0,
    load: { script: "s.ts", timeoutMs: 2_000, segments: [] },
    windows: [],
    faults: [],
    budget: { allowedMs: null, plannedMs: 0 },
    objectives: {},
    stopWhen: { unavailableForMs: null },
    stack: { name: "none", driver: "processes", services: [], links: [] },
    ...changes,
  };
}
