// The part of the agent that must answer at all times: a private socket with a token, the list of jobs, and each job's deadline (a dead
// man's switch: a job ends although nobody asks any more). Runs in a worker thread of the service.
//
// Protocol: one JSON object a line. Request {token, command, params}; answer {ok: true, result} or {ok: false, error}. Commands:
//   ping {}                          -> {pid}
//   status {}                        -> {pid, jobs: [{id, kind, leftMs, leakedBytes?, share?, tid?}]}
//   heap {}                          -> {collected, heapUsedBytes, externalBytes, rssBytes} of the main thread, after a full collection
//   leak {id, bytesPerMin, forMs}    -> {pid}
//   burn {id, share, forMs}          -> {pid, tid}   tid: the burning thread, 0 where the system does not tell
//   stop {id}                        -> {stopped, released}   stopped false: no such job; released false: the main thread is busy, and
//                                       lets the memory go as soon as it runs again
import { createHash, timingSafeEqual } from "node:crypto";
import { unlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import { Worker, parentPort, workerData } from "node:worker_threads";

const chunkBytes = 65_536;
const lineLimit = 65_536;
const idleLimitMs = 30_000;
/** How long the main thread may take for an answer before the caller hears that it is busy. */
const mainPatienceMs = 5_000;
const releasePatienceMs = 1_000;
const longestJobMs = 24 * 3_600_000;

const digest = (text) => createHash("sha256").update(text).digest();
const expectedToken = digest(workerData.token);
const jobs = new Map();

// ---- the main thread ------------------------------------------------------------------------------------------------------------

const waiting = new Map();
let lastCall = 0;

parentPort.on("message", (message) => {
  waiting.get(message.reply)?.(message);
  waiting.delete(message.reply);
});

/** Asks the main thread; undefined when it did not answer in time. */
function askMain(message, patienceMs) {
  const call = ++lastCall;
  const { promise, resolve } = withResolvers();
  const timer = setTimeout(() => {
    waiting.delete(call);
    resolve(undefined);
  }, patienceMs);
  waiting.set(call, (answer) => {
    clearTimeout(timer);
    resolve(answer);
  });
  parentPort.postMessage({ call, ...message });
  return promise;
}

async function mustAskMain(message) {
  const answer = await askMain(message, mainPatienceMs);
  if (answer === undefined)
    throw new Error(`the service's main thread did not answer within ${mainPatienceMs} ms`);
  if (answer.error !== undefined) throw new Error(answer.error);
  return answer;
}

/** Promise.withResolvers came with Node 22. */
function withResolvers() {
  const deferred = {};
  deferred.promise = new Promise((resolve, reject) => Object.assign(deferred, { resolve, reject }));
  return deferred;
}

// ---- jobs -----------------------------------------------------------------------------------------------------------------------

function addJob(kind, params, control) {
  const { id, forMs } = params;
  if (typeof id !== "string" || id === "") throw new Error("id must be a text");
  if (!(forMs > 0 && forMs <= longestJobMs)) throw new Error(`forMs must be between 1 and ${longestJobMs}`);
  if (jobs.has(id)) throw new Error(`job ${id} runs already`);
  const job = {
    id,
    kind,
    params,
    control,
    endsAtMs: performance.now() + forMs,
    worker: undefined,
    tid: undefined,
  };
  job.timer = setTimeout(() => void stop(id), forMs);
  jobs.set(id, job);
  return job;
}

async function leak(params) {
  if (!(params.bytesPerMin > 0 && Number.isFinite(params.bytesPerMin)))
    throw new Error("bytesPerMin must be a positive number");
  const control = new Int32Array(new SharedArrayBuffer(8));
  const job = addJob("leak", params, control);
  try {
    await mustAskMain({ command: "leak", id: job.id, bytesPerMin: params.bytesPerMin, control });
  } catch (error) {
    await stop(job.id);
    throw error;
  }
  return { pid: process.pid };
}

async function burn(params) {
  if (!(params.share > 0 && params.share <= 1)) throw new Error("share must be above 0 and at most 1");
  const control = new Int32Array(new SharedArrayBuffer(4));
  const job = addJob("burn", params, control);
  job.worker = new Worker(new URL("burn-worker.mjs", import.meta.url), {
    workerData: { control, share: params.share, forMs: params.forMs },
    env: {},
    execArgv: [],
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  });
  const { promise, resolve, reject } = withResolvers();
  job.worker.once("message", resolve);
  job.worker.on("error", reject);
  job.worker.once("exit", () => {
    reject(new Error("the burning thread ended at once"));
    clearTimeout(job.timer);
    jobs.delete(job.id);
  });
  job.tid = await promise;
  return { pid: process.pid, tid: job.tid };
}

/** Works without the main thread: the flag alone ends the harm, and the memory goes when that thread runs again. */
async function stop(id) {
  const job = jobs.get(id);
  if (job === undefined) return { stopped: false, released: true };
  clearTimeout(job.timer);
  Atomics.store(job.control, 0, 1);
  Atomics.notify(job.control, 0);
  if (job.kind === "burn") {
    // It leaves its loop within a slice (the `exit` listener takes it off the list); terminate is for one that does not.
    await job.worker?.terminate();
    jobs.delete(id);
    return { stopped: true, released: true };
  }
  jobs.delete(id);
  const answer = await askMain({ command: "release", id }, releasePatienceMs);
  return { stopped: true, released: answer !== undefined && answer.error === undefined };
}

function status() {
  const now = performance.now();
  const list = [...jobs.values()].map((job) => ({
    id: job.id,
    kind: job.kind,
    leftMs: Math.max(0, Math.round(job.endsAtMs - now)),
    ...(job.kind === "leak"
      ? { leakedBytes: Atomics.load(job.control, 1) * chunkBytes }
      : { share: job.params.share, tid: job.tid ?? 0 }),
  }));
  return { pid: process.pid, jobs: list };
}

const commands = new Map([
  ["ping", () => ({ pid: process.pid })],
  ["status", status],
  ["heap", async () => (await mustAskMain({ command: "heap" })).heap],
  ["leak", leak],
  ["burn", burn],
  ["stop", (params) => stop(params.id)],
]);

// ---- the socket -----------------------------------------------------------------------------------------------------------------

async function answer(line) {
  try {
    const request = JSON.parse(line);
    if (typeof request?.token !== "string" || !timingSafeEqual(digest(request.token), expectedToken))
      throw new Error("wrong token");
    const command = commands.get(request.command);
    if (command === undefined) throw new Error(`unknown command ${JSON.stringify(request.command)}`);
    return { ok: true, result: await command(request.params ?? {}) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

const server = createServer((connection) => {
  let pending = "";
  connection.setEncoding("utf8");
  connection.setTimeout(idleLimitMs, () => connection.destroy());
  // A caller that went away took its question with it.
  connection.on("error", () => connection.destroy());
  connection.on("data", (text) => {
    pending += String(text);
    for (let end = pending.indexOf("\n"); end >= 0; end = pending.indexOf("\n")) {
      const line = pending.slice(0, end);
      pending = pending.slice(end + 1);
      void answer(line).then((reply) => {
        if (connection.writable) connection.write(`${JSON.stringify(reply)}\n`);
      });
    }
    if (pending.length > lineLimit) connection.destroy();
  });
});

// A name without a slash is an abstract socket (Linux): no file, gone with its process. Elsewhere it is a path. The name is filled up to
// the whole of sun_path (108 bytes): Node 20 does so by itself, Node 24 does not, and the two could not meet.
const path = workerData.socket.includes("/") ? workerData.socket : `\0${workerData.socket}`.padEnd(108, "\0");

// The name is taken while the process before this one still drains. Asking again costs nothing, so it goes on for as long as it takes.
let retryMs = 100;
server.on("error", (error) => {
  if (error.code !== "EADDRINUSE") throw error;
  const listenAgain = () => server.listen({ path });
  if (path.includes("/")) unlinkIfDead(path);
  setTimeout(listenAgain, retryMs);
  retryMs = Math.min(retryMs * 1.5, 1_000);
});
server.listen({ path });

/** A socket file outlives its process; one that refuses connections belongs to nobody. */
function unlinkIfDead(file) {
  const attempt = connect(file);
  attempt.on("connect", () => attempt.destroy());
  attempt.on("error", (error) => {
    if (error.code === "ECONNREFUSED") unlinkSync(file);
  });
}
