// What is alive on this thread's heap.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Used bytes after a full collection. Costs one such collection (some 10 ms). */
export function liveHeap() {
  const collected = collect();
  const usage = process.memoryUsage();
  return { collected, heapUsedBytes: usage.heapUsed, externalBytes: usage.external, rssBytes: usage.rss };
}

let collector;

/** The collector is not exposed by default; a context made after the flag is set has it. */
export function collect() {
  if (collector === undefined) {
    setFlagsFromString("--expose-gc");
    collector = runInNewContext("typeof gc === 'function' ? gc : null");
    setFlagsFromString("--no-expose-gc");
  }
  if (collector === null) return false;
  collector();
  return true;
}
