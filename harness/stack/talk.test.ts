import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { ServiceSpec } from "../scenario/stack-spec.ts";
import { deadline } from "../support/clock.ts";
import type { Talk, TalkRequest } from "./stack.ts";
import { talk } from "./talk.ts";

const redis: ServiceSpec = { kind: "redis", name: "redis" };
const program: ServiceSpec = { kind: "program", name: "web", command: ["node"], readyPath: "/ready" };

let server: Server | undefined;
const sockets = new Set<Socket>();

async function listen(candidate: Server): Promise<{ host: string; port: number }> {
  server = candidate.on("connection", (socket: Socket) => void sockets.add(socket.on("error", () => {})));
  await new Promise<void>((resolve) => candidate.listen(0, "127.0.0.1", resolve));
  return { host: "127.0.0.1", port: (candidate.address() as AddressInfo).port };
}

/** A server that does something when the first bytes come. */
const onFirstBytes = (act: (socket: Socket) => void): Promise<{ host: string; port: number }> =>
  listen(createServer((socket) => socket.once("data", () => act(socket))));

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
  server = undefined;
});

const asking = (answerBytes: number, waitMs = 5_000): TalkRequest => ({ ask: { answerBytes }, waitMs });
const talkTo = (at: { host: string; port: number }, request = asking(10)): Promise<Talk> =>
  talk(redis, at, request, deadline(10_000));

describe("a talk", () => {
  test("is complete with the last byte of the answer, and tells each read", async () => {
    const at = await onFirstBytes((socket) => {
      socket.write("$10\r\nxxxxx");
      setTimeout(() => socket.write("xxxxx\r\n"), 60);
    });
    const seen = await talkTo(at);
    expect(seen).toMatchObject({ end: "complete", receivedBytes: 17 });
    expect(seen.arrivals.map(({ bytes }) => bytes)).toEqual([10, 7]);
    expect(seen.tookMs).toBeGreaterThan(55);
    expect(seen.tookMs).toBeGreaterThanOrEqual(seen.arrivals[1]!.atMs);
  });

  test.each([
    ["closed", (socket: Socket) => socket.end("$10\r")],
    ["reset", (socket: Socket) => socket.resetAndDestroy()],
    ["unfinished", (socket: Socket) => socket.write("$10\r\nxxx")],
  ] as const)("ends %s", async (end, act) => {
    const seen = await talkTo(await onFirstBytes(act), asking(10, 300));
    expect(seen.end).toBe(end);
    expect(seen.tookMs >= 290).toBe(end === "unfinished");
  });

  test("is refused where nobody listens", async () => {
    const at = await listen(createServer());
    await new Promise((resolve) => server!.close(resolve));
    expect(await talkTo(at)).toMatchObject({ end: "refused", receivedBytes: 0, arrivals: [] });
  });

  test("rejects with its signal's reason", async () => {
    const at = await onFirstBytes(() => {});
    await expect(talk(redis, at, asking(10), AbortSignal.abort(new Error("over")))).rejects.toThrow("over");
    await expect(talk(redis, at, asking(10), deadline(100))).rejects.toMatchObject({ name: "TimeoutError" });
  });
});

describe("a talk with an HTTP service", () => {
  const counting = async (): Promise<{ at: { host: string; port: number }; count: () => number }> => {
    let requests = 0;
    const at = await listen(
      createHttpServer((request, response) => {
        requests += 1;
        expect(request.url).toBe("/ready");
        response.end("y".repeat(100));
      }),
    );
    return { at, count: () => requests };
  };

  test("asks on one connection until the answers are long enough, and for hardly more", async () => {
    const { at, count } = await counting();
    const one = await talk(program, at, asking(1), deadline(5_000));
    expect(one.end).toBe("complete");
    expect(count()).toBe(1);
    const many = await talk(program, at, asking(50_000), deadline(5_000));
    expect(many.end).toBe("complete");
    expect(many.receivedBytes).toBeGreaterThanOrEqual(50_000);
    const needed = Math.ceil(50_000 / one.receivedBytes);
    expect(count() - 1).toBeGreaterThanOrEqual(needed);
    expect(count() - 1).toBeLessThan(needed + 70);
    expect(sockets.size).toBe(2);
  });

  test("says goodbye so that the service hangs up", async () => {
    const { at } = await counting();
    const seen = await talk(program, at, { ask: "goodbye", waitMs: 3_000 }, deadline(5_000));
    expect(seen.end).toBe("closed");
    expect(seen.receivedBytes).toBeGreaterThan(100);
  });
});
