// Named patterns of faults for scenario files: typed functions that yield plain data, as in factories.ts. A pattern is chosen in windows, or
// planned at a time, like one fault. Between its steps `chaos.settle` does not hold, before and after it does, and nothing lies beside it.
import type {
  CascadeChoice,
  Chances,
  DurationRange,
  FaultChoice,
  FlappingChoice,
} from "../scenario/scenario.ts";
import type { Duration } from "../support/duration.ts";

export interface PatternTiming extends Chances {
  /** Start, counted from the start of load; only under `chaos.planned`. */
  readonly at?: Duration;
}

export const patterns = {
  /** A link goes down and comes back `times` times in a row (2 to 100), down for `downFor` and up for `upFor` each time. */
  flapping: (
    options: Pick<FlappingChoice, "link" | "times" | "downFor" | "upFor">,
    timing: PatternTiming & Pick<FlappingChoice, "ifMissing"> = {},
  ): FlappingChoice => ({ pattern: "flapping", ...options, ...timing }),

  /**
   * Faults that begin one after the other, each `gap` after the start of the one before, and hold as each says: they may overlap, on
   * different targets. `atMostAtOnce` has to say how many of them do, where that is more than `chaos.atMostAtOnce` (1).
   */
  cascade: (
    steps: readonly FaultChoice[],
    options: { readonly gap: DurationRange; readonly atMostAtOnce?: number },
    timing: PatternTiming = {},
  ): CascadeChoice => ({ pattern: "cascade", steps, ...options, ...timing }),
} as const;
