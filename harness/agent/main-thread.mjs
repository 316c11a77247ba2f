// The agent's half on the service's main thread: it starts the worker thread and does what only this thread can: hold leaked memory, read
// its own heap, wait, and say what the program's clock shows. All else, deadlines above all, is the worker's.
import { Worker } from "node:worker_threads";
import { liveHeap } from "./heap.mjs";
import { beginLeak, endAllLeaks, endLeak } from "./main-leak.mjs";
import { installShiftedDate, programTime } from "./shifted-date.mjs";

export function startAgent(settings) {
  const shift = installShiftedDate();
  const worker = new Worker(new URL("agent-worker.mjs", import.meta.url), {
    workerData: { ...settings, shift },
    env: {},
    argv: [],
    execArgv: [],
    // Captured and never read: the service's own output stays its own.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  });
  worker.on("message", (message) => {
    const { afterwards, ...answer } = obey(message);
    worker.postMessage({ reply: message.call, ...answer });
    afterwards?.();
  });
  // An agent that failed is an agent that does not answer: the harness sees that. Without a listener this would end the service. Its
  // descriptors and sessions went with its thread; what it had put in here goes now.
  worker.on("error", () => {
    endAllLeaks();
    Atomics.store(shift, 0, 0);
  });
  worker.unref();
}

/** `afterwards` is done when the answer is on its way. */
function obey(message) {
  try {
    switch (message.command) {
      case "leak":
        beginLeak(message);
        return {};
      case "release":
        endLeak(message.id);
        return {};
      case "heap":
        return { heap: liveHeap() };
      case "time":
        return { time: programTime() };
      case "block":
        return { afterwards: () => block(message) };
      case "awake":
        return {};
      default:
        return { error: `the main thread knows no ${message.command}` };
    }
  } catch (error) {
    return { error: String(error) };
  }
}

/** Waits until the worker raises the flag. Its own limit is the same as the worker's, for the case that the worker is gone. */
function block({ control, forMs }) {
  const endMs = performance.now() + forMs;
  for (let leftMs = forMs; leftMs > 0 && Atomics.load(control, 0) === 0; leftMs = endMs - performance.now())
    Atomics.wait(control, 0, 0, leftMs);
}
