// A deadline in time that this process itself had. A process that was stopped, or starved for seconds, wakes to timers that are all due
// before it has read a single answer: whoever is waited for would be blamed for the waiter's own sleep.

/** Patience is counted in slices; one that took longer counts as twice its length, because the rest was not this process's time. */
const sliceMs = 100;

export interface Patience {
  /** Aborts with a TimeoutError when the time is up, or with the parent's reason. */
  readonly signal: AbortSignal;
  /** Frees the timer. Call it when the work is done. */
  readonly done: () => void;
}

/** Patience of `ms`. It keeps no process alive. */
export function patience(ms: number, parent?: AbortSignal): Patience {
  const up = new AbortController();
  let leftMs = ms;
  let armedMs = performance.now();
  const tick = (): void => {
    const nowMs = performance.now();
    leftMs -= Math.min(nowMs - armedMs, 2 * sliceMs);
    armedMs = nowMs;
    if (leftMs <= 0) up.abort(new DOMException(`no answer within ${ms} ms`, "TimeoutError"));
    else timer = arm();
  };
  const arm = (): NodeJS.Timeout => setTimeout(tick, Math.min(sliceMs, Math.ceil(leftMs))).unref();
  let timer = arm();
  const signal = parent === undefined ? up.signal : AbortSignal.any([up.signal, parent]);
  return { signal, done: () => clearTimeout(timer) };
}
