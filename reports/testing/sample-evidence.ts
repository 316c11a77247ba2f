// Made-up evidence to the made-up plan: what a stack that behaves (or one whose gateway does not come back in time) would leave behind.
// Numbers come from a small generator, so every call gives the same run.
import type { JournalEvent } from "../../harness/journal/events.ts";
import type {
  Evidence,
  LoadCell,
  LoadSecond,
  Outcome,
  Sample,
  SeriesInfo,
} from "../../harness/journal/evidence.ts";
import type { FaultRecord } from "../../harness/judge/verdict.ts";
import type { Plan } from "../../harness/plan/plan.ts";
import { LatencySketch } from "../../harness/support/latency-sketch.ts";
import { sampleEvents, sampleServices, type Harm } from "./sample-events.ts";
import { sampleFaults, type SampleFault, type SampleOptions } from "./sample-plan.ts";

const mib = 1_048_576;

/** A number from 0 to 1 that depends on its arguments only. */
function noise(a: number, b = 0): number {
  const x = Math.sin(a * 12.9898 + b * 78.233) * 43_758.5453;
  return x - Math.floor(x);
}

function harmsAt(harms: readonly Harm[], atMs: number): Harm[] {
  return harms.filter(
    ({ record }) =>
      record.effective !== null &&
      atMs >= record.effective.atMs &&
      atMs < (record.recovered?.atMs ?? Infinity) - 400,
  );
}

const routes = [
  { route: "GET /frameworks/:id", priority: "high", essential: true, share: 0.5, baseMs: 3.1 },
  { route: "POST /frameworks", priority: "high", essential: true, share: 0.2, baseMs: 8.4 },
  { route: "GET /frameworks", priority: "normal", essential: true, share: 0.2, baseMs: 5.2 },
  { route: "POST /tools/analyse", priority: "low", essential: false, share: 0.1, baseMs: 21 },
] as const;

function* cells(
  plan: Plan,
  harms: readonly Harm[],
  endMs: number,
  fromMs = 0,
  toMs = Infinity,
): Generator<LoadCell> {
  // Long runs: fewer draws for each second, or the sample would take longer than the report.
  const draws = plan.durationMs > 3_600_000 ? 8 : Infinity;
  for (const { startMs, endMs: segmentEnd, rps } of plan.load.segments) {
    for (let second = startMs / 1_000; second * 1_000 < Math.min(segmentEnd, endMs, toMs); second++) {
      if (second * 1_000 < fromMs) continue;
      const active = harmsAt(harms, second * 1_000 + 500);
      for (const [index, { route, priority, essential, share, baseMs }] of routes.entries()) {
        const count = Math.round(rps * share + noise(second, index) - 0.5);
        const slow = active.reduce(
          (factor, { spec }) =>
            factor * (1 + (spec.slow - 1) * (spec.name === "latency" && index === 0 ? 0.3 : 1)),
          1,
        );
        const failShare = active.reduce((most, { spec }) => Math.max(most, spec.failShare), 0);
        const failed = Math.min(
          count,
          Math.round(count * failShare + noise(second, index + 9) * (failShare > 0 ? 1 : 0)),
        );
        yield cell(
          second,
          { route, priority, essential },
          "ok",
          count - failed,
          Math.min(draws, count - failed),
          (k) =>
            baseMs *
            slow *
            (0.55 +
              0.9 * noise(second * 31 + k, index) ** 3 +
              (noise(second + k * 7, index) > 0.993 ? 6 : 0)),
        );
        if (failed > 0)
          yield cell(second, { route, priority, essential }, "failed", failed, failed, (k) =>
            noise(second, k) > 0.8 ? 2_000 : 1.2 + noise(k, second),
          );
      }
    }
  }
}

function cell(
  second: number,
  route: Pick<LoadCell, "route" | "priority" | "essential">,
  outcome: Outcome,
  count: number,
  draws: number,
  draw: (k: number) => number,
): LoadCell {
  const latency = new LatencySketch();
  for (let k = 0; k < draws; k++) latency.record(draw(k));
  return { second, ...route, outcome, count, latency };
}

