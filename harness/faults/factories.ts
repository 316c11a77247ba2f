// What a scenario file uses to name faults: typed functions that yield plain data (FaultChoice). Nothing is checked or drawn here; the
// plan resolves ranges and choices with its seeded generator and then parses the options with the fault's own schema:
//   [low, high]         a pair of numbers: one between them is drawn, both ends included; a whole number when both ends are whole,
//                       otherwise one of four decimals
//   {oneOf: [a, b, c]}  one of the items is picked
// Durations in the timing (`hold`) may be a pair of texts, such as ["20s", "60s"].
import type { FaultChoice } from "../scenario/scenario.ts";
import type { Size } from "../support/bytes.ts";
import type { Duration } from "../support/duration.ts";
import type { CorruptionVariant } from "./corrupt-bytes.ts";

/** One value, or several of which the plan picks one. */
export type Choice<T extends string | number> = T | { readonly oneOf: readonly T[] };

/** A number, a range [low, high] with both ends included, or several to pick from. */
export type Ranged = Choice<number> | readonly [low: number, high: number];

export interface HeldTiming {
  /** How long the fault stays in; a pair is drawn from. Default "30s". */
  readonly hold?: Duration | readonly [Duration, Duration];
  /** Start, counted from the start of load; only under `chaos.planned`. */
  readonly at?: Duration;
}

export type MomentaryTiming = Pick<HeldTiming, "at">;

export const faults = {
  /** Answers of a link come late by 20 to 5,000 ms. */
  latency: (
    options: { readonly link: Choice<string>; readonly delayMs: Ranged },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "latency",
    options,
    ...timing,
  }),

  /** A link is cut. */
  linkDown: (options: { readonly link: Choice<string> }, timing: HeldTiming = {}): FaultChoice => ({
    fault: "link-down",
    options,
    ...timing,
  }),

  /** A service with a control endpoint fails a share of its calls, 0.05 to 1. Which ones: `seed`, drawn by the plan unless given. */
  upstreamErrors: (
    options: { readonly service: Choice<string>; readonly rate: Ranged; readonly seed?: Ranged },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "upstream-errors",
    options: { seed: [0, 0x7fff_ffff], ...options },
    ...timing,
  }),

  /** A service's heap grows by `ratePerMin`, "4MiB" to "1GiB" a minute. */
  memoryLeak: (
    options: { readonly service: Choice<string>; readonly ratePerMin: Choice<Size> },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "memory-leak",
    options,
    ...timing,
  }),

  /** A thread inside a service burns 0.1 to 1 of one core. */
  cpuBurn: (
    options: { readonly service: Choice<string>; readonly share: Ranged },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "cpu-burn",
    options,
    ...timing,
  }),

  /** A config file goes bad on disk. */
  configCorruption: (
    options: { readonly file: Choice<string>; readonly variant: Choice<CorruptionVariant> },
    timing: MomentaryTiming = {},
  ): FaultChoice => ({ fault: "config-corruption", options, ...timing }),

  /** A service's process is killed with SIGKILL. */
  kill: (options: { readonly service: Choice<string> }, timing: MomentaryTiming = {}): FaultChoice => ({
    fault: "kill",
    options,
    ...timing,
  }),
} as const;
