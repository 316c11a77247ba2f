// The last guard before a connection is opened to a stack: Kiln breaks and loads only what it started itself on this machine.
import { environmentError } from "../support/errors.ts";
import type { Endpoint } from "./exchange.ts";

/** Addresses of the loopback interface, as numbers: a name such as "localhost" is whatever the machine's hosts file says. */
const loopback = /^(?:127(?:\.\d{1,3}){3}|::1)$/;

/** Throws `not-loopback` (environment) for any other host. */
export function assertLoopback({ host, port }: Endpoint): void {
  if (loopback.test(host)) return;
  throw environmentError("not-loopback", `${host}:${port} is not on this machine's loopback interface`, {
    hint: "Kiln only touches what the run itself started, on 127.0.0.1",
  });
}
