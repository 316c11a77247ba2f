// How exactly on time are faults injected? 200 planned faults in a real run (load of 65 requests/s through the proxy, probes, journal,
// ledger, reaper), once on an otherwise idle machine and once with one core kept busy. Each fault only writes down when its inject was
// called. Beside it a bare process waits for instants shortly after, in the same way and with nothing else to do: what it is late, the machine
// owes (its processor was with somebody else). Prints a table and PASS or FAIL for each goal; exit code 1 when one is missed.
//
//   npm run bench:injections -- [seconds between faults, default 3]
//
// Two runs of 200 x that time (20 min by default; drift wants long runs); holds the machine's run lock.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { z } from "zod";
import type { Fault, FaultTable } from "../harness/faults/fault.ts";
import type { JournalEvent } from "../harness/journal/events.ts";
import { makePlan } from "../harness/plan/make-plan.ts";
import type { Plan } from "../harness/plan/plan.ts";
import { runPlan } from "../harness/run/conductor.ts";
import type { FaultChoice } from "../harness/scenario/scenario.ts";
import { parseScenario } from "../harness/scenario/schema.ts";
import { exitCode, messageOf, usageError } from "../harness/support/errors.ts";
import { loadTools } from "../harness/support/tools.ts";
import { injectionFigures, type InjectCall, type InjectionFigures } from "./injection-figures.ts";

const count = 200;
const rps = 65;
const firstAtMs = 5_000;
/** Goals of the project's own (milliseconds above the bare timer of the same run; milliseconds an hour). */
const limits = { idleP99Ms: 2, busyP99Ms: 10, driftMsPerHour: 1 };
/** The bare timer's instants come so long after the faults', so that the two do not wait for the same core. */
const bareAfterMs = 100;

interface Measured {
  readonly kiln: InjectionFigures;
  readonly bare: InjectionFigures;
}

/** A fault that does nothing but say when it was called. */
function markingTable(called: (id: string, atMs: number) => void): FaultTable {
  const mark: Fault<{ service: string }> = {
    name: "mark",
    summary: "Does nothing.",
    needs: ["process"],
    kind: "held",
    options: z.strictObject({ service: z.string() }),
    target: ({ service }) => `service:${service}`,
    expect: () => ({
      recovery: { atLeast: "none", atMost: "soft" },
      service: null,
      actWithinMs: null,
      restarts: false,
      unavailableMs: 0,
    }),
    inject: (ctx) => {
      called(ctx.id, ctx.clock.nowMs());
      return Promise.resolve();
    },
    confirm: () => Promise.resolve({ effective: true, saw: "nothing was to be seen" }),
    heal: () => Promise.resolve(),
  };
  return new Map([["mark", mark as Fault]]);
}

function planFor(everyMs: number, table: FaultTable): Plan {
  const planned = Array.from({ length: count }, (_, n): FaultChoice => ({
    fault: "mark",
    options: { service: "idle" },
    at: `${firstAtMs + n * everyMs}ms`,
    hold: "200ms",
  }));
  const result = parseScenario({
    name: "injection-precision",
    stack: {
      name: "idle",
      driver: "processes",
      services: [
        {
          kind: "program",
          name: "idle",
          command: ["node", join(import.meta.dirname, "observed-service.ts")],
          env: { PORT: "{port:idle}" },
          readyPath: "/health",
          metricsPath: "/metrics",
        },
      ],
      links: [{ name: "idle", from: "load", to: "idle", essential: true }],
    },
    duration: `${firstAtMs + count * everyMs + 1_000}ms`,
    preflight: "1s",
    warmUp: "0s",
    load: { script: join(import.meta.dirname, "outage-load.ts"), steadyRps: rps },
    chaos: { planned, settle: "100ms" },
    objectives: { calmAvailability: 0.1 },
  });
  if ("issues" in result) throw new TypeError(JSON.stringify(result.issues));
  return makePlan(result.scenario, "1", table);
}

