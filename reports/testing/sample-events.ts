// The journal's events of the made-up run.
import type { JournalBody, JournalEvent } from "../../harness/journal/events.ts";
import type { FaultRecord } from "../../harness/judge/verdict.ts";
import type { Plan } from "../../harness/plan/plan.ts";
import type { SampleFault, SampleOptions } from "./sample-plan.ts";

const mib = 1_048_576;

/** A fault of the plan with what the sample makes of it. */
export interface Harm {
  readonly spec: SampleFault;
  readonly record: FaultRecord;
}

/** Services with their resident memory in MiB. */
export const sampleServices: Readonly<Record<string, number>> = {
  gateway: 94,
  watchdog: 61,
  upstream: 58,
  postgres: 41,
  redis: 12,
  toxiproxy: 18,
};

export function sampleEvents(
  plan: Plan,
  harms: readonly Harm[],
  endMs: number,
  options: SampleOptions,
): JournalEvent[] {
  const out: JournalEvent[] = [];
  const add = (atMs: number, body: JournalBody): void => {
    if (atMs <= endMs) out.push({ seq: out.length + 1, atMs, ...body });
  };
  add(-9_000, header(plan));
  for (const service of Object.keys(sampleServices))
    add(-8_000, {
      type: "process",
      service,
      change: "appeared",
      identity: { pid: 4_000 + service.length, startTicks: 1, bootId: "sample" },
    });
  add(-5_000, {
    type: "preflight",
    checks: [
      {
        name: "processor",
        ok: true,
        measured: 0.06,
        limit: 0.5,
        unit: "ratio",
        text: "6 % of the machine is busy before the load",
      },
      {
        name: "disk",
        ok: true,
        measured: 41 * 1_024 * mib,
        limit: 1_024 * mib,
        unit: "bytes",
        text: "41 GiB are free for the run folder",
      },
    ],
  });
  if (options.load !== false) add(0, { type: "load-started", zeroAtMs: 9_000 });
  for (const harm of harms) faultEvents(harm, add);
  add(101_000, { type: "note", level: "warning", text: "k6 was 4.1 ms late in one second" });
  for (const segment of plan.load.segments) {
    add(segment.endMs, {
      type: "segment-ended",
      index: segment.index,
      planned: segment.starts,
      started: segment.starts,
      completed: segment.starts,
      dropped: 0,
      interrupted: 0,
      unaccounted: 0,
      users: segment.users,
      usersNeeded: segment.usersNeeded,
      exitCode: 0,
      cpuMs: 9_400,
      peakRssBytes: 88 * mib,
    });
  }
  add(plan.durationMs + 4_000, { type: "run-ended", outcome: "completed" });
  return out.toSorted((a, b) => a.atMs - b.atMs);
}

/** What the watchdog did about one fault. */
function faultEvents({ spec, record }: Harm, add: (atMs: number, body: JournalBody) => void): void {
  if (record.detected !== null)
    add(
      record.detected.atMs,
      watchdog({
        event: "detected",
        target: spec.service,
        condition: spec.name === "kill" ? "process gone" : "unhealthy check",
      }),
    );
  if (record.acted !== null && spec.level !== "none") {
    add(
      record.acted.atMs,
      watchdog({ event: "action", target: spec.service, level: spec.level, attempt: 1, backoffMs: 0 }),
    );
    if (spec.name === "kill")
      add(record.acted.atMs + 900, {
        type: "process",
        service: "gateway",
        change: "appeared",
        identity: { pid: 4_900, startTicks: 2, bootId: "sample" },
      });
    add(
      record.acted.atMs + 1_200,
      watchdog({ event: "validated", target: spec.service, detail: "ready after 1.1 s" }),
    );
  }
}

function watchdog(line: Extract<JournalBody, { type: "watchdog" }>["line"]): JournalBody {
  return { type: "watchdog", wallTime: "2026-11-21T03:00:00.000Z", line };
}

function header(plan: Plan): Extract<JournalBody, { type: "run-started" }> {
  return {
    type: "run-started",
    runId: "20261121-030000-smoke-42",
    scenario: plan.scenario,
    seed: plan.seed,
    planHash: plan.hash,
    wallStart: "2026-11-21T03:00:00.000Z",
    monotonicZeroMs: 0,
    bootId: "sample",
    tools: {
      kiln: "0.1.0",
      node: "24.21.0",
      k6: "2.2.0",
      toxiproxy: "2.12.0",
      postgres: "15.18",
      redis: "7.0.15",
    },
    machine: { cpus: 2, memory: "24 GiB", kernel: "Linux 6.1.0", architecture: "x64" },
    commandLine: ["kiln", "run", "smoke", "--seed", plan.seed],
  };
}
