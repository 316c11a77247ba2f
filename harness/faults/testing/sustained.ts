// A fault that is kept up, as the engine does it: sustain runs until heal begins, and looks are repeated until one is effective.
import type { TestStack } from "./test-stack.ts";
import type { Confirmation, Fault, FaultContext } from "../fault.ts";
import { deadline, eventually } from "../../support/clock.ts";

export interface Sustained {
  /** Resolves to why it ended: a rejection's reason, or undefined. */
  readonly done: Promise<unknown>;
  /** What the engine does before it heals. */
  end(): Promise<void>;
}

export function sustain<Options extends object>(
  fault: Fault<Options>,
  ctx: FaultContext,
  options: Options,
): Sustained {
  if (fault.sustain === undefined) throw new Error(`${fault.name} keeps nothing up`);
  const stop = new AbortController();
  const done = fault.sustain({ ...ctx, signal: stop.signal }, options).then(
    () => undefined,
    (error: unknown) => error,
  );
  return {
    done,
    end: async () => {
      stop.abort(new Error("ended in order to heal"));
      await done;
    },
  };
}

export function untilEffective<Options extends object>(
  fault: Fault<Options>,
  ctx: FaultContext,
  options: Options,
): Promise<Confirmation> {
  return eventually(async () => {
    const seen = await fault.confirm(ctx, options);
    return seen.effective ? seen : undefined;
  }, deadline(20_000));
}

/** Resolves once a service answers. */
export function served({ handle }: TestStack, service: string): Promise<number> {
  return eventually(() => handle.exchange(service, deadline(1_000)).catch(() => undefined), deadline(10_000));
}

/** Resolves once a PostgreSQL carries something out. */
export function works({ handle }: TestStack, service: string): Promise<unknown> {
  return eventually(
    () => handle.sql(service, "SELECT 1", [], deadline(2_000)).catch(() => undefined),
    deadline(20_000),
  );
}

/** Resolves once a service has no process, after it was killed. */
export function gone({ handle }: TestStack, service: string): Promise<true> {
  return eventually(
    () => (handle.process(service).find() === undefined ? true : undefined),
    deadline(10_000),
  );
}

/** Sends a service's process a signal; it must be there. */
export function signalService({ handle }: TestStack, service: string, signal: NodeJS.Signals): void {
  const target = handle.process(service);
  const identity = target.find();
  if (identity === undefined || !target.signal(identity, signal)) throw new Error(`${service} is gone`);
}
