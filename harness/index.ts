// The public surface: what scenario files and people who extend Kiln import from "kiln-burnin".
import type { ScenarioInput } from "./scenario/scenario.ts";
import type { StackSpec } from "./scenario/stack-spec.ts";

export { drills, type DrillTiming } from "./drills/factories.ts";
export { faults } from "./faults/factories.ts";
export { patterns } from "./faults/patterns.ts";
export { defineFault } from "./faults/fault.ts";
export type {
  Confirmation,
  Expectation,
  Fault,
  FaultContext,
  FaultTable,
  RecoveryLevel,
} from "./faults/fault.ts";
export type {
  CascadeChoice,
  ChaosInput,
  DrillChoice,
  DurationRange,
  FaultChoice,
  FlappingChoice,
  JourneysInput,
  LoadInput,
  ObjectivesInput,
  PatternChoice,
  ScenarioInput,
  StackFunction,
} from "./scenario/scenario.ts";
export type {
  AcknowledgedWrite,
  BackupOperation,
  ConfigOperation,
  OperationsSpec,
  SlotOperation,
  TimedCommand,
} from "./scenario/operations-spec.ts";
export type {
  Capability,
  ConfigFileSpec,
  LinkSpec,
  PostgresService,
  ProgramService,
  RedisService,
  ServiceSpec,
  StackSpec,
  VolumeSpec,
  WatchdogSpec,
} from "./scenario/stack-spec.ts";
export type { Journey, Visit } from "./probes/journey/contract.ts";
export type { Duration } from "./support/duration.ts";

/** Gives a scenario file its types. Checks nothing: that is done when the file is loaded. */
export function defineScenario(scenario: ScenarioInput): ScenarioInput {
  return scenario;
}

/** Gives the description of a stack its types. Checks nothing: that is done when a scenario that uses it is loaded. */
export function defineStack(stack: StackSpec): StackSpec {
  return stack;
}
