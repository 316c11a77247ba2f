// Free TCP ports for a run. All below 32768: a port of the ephemeral range can be taken by a client's socket while a server restarts.
import { createServer } from "node:net";
import { environmentError, hasErrno } from "./errors.ts";
import { sha256 } from "./json.ts";

export const firstPort = 20_000;
export const lastPort = 31_999;

/**
 * `count` distinct ports of 127.0.0.1 that could be bound just now, searched from a point that `seedText` fixes so that two users of
 * one machine rarely meet. Throws `ports-exhausted` (environment).
 */
export async function freePorts(count: number, seedText: string): Promise<number[]> {
  const span = lastPort - firstPort + 1;
  const start = Number.parseInt(sha256(seedText).slice(0, 8), 16) % span;
  const found: number[] = [];
  for (let offset = 0; offset < span && found.length < count; offset += 1) {
    const port = firstPort + ((start + offset) % span);
    if (await canBind(port)) found.push(port);
  }
  if (found.length === count) return found;
  throw environmentError(
    "ports-exhausted",
    `only ${found.length} of ${count} ports are free in ${firstPort}..${lastPort}`,
    {
      hint: "end what holds them (see: ss -ltn)",
    },
  );
}

/** One such port. */
export async function freePort(seedText: string): Promise<number> {
  const [port] = await freePorts(1, seedText);
  if (port === undefined) throw new TypeError("freePorts gives as many as it was asked for");
  return port;
}

/** True when nothing listens on that port of 127.0.0.1 or of all addresses. */
export async function canBind(port: number): Promise<boolean> {
  const server = createServer();
  const bound = await new Promise<boolean>((resolve, reject) => {
    server.once("listening", () => resolve(true));
    server.once("error", (error) =>
      hasErrno(error, "EADDRINUSE", "EACCES") ? resolve(false) : reject(error),
    );
    server.listen({ host: "127.0.0.1", port, exclusive: true });
  });
  if (bound) await new Promise((resolve) => server.close(resolve));
  return bound;
}
