import { type AddressInfo, type Server, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { ServiceSpec } from "../scenario/stack-spec.ts";
import { deadline } from "../support/clock.ts";
import { exchange } from "./exchange.ts";

const redis: ServiceSpec = { kind: "redis", name: "redis" };
const postgres: ServiceSpec = { kind: "postgres", name: "postgres", user: "u", database: "d" };
const program: ServiceSpec = { kind: "program", name: "web", command: ["node"], readyPath: "/ready" };

let server: Server | undefined;

afterEach(async () => {
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

/** A server that answers the first bytes it gets with `answer` after `delayMs`; null hangs up, undefined says nothing. */
async function answering(
  answer: string | null | undefined,
  delayMs = 0,
): Promise<{ port: number; host: string; asked: Buffer[] }> {
  const asked: Buffer[] = [];
  server = createServer((socket) => {
    socket.once("data", (bytes) => {
      asked.push(bytes);
      if (answer === null) socket.end();
      else if (answer !== undefined) setTimeout(() => socket.write(answer), delayMs);
    });
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server!.listen(0, "127.0.0.1", resolve));
  return { host: "127.0.0.1", port: (server.address() as AddressInfo).port, asked };
}

test("speaks each server's protocol", async () => {
  for (const [service, answer, request] of [
    [redis, "+PONG\r\n", "PING\r\n"],
    [postgres, "N", "\0\0\0\b\u0004\u00d2\u0016\u002f"],
    [program, "HTTP/1.1 503 Service Unavailable\r\n\r\n", /^GET \/ready HTTP\/1\.1\r\n/],
  ] as const) {
    const at = await answering(answer);
    expect(await exchange(service, at, deadline(5_000))).toBeGreaterThan(0);
    expect(at.asked[0]!.toString("latin1")).toMatch(request);
    await new Promise((resolve) => server!.close(resolve));
  }
});

test("measures from the request to the first byte", async () => {
  const at = await answering("+PONG\r\n", 120);
  const tookMs = await exchange(redis, at, deadline(5_000));
  expect(tookMs).toBeGreaterThanOrEqual(118);
  expect(tookMs).toBeLessThan(1_000);
});

test.each([
  ["a refusal", "-LOADING Redis is loading the dataset in memory\r\n"],
  ["another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n"],
  ["a hang-up", null],
])("%s is no answer", async (_, answer) => {
  const at = await answering(answer);
  await expect(exchange(redis, at, deadline(5_000))).rejects.toMatchObject({ code: "exchange-failed" });
});

test("nobody listening is no answer; silence ends with the signal's reason", async () => {
  const at = await answering(undefined);
  await expect(exchange(redis, at, deadline(100))).rejects.toMatchObject({ name: "TimeoutError" });
  await expect(exchange(redis, at, AbortSignal.abort(new Error("over")))).rejects.toThrow("over");
  await new Promise((resolve) => server!.close(resolve));
  await expect(exchange(redis, at, deadline(5_000))).rejects.toMatchObject({ code: "exchange-failed" });
});
