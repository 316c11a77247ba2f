// What a user writes in a scenario file, as types. The schema that checks it is schema.ts; loading is load-scenario.ts.
import type { Duration } from "../support/duration.ts";
import type { Json } from "../support/json.ts";
import type { StackSpec } from "./stack-spec.ts";

/**
 * One fault as the typed factories make it: plain data. In `options`, [low, high] (two numbers) is a range and { oneOf: [...] } a choice;
 * the plan's generator draws both: whole numbers between whole ends, else fractions.
 */
export interface FaultChoice extends Chances {
  readonly fault: string;
  readonly options: { readonly [key: string]: Json };
  /** How long a held fault stays in; a range is drawn. Default "30s". Not for momentary faults. */
  readonly hold?: Duration | readonly [Duration, Duration];
  /** Start, counted from the start of load. Only for faults under `chaos.planned`. */
  readonly at?: Duration;
  /** When the stack or the machine lacks what the fault needs: "refuse" the plan (default), or "skip" it and show it as lost coverage. */
  readonly ifMissing?: "refuse" | "skip";
}

/** A time, or the two ends of a range from which the plan's generator draws one. */
export type DurationRange = Duration | readonly [shortest: Duration, longest: Duration];

/** How often something comes in windows; not for what has a time of its own (`chaos.planned`). */
export interface Chances {
  /** With pick "shuffled": how often it is drawn, compared with the others; above zero, default 1. */
  readonly weight?: number;
  /** So often it comes in each run; a plan that cannot keep it is refused. Default: once, where the windows have room for it. */
  readonly atLeast?: number;
}

interface PatternTiming extends Chances {
  /** Start, counted from the start of load. Only under `chaos.planned`. */
  readonly at?: Duration;
}

/** One link that goes down and comes back several times in a row. Made by `patterns.flapping`. */
export interface FlappingChoice extends PatternTiming {
  readonly pattern: "flapping";
  readonly link: string | { readonly oneOf: readonly string[] };
  /** How often it goes down. */
  readonly times: number;
  readonly downFor: DurationRange;
  /** From one end to the next start. */
  readonly upFor: DurationRange;
  readonly ifMissing?: "refuse" | "skip";
}

/** Several faults that begin one after the other and may overlap. Made by `patterns.cascade`. */
export interface CascadeChoice extends PatternTiming {
  readonly pattern: "cascade";
  /** In the order in which they begin; without times, weights or minimums of their own. */
  readonly steps: readonly FaultChoice[];
  /** From one start to the next. */
  readonly gap: DurationRange;
  /** So many of its steps may be in force at once, where that is more than `chaos.atMostAtOnce`. */
  readonly atMostAtOnce?: number;
}

/** Several steps under one name; between them `chaos.settle` does not hold, before and after them it does. */
export type PatternChoice = FlappingChoice | CascadeChoice;

