// Memory that leaks on the service's own heap, at a steady rate: many small arrays, so that it ages and is traced like ordinary data.
import { collect } from "./heap.mjs";

const chunkNumbers = 8_192; // 64 KiB of doubles: below V8's limit for large objects
const chunkBytes = chunkNumbers * 8;
const stepMs = 50;
/** At most this much in one step (a few milliseconds of work), so that the event loop is not held up. */
const chunksPerStep = 64;

const leaks = new Map();
let template;

/** control: Int32Array [stop, leaked chunks], shared with the worker, which can stop the leak without this thread's help. */
export function beginLeak({ id, bytesPerMin, control }) {
  const held = [];
  template ??= Array.from({ length: chunkNumbers }, () => 0.5);
  const startedAtMs = performance.now();
  const timer = setInterval(() => {
    if (Atomics.load(control, 0) !== 0) {
      endLeak(id);
      return;
    }
    const dueChunks = Math.floor((((performance.now() - startedAtMs) / 60_000) * bytesPerMin) / chunkBytes);
    for (let n = Math.min(dueChunks - held.length, chunksPerStep); n > 0; n--)
      held.push(Array.from(template));
    Atomics.store(control, 1, held.length);
  }, stepMs);
  timer.unref();
  leaks.set(id, { held, timer });
}

export function endLeak(id) {
  const leak = leaks.get(id);
  if (leak === undefined) return;
  clearInterval(leak.timer);
  leak.held.length = 0;
  leaks.delete(id);
  collect();
}

export function endAllLeaks() {
  for (const id of leaks.keys()) endLeak(id);
}
