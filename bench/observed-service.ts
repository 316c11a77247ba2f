// An idle stand-in for the parts of a real stack: what Kiln's probes ask (health, configuration in force, Prometheus page, a watchdog's
// event log) is there, so that the sweep costs in the benchmark what it costs in a run. PORT names its port; EVENTS_FILE makes it a
// watchdog; CONFIG_FILE the owner of a configuration file, which it writes at its start.
import { appendFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { canonicalJson, sha256 } from "../harness/support/json.ts";

const { PORT, EVENTS_FILE, CONFIG_FILE } = process.env;

const values = { mode: "bench", poolSize: 10, cacheTtlMs: 30_000 };
const config = JSON.stringify({ version: 1, checksum: sha256(canonicalJson(values)), values });
// About as many gauges as a Node service with prom-client's defaults and a few of its own shows.
const gauges = Array.from(
  { length: 40 },
  (_, at) => `# TYPE bench_gauge_${at} gauge\nbench_gauge_${at} ${at * 1.5}`,
);
const pages: Readonly<Record<string, string>> = { "/config": config, "/metrics": `${gauges.join("\n")}\n` };

if (CONFIG_FILE !== undefined) writeFileSync(CONFIG_FILE, config);
if (EVENTS_FILE !== undefined) {
  appendFileSync(EVENTS_FILE, `${JSON.stringify({ time: new Date().toISOString(), event: "started" })}\n`);
}

const server = createServer((request, response) => {
  response.end(pages[request.url ?? ""] ?? "ok");
});
server.listen(Number(PORT), "127.0.0.1");
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
});
