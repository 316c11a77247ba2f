// Burns a share of one core in slices of 40 ms and sleeps the rest. It steers by the thread's own CPU time where Node tells it (24 and
// newer), so that it gets its share also beside other work; otherwise by the wall clock. Ends by itself when its time is up.
import { readlinkSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

const sliceMs = 40;
const { control, share, forMs } = workerData;

/** Number of this thread as /proc counts it; 0 where there is no /proc. */
function threadId() {
  try {
    return Number(readlinkSync("/proc/thread-self").split("/").at(-1));
  } catch {
    return 0;
  }
}

function cpuMs() {
  if (typeof process.threadCpuUsage !== "function") return performance.now();
  const used = process.threadCpuUsage();
  return (used.user + used.system) / 1_000;
}

function spin() {
  let value = 1.1;
  for (let i = 0; i < 20_000; i++) value = Math.sqrt(value + i);
  return value;
}

parentPort.postMessage(threadId());

const stopped = () => Atomics.load(control, 0) !== 0;
const endMs = performance.now() + forMs;
// What is owed is counted from the start, not slice by slice: the kernel books CPU time of a running thread only at its ticks (4 ms), so
// each slice overshoots a little, and the next one is the shorter for it.
let dueMs = cpuMs();
for (
  let sliceEndMs = performance.now() + sliceMs;
  !stopped() && performance.now() < endMs;
  sliceEndMs += sliceMs
) {
  dueMs += share * sliceMs;
  while (cpuMs() < dueMs && !stopped()) spin();
  const restMs = sliceEndMs - performance.now();
  if (restMs > 0) Atomics.wait(control, 0, 0, restMs);
  // Behind by more than a slice (it did not get the core): no catching up later, that would be more than the share asked.
  else if (restMs < -sliceMs) sliceEndMs = performance.now();
}