function* seconds(plan: Plan, endMs: number, droppedFrom: number): Generator<LoadSecond> {
  for (const { index, startMs, endMs: segmentEnd, rps, kind } of plan.load.segments) {
    for (let second = startMs / 1_000; second * 1_000 < Math.min(segmentEnd, endMs); second++) {
      const lateness = new LatencySketch();
      for (let k = 0; k < 5; k++) lateness.record(0.2 + noise(second, k));
      const dropped = kind === "spike" && second * 1_000 >= droppedFrom ? Math.round(6 * noise(second)) : 0;
      yield {
        second,
        rps,
        segment: index,
        planned: rps,
        started: rps - dropped,
        dropped,
        lateness,
        firstFailureMs: null,
        lastFailureMs: null,
        okAfterFailureMs: null,
      };
    }
  }
}

function* sample(name: string, plan: Plan, harms: readonly Harm[], endMs: number): Generator<Sample> {
  const [, service = "", what] = name.split(".");
  const stepMs = plan.durationMs > 3_600_000 ? 5_000 : 1_000;
  for (let atMs = -4_000; atMs < endMs; atMs += stepMs) {
    const active = harmsAt(harms, atMs);
    const gone =
      service === "gateway" &&
      active.some(
        ({ spec, record }) => spec.name === "kill" && atMs < (record.recovered?.atMs ?? endMs) - 1_500,
      );
    if (gone && service === "gateway") continue;
    const wobble = noise(atMs / 1_000, name.length);
    if (name === "system.cpu")
      yield {
        atMs,
        value: 0.34 + 0.12 * wobble + (active.some(({ spec }) => spec.name === "cpu-burn") ? 0.35 : 0),
      };
    else if (what === "cpu")
      yield {
        atMs,
        value:
          (service === "gateway" ? 0.21 : 0.04) +
          0.05 * wobble +
          (service === "gateway" && active.some(({ spec }) => spec.name === "cpu-burn") ? 0.79 : 0),
      };
    else {
      const leak = active.find(({ spec }) => spec.name === "memory-leak" && service === "gateway");
      const leaked = leak === undefined ? 0 : (4 * (atMs - (leak.record.injected?.atMs ?? atMs))) / 1_000;
      yield {
        atMs,
        value:
          ((sampleServices[service] ?? 40) + 3 * wobble + leaked + (4 * Math.max(0, atMs)) / 180_000) * mib,
      };
    }
  }
}

function seriesList(): SeriesInfo[] {
  const names = Object.keys(sampleServices).flatMap((service) => [
    `process.${service}.rss`,
    `process.${service}.cpu`,
  ]);
  return [...names, "system.cpu"].map((name, id) => ({
    id,
    name,
    unit: name.endsWith(".rss") ? "bytes" : "ratio",
  }));
}

export function sampleEvidence(
  plan: Plan,
  records: readonly FaultRecord[],
  options: SampleOptions = {},
): Evidence {
  const endMs = options.endMs ?? plan.durationMs + 4_000;
  const harms = records.map((record, index) => ({
    record,
    spec: sampleFaults[index % sampleFaults.length] as SampleFault,
  }));
  const list = sampleEvents(plan, harms, endMs, options);
  const started = options.load !== false;
  const first = list[0];
  if (first?.type !== "run-started") throw new TypeError("the sample run opens with its header");
  return {
    header: first,
    loadStarted: started,
    endMs,
    ended: list.find((event) => event.type === "run-ended") ?? null,
    unreadableLines: 0,
    events: () => list,
    eventsOf: <T extends JournalEvent["type"]>(type: T) =>
      list.filter((event): event is Extract<JournalEvent, { type: T }> => event.type === type),
    cells: (fromMs, toMs) => (started ? cells(plan, harms, endMs, fromMs, toMs) : []),
    seconds: () => (started ? seconds(plan, endMs, options.outcome === "inconclusive" ? 0 : Infinity) : []),
    series: () => (started ? seriesList() : []),
    *samples(name, fromMs = -Infinity, toMs = Infinity) {
      if (!seriesList().some((one) => one.name === name)) return;
      for (const one of sample(name, plan, harms, endMs))
        if (one.atMs >= fromMs && one.atMs < toMs) yield one;
    },
  };
}
