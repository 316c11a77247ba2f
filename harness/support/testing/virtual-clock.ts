// A clock that only moves when a test moves it: sleepers wake in the order of their instants, each with everything that it sets off done
// before the next. Work that needs real turns of the event loop (sockets, files) is not waited for.
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../clock.ts";

export interface VirtualClock extends Clock {
  /** Moves on to `atMs` on this clock. */
  moveTo(atMs: number): Promise<void>;
}

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** Turns of the event loop after each wake-up: more than any chain of promises in a test is long. */
const turns = 20;

export function createVirtualClock(startMs = 0): VirtualClock {
  let nowMs = startMs;
  const sleepers = new Set<Sleeper>();
  const rest = async (): Promise<void> => {
    for (let n = 0; n < turns; n++) await turn();
  };
  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    sleepUntil: (atMs, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        if (atMs <= nowMs) {
          resolve();
          return;
        }
        const onAbort = (): void => {
          sleepers.delete(sleeper);
          reject(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
        };
        const sleeper: Sleeper = {
          atMs,
          wake: () => {
            signal?.removeEventListener("abort", onAbort);
            resolve();
          },
        };
        sleepers.add(sleeper);
        signal?.addEventListener("abort", onAbort, { once: true });
      }),
    async moveTo(atMs) {
      await rest();
      for (;;) {
        const [next] = [...sleepers].toSorted((a, b) => a.atMs - b.atMs);
        if (next === undefined || next.atMs > atMs) break;
        nowMs = Math.max(nowMs, next.atMs);
        sleepers.delete(next);
        next.wake();
        await rest();
      }
      nowMs = Math.max(nowMs, atMs);
      await rest();
    },
  };
}
