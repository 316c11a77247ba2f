// A scenario with everything in it, on a stack that is never started, for the planner's tests.
import type {
  CascadeChoice,
  ChaosInput,
  FaultChoice,
  FlappingChoice,
  Scenario,
  ScenarioInput,
} from "../../scenario/scenario.ts";
import { parseScenario } from "../../scenario/schema.ts";
import type { StackSpec } from "../../scenario/stack-spec.ts";

export const exampleStack: StackSpec = {
  name: "example",
  driver: "processes",
  services: [
    { kind: "postgres", name: "postgres", user: "app", database: "app" },
    {
      kind: "program",
      name: "api",
      command: ["node", "/somewhere/api.ts"],
      env: { PORT: "{port:api}", DATABASE: "{link:postgres}" },
      readyPath: "/ready",
      agentMain: "api.ts",
    },
    { kind: "program", name: "worker", command: ["worker"], readyPath: "/ready" },
  ],
  links: [
    { name: "api", from: "load", to: "api" },
    { name: "postgres", from: "api", to: "postgres" },
  ],
  configFiles: [{ name: "api", service: "api", file: "config.json", readPath: "/config" }],
};

export const slow = (extra: Partial<FaultChoice> = {}): FaultChoice => ({
  fault: "slow",
  options: { link: "postgres", delayMs: [100, 400] },
  hold: ["20s", "40s"],
  ...extra,
});
export const crash = (extra: Partial<FaultChoice> = {}): FaultChoice => ({
  fault: "crash",
  options: { service: "api" },
  ...extra,
});
export const leak = (extra: Partial<FaultChoice> = {}): FaultChoice => ({
  fault: "leak",
  options: { service: "api" },
  hold: "30s",
  ...extra,
});
export const corrupt = (extra: Partial<FaultChoice> = {}): FaultChoice => ({
  fault: "corrupt",
  options: { file: "api" },
  ...extra,
});

export const flapping = (extra: Partial<FlappingChoice> = {}): FlappingChoice => ({
  pattern: "flapping",
  link: "postgres",
  times: 3,
  downFor: ["3s", "6s"],
  upFor: ["2s", "8s"],
  ...extra,
});
/** A slow link, a bad file and a leak, all three at once for a while. */
export const cascade = (extra: Partial<CascadeChoice> = {}): CascadeChoice => ({
  pattern: "cascade",
  steps: [slow({ hold: ["40s", "60s"] }), corrupt(), leak()],
  gap: ["5s", "15s"],
  atMostAtOnce: 3,
  ...extra,
});

/** Six hours with spikes, windows and planned faults; parts can be replaced. */
export function exampleInput(extra: Partial<ScenarioInput> = {}, chaos: ChaosInput = {}): ScenarioInput {
  return {
    name: "example",
    stack: exampleStack,
    duration: "6h",
    warmUp: "1m",
    load: { script: "load.ts", steadyRps: 65, spike: { rps: 175, every: "2h", for: "5m", firstAt: "1h10m" } },
    chaos: {
      window: { every: "1h", for: "30m" },
      faults: [slow(), crash(), leak(), corrupt()],
      planned: [crash({ at: "30m" })],
      quietStretch: "2h",
      ...chaos,
    },
    objectives: { availability: 0.99 },
    ...extra,
  };
}

export function parsed(input: unknown): Scenario {
  const result = parseScenario(input);
  if ("issues" in result) throw new Error(JSON.stringify(result.issues));
  return result.scenario;
}

export function exampleScenario(extra: Partial<ScenarioInput> = {}, chaos: ChaosInput = {}): Scenario {
  return parsed(exampleInput(extra, chaos));
}
