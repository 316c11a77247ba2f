// Which plan this is: SHA-256 over what decides a run. The same on every machine, so nothing in it knows paths, commands, environment or ports.
import { basename } from "node:path";
import type { Scenario } from "../scenario/scenario.ts";
import type { StackSpec } from "../scenario/stack-spec.ts";
import { canonicalJson, sha256 } from "../support/json.ts";
import type { Plan } from "./plan.ts";

export function planHash(
  { plannerVersion, seed, durationMs, load, windows, faults, drills, condensed }: Plan,
  scenario: Scenario,
): string {
  const data = {
    plannerVersion,
    seed,
    condensed,
    scenario: {
      ...scenario,
      stack: stackIdentity(scenario.stack),
      load: { ...scenario.load, script: basename(scenario.load.script) },
      // Undefined is left out: scenarios without journeys keep their hash.
      journeys: scenario.journeys && { ...scenario.journeys, script: basename(scenario.journeys.script) },
    },
    // What a machine cannot carry and so is skipped on it does not make another plan.
    timeline: {
      durationMs,
      segments: load.segments,
      windows,
      faults: faults.map(({ skipped: _skipped, ...step }) => step),
      // Undefined is left out: plans without drills keep their hash.
      drills,
    },
  };
  return sha256(canonicalJson(data));
}

/** The stack without what differs from machine to machine. */
function stackIdentity(stack: StackSpec): unknown {
  const services = stack.services.map((service) => {
    if (service.kind !== "program") return service;
    const { command: _command, env: _env, agentMain, ...rest } = service;
    return { ...rest, agent: agentMain !== undefined };
  });
  // Operations are commands; which of them are carried out, and when, is in the timeline.
  const { operations: _operations, ...rest } = stack;
  return { ...rest, services };
}
