// The configuration part of `faults` (factories.ts): faults on the files that a stack names under `configFiles`.
import type { FaultChoice } from "../scenario/scenario.ts";
import type { CorruptionVariant } from "./corrupt-bytes.ts";
import type { Choice, HeldTiming, MomentaryTiming, Ranged } from "./factories.ts";

/** A value of a config file: `key` is the path of a number, true or false below `values`, such as "limits.perMinute". */
export interface WrongValue {
  readonly file: Choice<string>;
  readonly key: string;
  /** Another than the file holds, of the same kind, which the service's own schema should allow. */
  readonly value: Ranged | boolean;
}

export const configuration = {
  /**
   * A config file goes bad on disk: cut, one line without its separator, a wrong checksum, the next state half written, or a link to itself
   * in its place, which nobody can read.
   */
  configCorruption: (
    options: { readonly file: Choice<string>; readonly variant: Choice<CorruptionVariant> },
    timing: MomentaryTiming = {},
  ): FaultChoice => ({ fault: "config-corruption", options, ...timing }),

  /** A config file gets a wrong value and stays valid, its version what it was. */
  configDrift: (options: WrongValue, timing: HeldTiming = {}): FaultChoice => ({
    fault: "config-drift",
    options: { ...options },
    ...timing,
  }),

  /**
   * A second writer holds the lock of a config file (the stack names its `lockFile`), writes a state of its own with `value` at `key` under
   * the version in force, and keeps the lock.
   */
  configLock: (options: WrongValue, timing: HeldTiming = {}): FaultChoice => ({
    fault: "config-lock",
    options: { ...options },
    ...timing,
  }),
} as const;