/** Waits for instants of the plan, from the moment at which its zero is known. */
function bareTimer(plan: Plan): { begin: (planZeroMs: number) => void; calls: () => Promise<InjectCall[]> } {
  const child = spawn(process.execPath, [join(import.meta.dirname, "bare-timer.ts")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const output = text(child.stdout);
  const instants = plan.faults.map(({ startMs }) => startMs + bareAfterMs);
  return {
    begin: (planZeroMs) => child.stdin.end(JSON.stringify(instants.map((atMs) => atMs + planZeroMs))),
    calls: async () => {
      const late = JSON.parse(await output) as number[];
      return late.map((lateMs, n) => ({
        plannedMs: instants[n] ?? 0,
        calledMs: (instants[n] ?? 0) + lateMs,
      }));
    },
  };
}

/** The plan's zero on CLOCK_MONOTONIC, once the journal says it. */
function planZero(tell: (atMs: number) => void): (event: JournalEvent) => void {
  let journalZeroMs = Number.NaN;
  return (event) => {
    if (event.type === "run-started") journalZeroMs = event.monotonicZeroMs;
    if (event.type === "load-started") tell(journalZeroMs + event.zeroAtMs);
  };
}

async function measure(everyMs: number, name: string): Promise<Measured> {
  const calledMs = new Map<string, number>();
  const table = markingTable((id, atMs) => calledMs.set(id, atMs));
  const plan = planFor(everyMs, table);
  const folder = mkdtempSync(join(tmpdir(), "kiln-bench-"));
  const bare = bareTimer(plan);
  process.stderr.write(`${name}: ${count} faults in ${Math.round(plan.durationMs / 1_000)} s\n`);
  try {
    const result = await runPlan(
      {
        plan,
        scriptPath: plan.load.script,
        runsDir: folder,
        faults: table,
        tools: loadTools(),
        commandLine: process.argv,
        onEvent: planZero(bare.begin),
        onPulse: () => {},
        onFolder: () => {},
      },
      new AbortController().signal,
    );
    if (result.outcome !== "completed") throw new Error(`the run ended as ${result.outcome}`);
    const calls = plan.faults.flatMap(({ id, startMs }): InjectCall[] => {
      const atMs = calledMs.get(id);
      return atMs === undefined ? [] : [{ plannedMs: startMs, calledMs: atMs }];
    });
    return { kiln: injectionFigures(calls), bare: injectionFigures(await bare.calls()) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Keeps one core busy while `work` goes on. */
async function withBusyCore<T>(work: () => Promise<T>): Promise<T> {
  const burner = spawn(process.execPath, ["-e", "for(;;);"], { stdio: "ignore" });
  try {
    return await work();
  } finally {
    burner.kill("SIGKILL");
  }
}

function report(idle: Measured, busy: Measured): boolean {
  const row = (name: string, f: InjectionFigures): string => {
    const cells = [f.minMs, f.p50Ms, f.p99Ms, f.maxMs, f.driftMsPerHour].map((value) =>
      value.toFixed(2).padStart(9),
    );
    return `${name.padEnd(24)} ${String(f.count).padStart(6)} ${cells.join(" ")}\n`;
  };
  process.stdout.write("planned instant to call of inject, milliseconds (drift: milliseconds an hour)\n");
  process.stdout.write("                         faults       min       p50       p99       max     drift\n");
  process.stdout.write(row("idle", idle.kiln) + row("  bare timer", idle.bare));
  process.stdout.write(row("one core busy", busy.kiln) + row("  bare timer", busy.bare));
  const above = ({ kiln, bare }: Measured): number => kiln.p99Ms - bare.p99Ms;
  const goals: readonly (readonly [string, boolean])[] = [
    [
      `all ${count} faults injected, both times`,
      [idle, busy].every(({ kiln, bare }) => kiln.count === count && bare.count === count),
    ],
    ["none early", Math.min(idle.kiln.minMs, busy.kiln.minMs) >= 0],
    [
      `idle: p99 at most ${limits.idleP99Ms} ms above the bare timer's (${above(idle).toFixed(2)} ms)`,
      above(idle) <= limits.idleP99Ms,
    ],
    [
      `one core busy: p99 at most ${limits.busyP99Ms} ms above the bare timer's (${above(busy).toFixed(2)} ms)`,
      above(busy) <= limits.busyP99Ms,
    ],
    [
      `idle: drift at most ${limits.driftMsPerHour} ms an hour`,
      Math.abs(idle.kiln.driftMsPerHour) <= limits.driftMsPerHour,
    ],
  ];
  for (const [name, met] of goals) process.stdout.write(`${met ? "PASS" : "FAIL"}  ${name}\n`);
  return goals.every(([, met]) => met);
}

try {
  const seconds = Number(process.argv[2] ?? "3");
  if (!(seconds >= 0.5 && seconds <= 60))
    throw usageError(
      "bench-option",
      `expected seconds between faults from 0.5 to 60, got ${process.argv[2]}`,
    );
  const idle = await measure(seconds * 1_000, "idle");
  const busy = await withBusyCore(() => measure(seconds * 1_000, "one core busy"));
  process.exitCode = report(idle, busy) ? exitCode.pass : exitCode.fail;
} catch (error) {
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  process.exitCode = exitCode.environment;
}
