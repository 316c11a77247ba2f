// Preloaded into a Node service by NODE_OPTIONS="--import <this file>", so that faults can be set inside it. Plain JavaScript: the service
// may run on Node 20. It does nothing except in the main thread of the program that KILN_AGENT_MAIN names (by the end of its path): every
// child and every worker thread inherits NODE_OPTIONS. The socket, the token and the deadlines live in a worker thread (agent-worker.mjs),
// which answers also while this thread is blocked. This thread only holds the leaked memory and reads its own heap.
//
// Limits: the agent must not print, not keep the process alive, not change how it ends, and not fail the service with its own errors.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Worker, isMainThread } from "node:worker_threads";

const chunkNumbers = 8_192; // 64 KiB of doubles: below V8's limit for large objects, so it ages like ordinary data
const chunkBytes = chunkNumbers * 8;
let template;
const stepMs = 50;
/** At most this much in one step (a few milliseconds of work), so that the event loop is not held up. */
const chunksPerStep = 64;

if (isMainThread && isAgentMain()) start(takeSettings());

function isAgentMain() {
  const wanted = process.env["KILN_AGENT_MAIN"];
  return wanted !== undefined && wanted !== "" && (process.argv[1] ?? "").endsWith(wanted);
}

/** Reads the settings and takes them out of the environment, so that children of the service neither load the agent nor see its token. */
function takeSettings() {
  const settings = {
    socket: process.env["KILN_AGENT_SOCKET"] ?? "",
    token: process.env["KILN_AGENT_TOKEN"] ?? "",
  };
  for (const name of Object.keys(process.env)) if (name.startsWith("KILN_AGENT_")) delete process.env[name];
  const rest = (process.env["NODE_OPTIONS"] ?? "")
    .replace(/--import(?:=|\s+)(?:"[^"]*preload\.mjs"|\S*preload\.mjs)/g, "")
    .trim();
  if (rest === "") delete process.env["NODE_OPTIONS"];
  else process.env["NODE_OPTIONS"] = rest;
  return settings;
}

function start(settings) {
  if (settings.socket === "" || settings.token === "") return;
  const leaks = new Map();
  const worker = new Worker(new URL("agent-worker.mjs", import.meta.url), {
    workerData: settings,
    env: {},
    argv: [],
    execArgv: [],
    // Captured and never read: the service's own output stays its own.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  });
  worker.on("message", (message) => worker.postMessage({ reply: message.call, ...obey(leaks, message) }));
  // An agent that failed is an agent that does not answer: the harness sees that. Without a listener this would end the service.
  worker.on("error", () => leaks.clear());
  worker.unref();
}

function obey(leaks, message) {
  try {
    if (message.command === "leak") beginLeak(leaks, message);
    else if (message.command === "release") endLeak(leaks, message.id);
    else if (message.command === "heap") return { heap: liveHeap() };
    return {};
  } catch (error) {
    return { error: String(error) };
  }
}

/** control: Int32Array [stop, leaked chunks], shared with the worker, which can stop the leak without this thread's help. */
function beginLeak(leaks, { id, bytesPerMin, control }) {
  const held = [];
  template ??= Array.from({ length: chunkNumbers }, () => 0.5);
  const startedAtMs = performance.now();
  const timer = setInterval(() => {
    if (Atomics.load(control, 0) !== 0) return endLeak(leaks, id);
    const dueChunks = Math.floor((((performance.now() - startedAtMs) / 60_000) * bytesPerMin) / chunkBytes);
    for (let n = Math.min(dueChunks - held.length, chunksPerStep); n > 0; n--)
      held.push(Array.from(template));
    Atomics.store(control, 1, held.length);
  }, stepMs);
  timer.unref();
  leaks.set(id, { held, timer });
}

function endLeak(leaks, id) {
  const leak = leaks.get(id);
  if (leak === undefined) return;
  clearInterval(leak.timer);
  leak.held.length = 0;
  leaks.delete(id);
  collect();
}

/** What is alive on this thread's heap: used bytes after a full collection. Costs one such collection (some 10 ms). */
function liveHeap() {
  const collected = collect();
  const usage = process.memoryUsage();
  return { collected, heapUsedBytes: usage.heapUsed, externalBytes: usage.external, rssBytes: usage.rss };
}

let collector;

/** The collector is not exposed by default; a context made after the flag is set has it. */
function collect() {
  if (collector === undefined) {
    setFlagsFromString("--expose-gc");
    collector = runInNewContext("typeof gc === 'function' ? gc : null");
    setFlagsFromString("--no-expose-gc");
  }
  if (collector === null) return false;
  collector();
  return true;
}
