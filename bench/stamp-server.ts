// A server of its own for schedule measurements: answers every request at once and stamps its arrival with the monotonic clock, so that
// the truth about a load generator's schedule does not come from the generator. One thread, no framework, no logging.
//
//   node bench/stamp-server.ts <port> <file>
//
// GET /<segment>/<iteration> is stamped; anything else is answered only. On SIGTERM, or when standard input ends (its starter is gone),
// the stamps go to <file>: triples of float64 (segment, iteration, CLOCK_MONOTONIC in milliseconds), in order of arrival.
// Limit: an arrival is stamped when the event loop reads the request, typically 0.1 ms after the kernel had it.
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";

const [port, file] = process.argv.slice(2);
if (port === undefined || file === undefined) {
  console.error("usage: node bench/stamp-server.ts <port> <file>");
  process.exit(3);
}

// Ten minutes at 175 requests/s with room to spare; a plain array would move while it grows.
const stamps = new Float64Array(3 * 200_000);
let length = 0;
const body = JSON.stringify({ ok: true });
const headers = { "content-type": "application/json", "content-length": body.length };
const stamped = /^\/(\d+)\/(\d+)$/;

const server = createServer((request, response) => {
  const atMs = Number(process.hrtime.bigint()) / 1e6;
  const match = stamped.exec(request.url ?? "");
  if (match !== null && length < stamps.length) {
    stamps[length] = Number(match[1]);
    stamps[length + 1] = Number(match[2]);
    stamps[length + 2] = atMs;
    length += 3;
  }
  response.writeHead(200, headers);
  response.end(body);
});
server.keepAliveTimeout = 60_000;
server.listen(Number(port), "127.0.0.1", () => console.log("listening"));

function finish(): void {
  writeFileSync(file ?? "", stamps.subarray(0, length));
  process.exit(0);
}
// The starter alone decides: a Ctrl-C in the terminal reaches this process as well.
process.on("SIGINT", () => undefined);
process.once("SIGTERM", finish);
process.stdin.once("end", finish);
process.stdin.resume();
