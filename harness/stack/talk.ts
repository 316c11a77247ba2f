// A talk with a server in its own protocol on a new connection, and how it ended: what confirms the faults that cut, slow down or slice what
// crosses a link. Unlike exchange.ts, every end that a link can give a connection is an observation here, not an error.
import { type Socket, connect } from "node:net";
import type { PostgresService, ServiceSpec } from "../scenario/stack-spec.ts";
import { type Clock, deadline, systemClock } from "../support/clock.ts";
import { environmentError, hasErrno } from "../support/errors.ts";
import type { Endpoint } from "./exchange.ts";
import type { Talk, TalkRequest } from "./stack.ts";

/** One side of a talk: what it says first, and what it says to each piece of the answer. */
interface Speaker {
  readonly opening: Buffer;
  /** More to say (may be nothing), or "complete" when all that was asked for is there. */
  hear(piece: Buffer): Buffer | "complete";
}

const nothing = Buffer.alloc(0);

/** Rejects with the signal's reason, or with `talk-failed` (environment) for what is no doing of a link, such as an address that is none. */
export function talk(
  service: ServiceSpec,
  at: Endpoint,
  request: TalkRequest,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<Talk> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const speaker = speakerFor(service, request.ask);
    const limit = deadline(request.waitMs, signal);
    const socket: Socket = connect({ host: at.host, port: at.port, noDelay: true });
    const arrivals: { atMs: number; bytes: number }[] = [];
    let receivedBytes = 0;
    let sinceMs = clock.nowMs();
    const release = (): void => {
      limit.removeEventListener("abort", onLimit);
      socket.destroy();
    };
    const finish = (end: Talk["end"]): void => {
      release();
      resolve({ end, tookMs: clock.nowMs() - sinceMs, receivedBytes, arrivals });
    };
    const fail = (error: Error): void => {
      release();
      reject(error);
    };
    function onLimit(): void {
      if (signal.aborted) fail(asError(signal.reason));
      else finish("unfinished");
    }
    limit.addEventListener("abort", onLimit, { once: true });
    socket.once("connect", () => {
      sinceMs = clock.nowMs();
      socket.write(speaker.opening);
    });
    socket.on("data", (piece) => {
      arrivals.push({ atMs: clock.nowMs() - sinceMs, bytes: piece.length });
      receivedBytes += piece.length;
      const more = speaker.hear(piece);
      if (more === "complete") finish("complete");
      else if (more.length > 0) socket.write(more);
    });
    // The other side's FIN; what it answers to bytes that were still on their way is no news any more.
    socket.once("end", () => finish("closed"));
    socket.on("error", (error) => {
      if (hasErrno(error, "ECONNREFUSED")) finish("refused");
      else if (hasErrno(error, "ECONNRESET", "EPIPE")) finish("reset");
      else fail(environmentError("talk-failed", `${at.host}:${at.port}: ${error.message}`, { cause: error }));
    });
  });
}

function speakerFor(service: ServiceSpec, ask: TalkRequest["ask"]): Speaker {
  switch (service.kind) {
    case "postgres":
      return ask === "goodbye"
        ? farewell(postgresGoodbye(service))
        : postgresSpeaker(service, ask.answerBytes);
    case "redis":
      return ask === "goodbye" ? farewell("PING\r\nQUIT\r\n") : redisSpeaker(ask.answerBytes);
    case "program":
      return ask === "goodbye"
        ? farewell(httpGet(service.readyPath, "close"))
        : httpSpeaker(service.readyPath, ask.answerBytes);
  }
}

/** Says its one word and listens until the other side ends the connection. */
function farewell(word: string | Buffer): Speaker {
  return { opening: Buffer.from(word), hear: () => nothing };
}

/** PING gives its argument back as a bulk string: its length on a line of its own, then the bytes and a line end. */
function redisSpeaker(answerBytes: number): Speaker {
  const length = String(answerBytes);
  const wholeBytes = length.length + answerBytes + "$\r\n\r\n".length;
  let heardBytes = 0;
  return {
    opening: Buffer.from(`*2\r\n$4\r\nPING\r\n$${length}\r\n${"x".repeat(answerBytes)}\r\n`),
    hear: (piece) => ((heardBytes += piece.length) >= wholeBytes ? "complete" : nothing),
  };
}

/** A message of PostgreSQL's protocol 3.0: type, length with itself, body (documentation, "Message Formats"). */
function postgresMessage(type: string, body: string): Buffer {
  const head = Buffer.alloc(4);
  head.writeInt32BE(Buffer.byteLength(body) + 4);
  return Buffer.concat([Buffer.from(type), head, Buffer.from(body)]);
}

/** StartupMessage of protocol 3.0. Trust authentication asks nothing back, so the next message may follow at once. */
function postgresStartup({ user, database }: PostgresService): Buffer {
  return postgresMessage("", `\0\u0003\0\0user\0${user}\0database\0${database}\0\0`);
}

function postgresGoodbye(service: PostgresService): Buffer {
  return Buffer.concat([postgresStartup(service), postgresMessage("X", "")]);
}

/** CommandComplete of a one-row select, then ReadyForQuery outside a transaction: nothing comes after it. */
const postgresDone = Buffer.concat([postgresMessage("C", "SELECT 1\0"), postgresMessage("Z", "I")]);

function postgresSpeaker(service: PostgresService, answerBytes: number): Speaker {
  const query = postgresMessage("Q", `select repeat('x', ${answerBytes})\0`);
  let tail = nothing;
  return {
    opening: Buffer.concat([postgresStartup(service), query]),
    hear: (piece) => {
      tail = Buffer.concat([tail, piece.subarray(-postgresDone.length)]).subarray(-postgresDone.length);
      return tail.equals(postgresDone) ? "complete" : nothing;
    },
  };
}

const httpGet = (path: string, connection: "close" | "keep-alive"): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: kiln-talk\r\nConnection: ${connection}\r\n\r\n`;

/** Requests under way at once: enough to keep 512 KiB/s busy with answers of a few hundred bytes, and no flood for the service. */
const httpWindow = 64;

/**
 * The ready path, asked again and again on one connection until the answers have so many bytes. How long an answer is shows in those that
 * came, so little more is asked for than is needed.
 */
function httpSpeaker(path: string, answerBytes: number): Speaker {
  const get = Buffer.from(httpGet(path, "keep-alive"));
  const mark = "HTTP/1.";
  let heardBytes = 0;
  let askedCount = 1;
  let begunCount = 0;
  /** The end of the last piece: a mark may be cut in two. */
  let carry = "";
  return {
    opening: get,
    hear: (piece) => {
      heardBytes += piece.length;
      if (heardBytes >= answerBytes) return "complete";
      const text = carry + piece.toString("latin1");
      begunCount += text.split(mark).length - 1;
      carry = text.slice(1 - mark.length);
      const eachBytes = heardBytes / Math.max(1, begunCount);
      const wanted = Math.min(Math.ceil((answerBytes - heardBytes) / eachBytes), httpWindow);
      const more = Math.max(0, wanted - (askedCount - begunCount));
      askedCount += more;
      return Buffer.concat(Array.from({ length: more }, () => get));
    },
  };
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("aborted", { cause: reason });
}
