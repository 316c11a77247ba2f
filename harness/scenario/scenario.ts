// What a user writes in a scenario file, as types. The schema that checks it is schema.ts; loading is load-scenario.ts.
import type { Duration } from "../support/duration.ts";
import type { Json } from "../support/json.ts";
import type { StackSpec } from "./stack-spec.ts";

/**
 * One fault as the typed factories make it: plain data. In `options`, [low, high] (two numbers) is a range and { oneOf: [...] } a choice;
 * the plan's generator draws both: whole numbers between whole ends, else fractions.
 */
export interface FaultChoice {
  readonly fault: string;
  readonly options: { readonly [key: string]: Json };
  /** How long a held fault stays in; a range is drawn. Default "30s". Not for momentary faults. */
  readonly hold?: Duration | readonly [Duration, Duration];
  /** Start, counted from the start of load. Only for faults under `chaos.planned`. */
  readonly at?: Duration;
  /** When the stack lacks what the fault needs: "refuse" the plan (default), or "skip" it and show it as lost coverage. */
  readonly ifMissing?: "refuse" | "skip";
}

export interface ChaosInput {
  /** Windows in which faults are drawn. `firstAt` counts from the start of load; default: `every`. */
  readonly window?: { readonly every: Duration; readonly for: Duration; readonly firstAt?: Duration };
  /** Share of a window's time spent under some fault; default 0.2. With pick "once-each" it is not used. */
  readonly dutyCycle?: number;
  /** "shuffled" (default): from a seeded bag, refilled when empty, until the duty cycle is used. "once-each": every fault once a window. */
  readonly pick?: "shuffled" | "once-each";
  readonly faults?: readonly FaultChoice[];
  /** Faults at fixed times, besides the windows. */
  readonly planned?: readonly FaultChoice[];
  /** Quiet time after each fault's end, before the next; default "30s". */
  readonly settle?: Duration;
  /** Restart faults on one service start at least this far apart (the watchdog's reset time); default "90s". */
  readonly restartSpacing?: Duration;
  /** One stretch of at least this length at the end without restart faults, so that drift can be seen. */
  readonly quietStretch?: Duration;
}

export interface LoadInput {
  /** k6 script (TypeScript) relative to the scenario file. */
  readonly script: string;
  /** Whole requests a second. */
  readonly steadyRps: number;
  /** `firstAt` counts from the start of load; default "30m", or half of `every` where that is less. */
  readonly spike?: {
    readonly rps: number;
    readonly every: Duration;
    readonly for: Duration;
    readonly firstAt?: Duration;
  };
  /** Length of a k6 segment; default "10m". */
  readonly rotateEvery?: Duration;
  /** Request time-out; default "2s". */
  readonly timeout?: Duration;
  /** Upper limit on virtual users. Below what the plan needs it makes the evidence doubtful. */
  readonly maxUsers?: number;
}

export interface ObjectivesInput {
  /** Share of essential requests that succeed, chaos included, such as 0.999. */
  readonly availability?: number;
  /** The same outside fault windows; default: not judged. */
  readonly calmAvailability?: number;
  /** 95th percentile of essential requests in calm, milliseconds. */
  readonly p95Ms?: number;
  /** Each recovery must be over within this time, milliseconds. */
  readonly recoveryMs?: number;
  /** Relative growth of memory over the run that is still fine, such as 0.1. */
  readonly memoryDrift?: number;
  /** Configuration corruptions not planned, or ever served; 0 in every sane scenario. */
  readonly configCorruptions?: number;
  /** True: gaps in monitoring data make the run inconclusive. */
  readonly completeMonitoring?: boolean;
}

export interface ScenarioInput {
  readonly name: string;
  /** One sentence for `kiln scenarios` and the report. */
  readonly description?: string;
  readonly stack: StackSpec;
  /** Length of the load, from its first request to its last. */
  readonly duration: Duration;
  /** Quiet-machine check before the load; default "30s". */
  readonly preflight?: Duration;
  /** Start of the load that is not judged (caches fill, code warms up); default "10s". */
  readonly warmUp?: Duration;
  readonly load: LoadInput;
  readonly chaos?: ChaosInput;
  readonly objectives: ObjectivesInput;
  readonly stopWhen?: { readonly unavailableFor?: Duration };
}

/** A fault as chosen, parsed: a hold range in milliseconds (both ends equal where it is fixed), null for the default. */
export interface ChosenFault {
  readonly fault: string;
  readonly options: { readonly [key: string]: Json };
  readonly holdMs: readonly [number, number] | null;
  readonly ifMissing: "refuse" | "skip";
}

/** Something that comes back every `everyMs` for `forMs`, the first time at `firstAtMs`. */
export interface Recurring {
  readonly everyMs: number;
  readonly forMs: number;
  readonly firstAtMs: number;
}

/** A scenario as the engine uses it: checked, durations in milliseconds, defaults filled in. */
export interface Scenario {
  readonly name: string;
  readonly description: string;
  readonly stack: StackSpec;
  readonly durationMs: number;
  readonly preflightMs: number;
  readonly warmUpMs: number;
  readonly load: {
    readonly script: string;
    readonly steadyRps: number;
    readonly spike: (Recurring & { readonly rps: number }) | null;
    readonly rotateEveryMs: number;
    readonly timeoutMs: number;
    readonly maxUsers: number | null;
  };
  readonly chaos: {
    readonly window: Recurring | null;
    readonly dutyCycle: number;
    readonly pick: "shuffled" | "once-each";
    readonly faults: readonly ChosenFault[];
    readonly planned: readonly (ChosenFault & { readonly atMs: number })[];
    readonly settleMs: number;
    readonly restartSpacingMs: number;
    readonly quietStretchMs: number | null;
  };
  readonly objectives: ObjectivesInput;
  readonly stopWhen: { readonly unavailableForMs: number | null };
}
