// One HTTP request on a connection of its own: a pooled connection would carry the state of an earlier fault into the next look.
import { request } from "node:http";
import { environmentError } from "../support/errors.ts";
import type { Json } from "../support/json.ts";
import type { Endpoint } from "./exchange.ts";
import { assertLoopback } from "./loopback.ts";
import type { HttpAnswer } from "./stack.ts";

export interface HttpQuestion {
  readonly path: string;
  readonly signal: AbortSignal;
  /** GET by default. */
  readonly method?: string;
  /** Sent as JSON. */
  readonly body?: Json;
}

// More than any health or metrics answer; a service gone mad must not fill the harness's memory.
const largestAnswerBytes = 16 * 1024 * 1024;

/**
 * Rejects with `http-failed` (environment) when there is no whole answer, with the signal's reason, and with `not-loopback`. Any status is an
 * answer.
 */
export async function httpRequest(at: Endpoint, question: HttpQuestion): Promise<HttpAnswer> {
  assertLoopback(at);
  const { path, signal, method = "GET" } = question;
  const payload = question.body === undefined ? undefined : JSON.stringify(question.body);
  const headers =
    payload === undefined
      ? {}
      : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) };
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      const reason: unknown = signal.aborted ? signal.reason : undefined;
      const text = `${method} http://${at.host}:${at.port}${path} failed`;
      reject(reason instanceof Error ? reason : environmentError("http-failed", text, { cause: error }));
    };
    const sent = request(
      { host: at.host, port: at.port, path, method, headers, signal, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > largestAnswerBytes)
            response.destroy(new Error(`the answer is longer than ${largestAnswerBytes} bytes`));
          else chunks.push(chunk);
        });
        response.once("error", fail);
        response.once("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            body: Buffer.concat(chunks).toString("utf8"),
            headers: Object.fromEntries(
              Object.entries(response.headers).map(([key, value]) => [key, String(value)]),
            ),
          }),
        );
      },
    );
    sent.once("error", fail);
    sent.end(payload);
  });
}
