// What faults have in common in what a watchdog should do about them.
import type { Expectation } from "./fault.ts";

/** The service degrades and bears it: at most a soft recovery, no restart, and no time without service. */
export const calm: Expectation = {
  recovery: { atLeast: "none", atMost: "soft" },
  service: null,
  actWithinMs: null,
  restarts: false,
  unavailableMs: 0,
};
