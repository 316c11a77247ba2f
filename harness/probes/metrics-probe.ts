// Reads a service's own Prometheus page every five seconds and keeps its unlabelled gauges and counters: heap, pool, cache numbers.
import type { ProgramService } from "../scenario/stack-spec.ts";
import type { Probe, ProbeContext, ProbeFactory } from "./probe.ts";

/** More unlabelled series than this on one page are cut off, in page order: a page without end must not fill the disk. */
const largestPage = 60;

export const metricsProbes: ProbeFactory = (context) =>
  context.stack.spec.services
    .filter(
      (service): service is ProgramService & { metricsPath: string } =>
        service.kind === "program" && service.metricsPath !== undefined,
    )
    .map((service) => metricsProbe(context, service.name, service.metricsPath));

function metricsProbe({ stack, samples }: ProbeContext, service: string, path: string): Probe {
  return {
    name: `app.${service}`,
    everyMs: 5_000,
    async look(atMs, signal) {
      const answer = await stack.http(service, path, { signal });
      if (answer.status !== 200) throw new Error(`GET ${path} of ${service} answered ${answer.status}`);
      for (const [name, value] of parsePrometheus(answer.body).slice(0, largestPage)) {
        samples.sample(`app.${service}.${name}`, name.endsWith("_bytes") ? "bytes" : "count", atMs, value);
      }
    },
  };
}

/** Unlabelled samples of a page in Prometheus's text format 0.0.4, in page order. */
function parsePrometheus(page: string): [name: string, value: number][] {
  const found: [string, number][] = [];
  for (const line of page.split("\n")) {
    const match = /^([a-zA-Z_:][\w:]*) (\S+)/.exec(line);
    const value = Number(match?.[2]);
    if (match?.[1] !== undefined && Number.isFinite(value)) found.push([match[1], value]);
  }
  return found;
}
