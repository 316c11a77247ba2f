// One exchange in a server's own protocol on a new connection: what confirms network faults and readiness on the data path.
import { type Socket, connect } from "node:net";
import type { ServiceSpec } from "../scenario/stack-spec.ts";
import { type Clock, systemClock } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import { assertLoopback } from "./loopback.ts";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

interface Question {
  readonly request: Buffer;
  /** False when these first bytes are no right answer. */
  accepts(answer: Buffer): boolean;
}

/**
 * Milliseconds from the request (sent once the connection stands) to the first byte of the answer. Any HTTP status counts as an answer: it
 * came over the link. Rejects with `exchange-failed` (environment) when there is none or it is not of the protocol, and with the
 * signal's reason.
 */
export function exchange(
  service: ServiceSpec,
  at: Endpoint,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<number> {
  return ask(questionFor(service), at, signal, clock);
}

/** Resolves when PostgreSQL lets a session of `user` begin: unlike SSLRequest that fails while it is still starting or recovering. */
export async function postgresAccepts(
  user: string,
  database: string,
  at: Endpoint,
  signal: AbortSignal,
): Promise<void> {
  const body = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  // Protocol 3.0; PostgreSQL documentation, "Message Formats", StartupMessage. The answer "R" is AuthenticationOk or a demand.
  head.writeInt32BE(196_608, 4);
  await ask({ request: Buffer.concat([head, body]), accepts: startsWith("R") }, at, signal, systemClock);
}

function questionFor(service: ServiceSpec): Question {
  switch (service.kind) {
    case "postgres": {
      // SSLRequest: length 8 and code 80877103; the answer is one byte, "S" or "N".
      const request = Buffer.alloc(8);
      request.writeInt32BE(8, 0);
      request.writeInt32BE(80_877_103, 4);
      return { request, accepts: startsWith("S", "N") };
    }
    case "redis":
      // Inline command; an answer with "-" (such as -LOADING) is a refusal.
      return { request: Buffer.from("PING\r\n"), accepts: startsWith("+") };
    case "program": {
      const request = `GET ${service.readyPath} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: kiln-exchange\r\nConnection: close\r\n\r\n`;
      return { request: Buffer.from(request), accepts: startsWith("H") };
    }
  }
}

function startsWith(...beginnings: readonly string[]): (answer: Buffer) => boolean {
  return (answer) => beginnings.includes(String.fromCodePoint(answer[0] ?? 0));
}

async function ask(question: Question, at: Endpoint, signal: AbortSignal, clock: Clock): Promise<number> {
  assertLoopback(at);
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(asError(signal.reason));
      return;
    }
    const socket: Socket = connect({ host: at.host, port: at.port, noDelay: true });
    let askedMs = 0;
    const finish = (end: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      end();
    };
    const fail = (why: string, cause?: unknown): void =>
      finish(() => reject(environmentError("exchange-failed", `${at.host}:${at.port} ${why}`, { cause })));
    function onAbort(): void {
      finish(() => reject(asError(signal.reason)));
    }
    signal.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => {
      askedMs = clock.nowMs();
      socket.write(question.request);
    });
    socket.once("data", (answer) => {
      const tookMs = clock.nowMs() - askedMs;
      if (question.accepts(answer)) finish(() => resolve(tookMs));
      else fail(`answered something else: ${JSON.stringify(answer.subarray(0, 80).toString("latin1"))}`);
    });
    socket.once("error", (error) => fail("could not be asked", error));
    socket.once("close", () => fail("closed the connection without an answer"));
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("aborted", { cause: reason });
}
