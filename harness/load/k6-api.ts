// k6's REST interface, as far as a segment needs it: is the process paused and ready, and the release. One kept-alive connection, so
// that the release at a boundary does not pay for connecting.
import { Agent, request } from "node:http";
import { environmentError } from "../support/errors.ts";

/** `status` values of k6 v2: lib.ExecutionStatus. */
const pausedBeforeRun = 4;

export interface K6Api {
  /** True once k6 has made its virtual users and waits for the release; undefined while it does not answer. */
  isReady(signal: AbortSignal): Promise<boolean | undefined>;
  /** Lets a paused run begin. Rejects when k6 does not do it. */
  release(signal: AbortSignal): Promise<void>;
  close(): void;
}

export function createK6Api(port: number): K6Api {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const call = (
    method: "GET" | "PATCH",
    body: string,
    signal: AbortSignal,
  ): Promise<{ code: number; text: string }> =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      const call = request(
        { agent, host: "127.0.0.1", port, path: "/v1/status", method, headers, signal },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.on("error", reject);
          answer.on("end", () =>
            resolve({ code: answer.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
          );
        },
      );
      call.on("error", reject);
      call.end(body);
    });

  return {
    async isReady(signal) {
      try {
        const answer = await call("GET", "", signal);
        return answer.code === 200 && statusOf(answer.text) === pausedBeforeRun;
      } catch (error) {
        // Nobody listens yet, or the deadline of the caller is over: it decides.
        if (signal.aborted || error instanceof Error) return undefined;
        throw error;
      }
    },
    async release(signal) {
      const attributes = { paused: false };
      const answer = await call(
        "PATCH",
        JSON.stringify({ data: { type: "status", id: "default", attributes } }),
        signal,
      );
      if (answer.code !== 200) {
        throw environmentError(
          "k6-not-released",
          `k6 refused to begin its segment (${answer.code}): ${answer.text.slice(0, 300)}`,
        );
      }
    },
    close: () => agent.destroy(),
  };
}

function statusOf(text: string): unknown {
  const answer: unknown = JSON.parse(text);
  if (typeof answer !== "object" || answer === null || !("data" in answer)) return undefined;
  const { data } = answer;
  if (typeof data !== "object" || data === null || !("attributes" in data)) return undefined;
  const { attributes } = data;
  if (typeof attributes !== "object" || attributes === null || !("status" in attributes)) return undefined;
  return attributes.status;
}
