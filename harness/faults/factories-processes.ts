// The factories of what happens to a service's process, and to PostgreSQL and Redis from inside; part of `faults` in factories.ts.
import type { FaultChoice } from "../scenario/scenario.ts";
import type { Choice, HeldTiming, MomentaryTiming, Ranged } from "./factories.ts";

export const processes = {
  /** A service's process is killed with SIGKILL. */
  kill: (options: { readonly service: Choice<string> }, timing: MomentaryTiming = {}): FaultChoice => ({
    fault: "kill",
    options,
    ...timing,
  }),

  /**
   * A service that another one starts is killed `kills` times, 2 to 10, within the hold: each new process `aliveMs` (0 to 10,000 ms, default 500)
   * after it listens.
   */
  crashLoop: (
    options: { readonly service: Choice<string>; readonly kills: Ranged; readonly aliveMs?: Ranged },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "crash-loop",
    options,
    ...timing,
  }),

  /** A service's process is stopped with SIGSTOP until the end of the hold; of PostgreSQL every process. */
  pause: (options: { readonly service: Choice<string> }, timing: HeldTiming = {}): FaultChoice => ({
    fault: "pause",
    options,
    ...timing,
  }),

  /** A service is killed and cannot come back before the end of the hold. */
  keepDown: (options: { readonly service: Choice<string> }, timing: HeldTiming = {}): FaultChoice => ({
    fault: "keep-down",
    options,
    ...timing,
  }),

  /** A backend of a PostgreSQL is killed with SIGKILL: the server drops every session and recovers. */
  postgresCrash: (
    options: { readonly service: Choice<string> },
    timing: MomentaryTiming = {},
  ): FaultChoice => ({
    fault: "postgres-crash",
    options,
    ...timing,
  }),

  /** A PostgreSQL or Redis refuses new connections; PostgreSQL keeps those that it reserves for superusers. */
  outOfConnections: (
    options: { readonly service: Choice<string> },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "out-of-connections",
    options,
    ...timing,
  }),

  /**
   * A table of a PostgreSQL is locked, so that every statement that touches it waits. It counts as exhausted when `connections`, 1 to 1,000,
   * wait: the pool's size or a little less, because statements time out and come again.
   */
  poolExhaustion: (
    options: {
      readonly service: Choice<string>;
      readonly table: Choice<string>;
      readonly connections: Ranged;
    },
    timing: HeldTiming = {},
  ): FaultChoice => ({
    fault: "pool-exhaustion",
    options,
    ...timing,
  }),

  /** A Redis refuses every write for want of memory. */
  redisMemory: (options: { readonly service: Choice<string> }, timing: HeldTiming = {}): FaultChoice => ({
    fault: "redis-memory",
    options,
    ...timing,
  }),
} as const;
