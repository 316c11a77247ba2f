// What a scenario file uses to name faults: typed functions that yield plain data (FaultChoice). Nothing is checked or drawn here; the
// plan resolves ranges and choices with its seeded generator and then parses the options with the fault's own schema:
//   [low, high]         a pair of numbers: one between them is drawn, both ends included; a whole number when both ends are whole,
//                       otherwise one of four decimals
//   {oneOf: [a, b, c]}  one of the items is picked
// Durations in the timing (`hold`) may be a pair of texts, such as ["20s", "60s"].
import type { FaultChoice } from "../scenario/scenario.ts";
import type { Duration } from "../support/duration.ts";
import { aroundProcess } from "./factories-around-process.ts";
import { configuration } from "./factories-configuration.ts";
import { processes } from "./factories-processes.ts";
import { insideProcess } from "./factories-inside-process.ts";
import type { PartitionDirection } from "./partition.ts";

/** One value, or several of which the plan picks one. */
export type Choice<T extends string | number> = T | { readonly oneOf: readonly T[] };

/** A number, a range [low, high] with both ends included, or several to pick from. */
export type Ranged = Choice<number> | readonly [low: number, high: number];

/** `weight` and `atLeast`: how often it comes in windows. */
export interface HeldTiming extends Pick<FaultChoice, "weight" | "atLeast" | "ifMissing"> {
  /** How long the fault stays in; a pair is drawn from. Default "30s". */
  readonly hold?: Duration | readonly [Duration, Duration];
  /** Start, counted from the start of load; only under `chaos.planned`. */
  readonly at?: Duration;
}

export type MomentaryTiming = Omit<HeldTiming, "hold">;

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

  /**
   * Answers of a link come late by delayMs - jitterMs to delayMs + jitterMs, changing all the time: delayMs 20 to 400, jitterMs 20 to 200 and no
   * more than delayMs, together at most 400. In which order: `seed`, drawn by the plan unless given.
   */
  jitter: (
    options: {
      readonly link: Choice<string>;
      readonly delayMs: Ranged;
      readonly jitterMs: Ranged;
      readonly seed?: Ranged;
    },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "jitter",
    options: { seed: [0, 0x7fff_ffff], ...options },
    ...timing,
  }),

  /** Answers of a link come through at no more than 8 to 512 KiB/s; the limit is each connection's own. */
  bandwidth: (
    options: { readonly link: Choice<string>; readonly kibPerSecond: Ranged },
    timing: HeldTiming = {},
  ): FaultChoice => ({ fault: "bandwidth", options, ...timing }),

  /**
   * Answers of a link arrive in pieces of at most 16 to 4,096 bytes, with a pause of 5 to 100 ms after each. On a link to an HTTP service
   * the pieces must be well below the size of its answers, or nothing is cut.
   */
  slicing: (
    options: { readonly link: Choice<string>; readonly sliceBytes: Ranged; readonly gapMs: Ranged },
    timing: HeldTiming = {},
  ): FaultChoice => ({ fault: "slicing", options, ...timing }),

  /** Connections of a link are reset 0 to 1,000 ms (default 0) after the first answer that should come over them. */
  reset: (
    options: { readonly link: Choice<string>; readonly afterMs?: Ranged },
    timing: HeldTiming = {},
  ): FaultChoice => ({ fault: "reset", options: { afterMs: 0, ...options }, ...timing }),

  /** Nothing that is sent over a link arrives, and each connection is closed after 100 to 8,000 ms. */
  timeout: (
    options: { readonly link: Choice<string>; readonly afterMs: Ranged },
    timing: HeldTiming = {},
  ): FaultChoice => ({ fault: "timeout", options, ...timing }),

  /** Each connection of a link ends after 1 to 65,536 bytes of answers. */
  dataLimit: (
    options: { readonly link: Choice<string>; readonly bytes: Ranged },
    timing: HeldTiming = {},
  ): FaultChoice => ({ fault: "data-limit", options, ...timing }),

  /** Data on a link vanishes: requests ("to-service"), answers ("from-service") or both (the default). */
  partition: (
    options: { readonly link: Choice<string>; readonly direction?: Choice<PartitionDirection> },
    timing: HeldTiming = {},
  ): FaultChoice => ({ fault: "partition", options: { direction: "both", ...options }, ...timing }),

  /** A service with a control endpoint fails a share of its calls, 0.05 to 1. Which ones: `seed`, drawn by the plan unless given. */
  upstreamErrors: (
    options: { readonly service: Choice<string>; readonly rate: Ranged; readonly seed?: Ranged },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "upstream-errors",
    options: { seed: [0, 0x7fff_ffff], ...options },
    ...timing,
  }),

  /**
   * A service with a control endpoint answers a share of its calls (`rate`, 0.1 to 1, default 1) late by 20 to 5,000 ms. Which ones: `seed`, drawn
   * by the plan unless given.
   */
  upstreamSlow: (
    options: {
      readonly service: Choice<string>;
      readonly delayMs: Ranged;
      readonly rate?: Ranged;
      readonly seed?: Ranged;
    },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "upstream-slow",
    options: { seed: [0, 0x7fff_ffff], ...options },
    ...timing,
  }),

  ...insideProcess,

  ...aroundProcess,

  ...configuration,

  ...processes,
} as const;
