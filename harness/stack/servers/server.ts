// What bringing up any part of the stack needs, and how a server of Kiln's own is described to process-stack.ts.
import type { Clock } from "../../support/clock.ts";
import type { SpawnRequest, Spawned, Spawner } from "../../support/spawner.ts";
import type { Tools } from "../../support/tools.ts";
import type { StackRecord } from "../stack.ts";

export interface BringUpContext {
  readonly record: StackRecord;
  readonly spawn: Spawner;
  readonly tools: Tools;
  readonly clock: Clock;
  /** Aborts the whole bring-up. */
  readonly signal: AbortSignal;
}

/** A part of the stack that Kiln starts itself. */
export interface Launch {
  readonly name: string;
  /** What ends it in good order. */
  readonly stopSignal: NodeJS.Signals;
  /** What `start` spawns, where the stack's own watchdog may do that too ({start:…}): of servers. */
  readonly request?: SpawnRequest;
  /** Makes what must exist before the first start; not repeated on a restart. */
  prepare(): Promise<void>;
  start(): Promise<Spawned>;
  /** Resolves when it is ready to work; tried again until it does or the time is up. */
  ready(signal: AbortSignal): Promise<void>;
  /** Once, after it became ready for the first time. */
  afterFirstStart(): Promise<void>;
  /** What `ready` asks for, for the message when it never comes. */
  readonly awaited: string;
}
