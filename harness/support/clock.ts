// The only place in the harness that reads a clock or arms a timer. Time is CLOCK_MONOTONIC in milliseconds, the same number in every
// process of one boot, so that a reaper or a resumed run can go on where another process stopped. It does not count suspend.
import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";

export interface Clock {
  /** Monotonic milliseconds since boot, with a fraction. */
  nowMs(): number;
  /** Milliseconds since the Unix epoch, from the wall clock; may step. */
  wallMs(): number;
  /** Resolves at or after `atMs` (never early); rejects with the signal's reason when that aborts. */
  sleepUntil(atMs: number, signal?: AbortSignal): Promise<void>;
}

// setTimeout turns a longer delay into 1 ms.
const longestTimerMs = 2 ** 31 - 1;

/** CLOCK_MONOTONIC in milliseconds, for places that are handed no Clock because they never run on a virtual one. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

async function sleepUntil(atMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  // libuv's timers keep whole milliseconds and may fire early, so the clock is read again before this resolves.
  for (let leftMs = atMs - monotonicMs(); leftMs > 0; leftMs = atMs - monotonicMs()) {
    const waitMs = Math.min(Math.ceil(leftMs), longestTimerMs);
    await (signal === undefined ? delay(waitMs) : delay(waitMs, undefined, { signal }));
  }
}

export const systemClock: Clock = { nowMs: monotonicMs, wallMs: () => Date.now(), sleepUntil };

/** Waits `ms` on the given clock. */
export function sleep(ms: number, signal?: AbortSignal, clock: Clock = systemClock): Promise<void> {
  return clock.sleepUntil(clock.nowMs() + ms, signal);
}

/** A timer of libuv is up to 1 ms coarse and fires when the loop comes round: the last stretch is left to turns of the event loop. */
const finalMs = 2;

/**
 * Like `sleepUntil`, but as close after `atMs` as the event loop can be: its last 2 ms are turns of the loop instead of a timer. Everything
 * else in the process goes on meanwhile. For instants that are rare, because it uses a core for those 2 ms.
 */
export async function sleepPrecisely(atMs: number, signal: AbortSignal, clock: Clock): Promise<void> {
  await clock.sleepUntil(atMs - finalMs, signal);
  let nowMs = clock.nowMs();
  for (let beforeMs = -Infinity; nowMs < atMs && nowMs > beforeMs; nowMs = clock.nowMs()) {
    beforeMs = nowMs;
    await turn();
    signal.throwIfAborted();
  }
  // Only a virtual clock stands still for a turn: it is waited for as such.
  await clock.sleepUntil(atMs, signal);
}

/** A clock whose `nowMs` counts from `zeroMs` (monotonic): what the journal calls `atMs`. */
export function clockFrom(zeroMs: number, clock: Clock = systemClock): Clock {
  return {
    nowMs: () => clock.nowMs() - zeroMs,
    wallMs: () => clock.wallMs(),
    sleepUntil: (atMs, signal) => clock.sleepUntil(atMs + zeroMs, signal),
  };
}

/** A signal that aborts after `ms` (with a TimeoutError), or when `parent` aborts. */
export function deadline(ms: number, parent?: AbortSignal): AbortSignal {
  const timeout = AbortSignal.timeout(Math.ceil(ms));
  return parent === undefined ? timeout : AbortSignal.any([parent, timeout]);
}

/**
 * Looks until `look` returns something other than undefined, every `everyMs`. Rejects when `signal` aborts, with its reason.
 * The last error of `look` is not swallowed: it becomes the cause of that rejection.
 */
export async function eventually<T>(
  look: () => T | undefined | Promise<T | undefined>,
  signal: AbortSignal,
  everyMs = 50,
  clock: Clock = systemClock,
): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await clock.sleepUntil(clock.nowMs() + everyMs, signal);
  }
}

/** Runs `tick` at whole multiples of `everyMs` after `fromMs` on `clock` until the signal aborts; a late tick is skipped, never doubled. */
export async function everyTick(
  everyMs: number,
  tick: (dueMs: number) => void | Promise<void>,
  signal: AbortSignal,
  clock: Clock = systemClock,
  fromMs: number = clock.nowMs(),
): Promise<void> {
  for (let n = 1; !signal.aborted; n = Math.max(n + 1, Math.ceil((clock.nowMs() - fromMs) / everyMs))) {
    const dueMs = fromMs + n * everyMs;
    try {
      await clock.sleepUntil(dueMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    await tick(dueMs);
  }
}