export interface ChaosInput {
  /** Windows in which faults are drawn. Ranges are drawn for each window. `firstAt` counts from the start of load; default: `every`. */
  readonly window?: {
    readonly every: DurationRange;
    readonly for: Duration;
    readonly firstAt?: DurationRange;
  };
  /** Share of a window's time spent under some fault; default 0.2. With pick "once-each" it is not used. */
  readonly dutyCycle?: number;
  /** "shuffled" (default): drawn by weight until the duty cycle is used. "once-each": every fault and pattern once a window. */
  readonly pick?: "shuffled" | "once-each";
  readonly faults?: readonly (FaultChoice | PatternChoice)[];
  /** Faults and patterns at fixed times, besides the windows. */
  readonly planned?: readonly (FaultChoice | PatternChoice)[];
  /** Quiet time after each fault's end, before the next; default "30s". */
  readonly settle?: Duration;
  /** Quiet time at the end of the load, after the settle time of the last fault; default: `settle`. */
  readonly finalSettle?: Duration;
  /** Restart faults on one service start at least this far apart; default: the stack's `watchdog.resetMs`, else "90s". */
  readonly restartSpacing?: Duration;
  /** One stretch of at least this length at the end without restart faults, so that drift can be seen. */
  readonly quietStretch?: Duration;
  /** Most faults in force at once; default 1. Above 1 the faults of a window may overlap, on different targets. */
  readonly atMostAtOnce?: number;
  /** Whether faults on one target may overlap; default "refuse": nobody could say whose harm and whose recovery it is. */
  readonly sameTarget?: "refuse" | "allow";
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

/**
 * One planned operation as the typed factories (`drills`) make it: plain data. Either `at` a time of its own, or `every` so often: then each
 * comes as soon after its time as there is room beside faults planned at fixed times, load spikes and other drills.
 */
export interface DrillChoice {
  readonly drill: string;
  readonly options: { readonly [key: string]: Json };
  /** Start, counted from the start of load. */
  readonly at?: Duration;
  readonly every?: Duration;
  /** With `every`: the first one; default: `every`. */
  readonly firstAt?: Duration;
  /** From its start to its undoing; default, and least: as long as its commands and looks may take. */
  readonly hold?: Duration;
}

/** A browser that visits the stack's page during the load, as a probe. */
export interface JourneysInput {
  /** Playwright script (TypeScript) relative to the scenario file; its default export is a `Journey`. */
  readonly script: string;
  /** The program whose page is visited, on its own port. */
  readonly service: string;
  /** From one visit's start to the next, at least "10s"; default "1m". The first is made after the warm-up. */
  readonly every?: Duration;
  /** Share of the visits outside the spans of faults that must succeed; default 0.95. */
  readonly succeed?: number;
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

/** Makes a stack whose watchdog and health checks take as long as in production, or a fraction of that. */
export type StackFunction = (options: { readonly thresholds: "production" | "quick" }) => StackSpec;

export interface ScenarioInput {
  readonly name: string;
  /** One sentence for `kiln scenarios` and the report. */
  readonly description?: string;
  /** The stack, or a function that makes it: `kiln run --condense` asks it for quick thresholds. */
  readonly stack: StackSpec | StackFunction;
  /** Length of the load, from its first request to its last. */
  readonly duration: Duration;
  /** Quiet-machine check before the load; default "30s". */
  readonly preflight?: Duration;
  /** Start of the load that is not judged (caches fill, code warms up); default "10s". */
  readonly warmUp?: Duration;
  readonly load: LoadInput;
  readonly chaos?: ChaosInput;
  /** Planned operations, in which nothing is broken. Nothing else happens to the stack beside one, nor in the settle time after it. */
  readonly drills?: readonly DrillChoice[];
  readonly journeys?: JourneysInput;
  readonly objectives: ObjectivesInput;
  /** Ends the run early, heals and takes down: what comes after such a time is no evidence. */
  readonly stopWhen?: {
    /** No request succeeded for so long. */
    readonly unavailableFor?: Duration;
    /** More than this share of the requests of the last so long failed, such as { over: "1m", above: 0.5 }. */
    readonly failedShare?: { readonly over: Duration; readonly above: number };
  };
}

/** Both ends included; equal where the value is fixed. */
export type Range = readonly [low: number, high: number];

interface ParsedChances {
  readonly weight: number;
  /** Null: once, where the windows have room. */
  readonly atLeast: number | null;
}

/** A fault as chosen, parsed; `holdMs` null: the default. */
export interface ChosenFault extends ParsedChances {
  readonly fault: string;
  readonly options: { readonly [key: string]: Json };
  readonly holdMs: Range | null;
  readonly ifMissing: "refuse" | "skip";
}

/** A pattern as chosen, parsed: its list of steps, so many times over. */
export interface ChosenPattern extends ParsedChances {
  readonly pattern: PatternChoice["pattern"];
  readonly steps: readonly ChosenFault[];
  readonly times: number;
  readonly gapMs: Range;
  /** What the gap to the next step is counted from. */
  readonly gapFrom: "start" | "end";
  /** What the pattern itself asks for; null: what holds for all. */
  readonly atMostAtOnce: number | null;
}

export type Chosen = ChosenFault | ChosenPattern;

/** A drill as chosen, parsed; `holdMs` null: the default. */
export interface ChosenDrill {
  readonly drill: string;
  readonly options: { readonly [key: string]: Json };
  readonly when: { readonly atMs: number } | { readonly everyMs: number; readonly firstAtMs: number };
  readonly holdMs: number | null;
}

/** Windows: each `everyMs` after the start of the one before. */
export interface WindowTimes {
  readonly everyMs: Range;
  readonly forMs: number;
  readonly firstAtMs: Range;
}

/** Something that comes back every `everyMs` for `forMs`, the first time at `firstAtMs`. */
export interface Recurring {
  readonly everyMs: number;
  readonly forMs: number;
  readonly firstAtMs: number;
}

/** Visits of a browser, parsed. */
export interface Journeys {
  readonly script: string;
  readonly service: string;
  readonly everyMs: number;
  readonly succeed: number;
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
    readonly window: WindowTimes | null;
    readonly dutyCycle: number;
    readonly pick: "shuffled" | "once-each";
    readonly faults: readonly Chosen[];
    readonly planned: readonly (Chosen & { readonly atMs: number })[];
    readonly settleMs: number;
    readonly finalSettleMs: number;
    readonly restartSpacingMs: number;
    readonly quietStretchMs: number | null;
    readonly atMostAtOnce: number;
    readonly sameTarget: "refuse" | "allow";
  };
  /** Absent where there are none. */
  readonly drills?: readonly ChosenDrill[];
  /** Absent where no browser is to visit the stack. */
  readonly journeys?: Journeys;
  readonly objectives: ObjectivesInput;
  readonly stopWhen: {
    readonly unavailableForMs: number | null;
    readonly failedShare?: { readonly overMs: number; readonly above: number };
  };
}
