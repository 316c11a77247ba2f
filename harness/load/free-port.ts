// A free loopback port below the ephemeral range: ports from 32768 up may be taken by any client socket at any moment.
import { createServer } from "node:net";
import { environmentError, hasErrno } from "../support/errors.ts";

const lowest = 20_000;
const count = 12_000;

/** The first port that can be listened on, searching upwards (and around) from 20000 + start. */
export async function freePort(start: number): Promise<number> {
  for (let step = 0; step < count; step++) {
    const port = lowest + ((start + step) % count);
    if (await isFree(port)) return port;
  }
  throw environmentError("no-free-port", `no free port on 127.0.0.1 in ${lowest}-${lowest + count - 1}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => {
      if (hasErrno(error, "EADDRINUSE", "EACCES")) resolve(false);
      else reject(error);
    });
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
