// The part of the agent that must answer at all times: a private socket with a token. Runs in a worker thread of the service. The jobs and
// their deadlines are job-list.mjs, the kinds of jobs lie in jobs/.
//
// Protocol: one JSON object a line. Request {token, command, params}; answer {ok: true, result} or {ok: false, error}. Questions:
//   ping {}      -> {pid}
//   status {}    -> {pid, jobs: [{id, kind, leftMs, ...}]}
//   heap {}      -> {collected, heapUsedBytes, externalBytes, rssBytes} of the main thread, after a full collection
//   time {}      -> {nowMs, newMs, textMs}: what the program's Date says, in three ways
// Jobs, each with {id, forMs, pid?, permit?}; `pid` is the process that is meant; a `permit` is a file with whose removal the job ends:
//   leak {bytesPerMin}                            -> {pid}
//   burn {share}                                  -> {pid, tid}   tid: the burning thread, 0 where the system does not tell
//   block {}                                      -> {pid}
//   descriptors {perSecond, most}                 -> {pid}
//   connections {host, port, perSecond, most, hello?, goodbye?}   -> {pid}   the texts are bytes in base64
//   clock {byMs}                                  -> {pid}
//   stop {id}    -> {stopped, released}   stopped false: no such job, and none can begin under that id any more; released false: the main
//                   thread is busy, and lets go of what it holds as soon as it runs again
import { createHash, timingSafeEqual } from "node:crypto";
import { unlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import { workerData } from "node:worker_threads";
import { askMain, mustAskMain } from "./ask-main.mjs";
import { JobList } from "./job-list.mjs";
import { block } from "./jobs/block.mjs";
import { burn } from "./jobs/burn.mjs";
import { clock } from "./jobs/clock.mjs";
import { connections } from "./jobs/connections.mjs";
import { descriptors } from "./jobs/descriptors.mjs";
import { leak } from "./jobs/leak.mjs";

const lineLimit = 65_536;
const idleLimitMs = 30_000;

const kinds = new Map(Object.entries({ leak, burn, block, descriptors, connections, clock }));
const jobs = new JobList(kinds, { askMain, mustAskMain, shift: workerData.shift });
const questions = new Map(
  Object.entries({
    ping: () => ({ pid: process.pid }),
    status: () => jobs.status(),
    heap: async () => (await mustAskMain({ command: "heap" })).heap,
    time: async () => (await mustAskMain({ command: "time" })).time,
    stop: (params) => jobs.stop(params.id),
  }),
);

const digest = (text) => createHash("sha256").update(text).digest();
const expectedToken = digest(workerData.token);

function carryOut(command, params) {
  const question = questions.get(command);
  if (question !== undefined) return question(params);
  if (kinds.has(command)) return jobs.start(command, params);
  throw new Error(`unknown command ${JSON.stringify(command)}`);
}

async function answer(line) {
  try {
    const request = JSON.parse(line);
    if (typeof request?.token !== "string" || !timingSafeEqual(digest(request.token), expectedToken))
      throw new Error("wrong token");
    return { ok: true, result: await carryOut(request.command, request.params ?? {}) };
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
  // A process without a free descriptor drops its callers: they ask again, and the agent must still be there when one is free.
  if (error.code === "EMFILE" || error.code === "ENFILE") return;
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
