// Something under way that may have to be ended: a verb of an active fault, or what keeps its harm up.
import { sleep, type Clock } from "../support/clock.ts";

/** `stop` ends it, `settled` resolves when it has come to rest. */
export interface Running {
  readonly stop: AbortController;
  readonly settled: Promise<void>;
}

/** Ends it and waits. False when it has not come to rest within the limit. */
export async function end({ stop, settled }: Running, limitMs: number, clock: Clock): Promise<boolean> {
  stop.abort(new Error("ended in order to heal"));
  const patience = new AbortController();
  const timeUp = sleep(limitMs, patience.signal, clock).then(
    () => false,
    // It came to rest: the timer was ended below.
    () => true,
  );
  const rests = await Promise.race([settled.then(() => true), timeUp]);
  patience.abort();
  return rests;
}
