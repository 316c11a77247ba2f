// A service that goes away on purpose and tells the truth about it: it closes its port (and every open connection) for planned times
// and writes down when, on the monotonic clock. The plan begins with the first request for /load.
//
//   PORT, OUTAGES='[{"atMs":5000,"forMs":100}, ...]' (from the first request), TRUTH=<file> in the environment
//
// The truth: one line a change, "closed <ms>" or "open <ms>", CLOCK_MONOTONIC. Closed is taken when close() has returned (the kernel
// refuses from then on), open when listen() has.
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";

interface PlannedOutage {
  readonly atMs: number;
  readonly forMs: number;
}

const { PORT, OUTAGES = "[]", TRUTH } = process.env;
if (PORT === undefined || TRUTH === undefined) throw new Error("PORT and TRUTH must be set");
const outages = JSON.parse(OUTAGES) as readonly PlannedOutage[];
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;
const note = (what: "closed" | "open", atMs: number): void => appendFileSync(TRUTH, `${what} ${atMs}\n`);

let begun = false;
const server = createServer((request, response) => {
  if (request.url === "/load" && !begun) {
    begun = true;
    for (const { atMs, forMs } of outages) setTimeout(() => goAway(forMs), atMs);
  }
  response.end("ok");
});
// Longer than any pause of the load: connections end when the port closes, not before.
server.keepAliveTimeout = 60_000;
server.listen(Number(PORT), "127.0.0.1");

function goAway(forMs: number): void {
  server.close();
  server.closeAllConnections();
  note("closed", nowMs());
  setTimeout(() => {
    server.listen(Number(PORT), "127.0.0.1", () => note("open", nowMs()));
  }, forMs);
}

process.once("SIGTERM", () => process.exit(0));
