// Lets something act until its time is up on a given clock.
import { sleep, type Clock } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";

export interface DeadlineRequest {
  /** Named in the error. */
  readonly what: string;
  readonly limitMs: number;
  readonly clock: Clock;
  readonly parent: AbortSignal;
}

/**
 * Runs `act` with a signal that aborts when the time is up or the parent aborts. Resolves or rejects as `act` does; rejects with the abort's
 * reason (`deadline` when the time was up) although `act` has not ended yet.
 */
export async function withinDeadline(
  request: DeadlineRequest,
  act: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { what, limitMs, clock, parent } = request;
  parent.throwIfAborted();
  const limit = new AbortController();
  const timer = new AbortController();
  const signal = AbortSignal.any([parent, limit.signal]);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void =>
    reject(signal.reason instanceof Error ? signal.reason : new Error(`${what} was ended`));
  signal.addEventListener("abort", onAbort, { once: true });
  const timeUp = sleep(limitMs, timer.signal, clock).then(
    () => limit.abort(environmentError("deadline", `${what} was not done within ${limitMs} ms`)),
    // Done before: the timer was ended below.
    () => undefined,
  );
  try {
    // Racing also takes charge of a late rejection of the loser.
    await Promise.race([act(signal), aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
    timer.abort();
    await timeUp;
  }
}
