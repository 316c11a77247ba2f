// The typed factories of the faults around a process; they are part of `faults` in factories.ts, where the values are explained.
import type { FaultChoice } from "../scenario/scenario.ts";
import type { Size } from "../support/bytes.ts";
import type { Choice, HeldTiming, Ranged } from "./factories.ts";

export const aroundProcess = {
  /**
   * A service's processes together get at most so many cores, 0.05 to 2. Counts as effective only while the service wants more than that:
   * choose a quota below its need. Needs control groups (Linux, root); children that it starts are under the quota, too.
   */
  cpuQuota: (
    options: { readonly service: Choice<string>; readonly cores: Ranged },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "cpu-quota",
    options,
    ...timing,
  }),

  /**
   * A service may take `headroom` more memory, "4MiB" to "512MiB", counted from when the fault begins; beyond that the kernel kills it, and
   * the process that takes its place is not limited. Needs control groups (Linux, root).
   */
  memoryLimit: (
    options: { readonly service: Choice<string>; readonly headroom: Choice<Size> },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "memory-limit",
    options,
    ...timing,
  }),

  /**
   * All but `leave` of a service's volume is taken, "0B" (default) to "64MiB"; the stack has to give that service a volume. Needs the right to
   * mount (root).
   */
  diskFull: (
    options: { readonly service: Choice<string>; readonly leave?: Choice<Size> },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "disk-full",
    options: { leave: "0B", ...options },
    ...timing,
  }),
} as const;
