// The typed factories of the faults inside a process; they are part of `faults` in factories.ts, where the values are explained.
import type { FaultChoice } from "../scenario/scenario.ts";
import type { Size } from "../support/bytes.ts";
import type { Choice, HeldTiming, Ranged } from "./factories.ts";

export const insideProcess = {
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

  /** A service's event loop stands still: its process lives and answers nothing. A watchdog may replace it meanwhile. Hold it for 4 s or longer. */
  eventLoopBlock: (options: { readonly service: Choice<string> }, timing: HeldTiming = {}): FaultChoice => ({
    fault: "event-loop-block",
    options,
    ...timing,
  }),

  /**
   * A service leaks file descriptors, 1 to 500 `perSecond`, and stays at `most`, 10 to 10,000. Where that meets the limit of the process
   * (ulimit -n) the service can open nothing any more, and its users notice: no cost is planned for that.
   */
  descriptorLeak: (
    options: { readonly service: Choice<string>; readonly perSecond: Ranged; readonly most: Ranged },
    timing: HeldTiming = {},
  ): FaultChoice => ({ fault: "descriptor-leak", options, ...timing }),

  /**
   * A service leaks connections over one of its own links, 1 to 100 `perSecond`, and stays at `most`, 5 to 1,000. Those to PostgreSQL are
   * sessions and take its slots: once the last is gone the service's own pool suffers, and no cost is planned for that.
   */
  connectionLeak: (
    options: {
      readonly service: Choice<string>;
      readonly link: Choice<string>;
      readonly perSecond: Ranged;
      readonly most: Ranged;
    },
    timing: HeldTiming = {},
  ): FaultChoice => ({ fault: "connection-leak", options, ...timing }),

  /** The clock that a service reads is off by a second to ten days (`byMs`), ahead unless `direction` says "behind". */
  clockShift: (
    options: {
      readonly service: Choice<string>;
      readonly byMs: Ranged;
      readonly direction?: Choice<"ahead" | "behind">;
    },
    timing: HeldTiming = {},
  ): FaultChoice => ({ fault: "clock-shift", options, ...timing }),
} as const;
