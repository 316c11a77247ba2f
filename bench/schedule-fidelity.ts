// How much does Kiln disturb the schedule of the load that it drives, and what does it cost? Bare k6 and k6 under Kiln take turns against a
// server that stamps arrivals; no stack, no proxy in between. Prints a table and PASS or FAIL for each goal; exit code 1 when one is missed.
//
//   npm run bench -- [--pairs 5] [--seconds 40] [--json]
//
// Run it on a quiet machine: the median over pairs takes out a busy moment, not a busy neighbour. It takes about 55 s more than
// 2 x seconds for each pair at the most, and holds the machine's run lock meanwhile.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { acquireLock } from "../harness/run/lock.ts";
import { deadline, systemClock } from "../harness/support/clock.ts";
import { exitCode, KilnError, messageOf, usageError } from "../harness/support/errors.ts";
import { loadTools } from "../harness/support/tools.ts";
import { runBareK6 } from "./bare-k6.ts";
import { cpuRatio, judgePairs, laterCpuRatio, renderGoals, renderTable, type Pair } from "./goals.ts";
import { absoluteLateness, median, releaseLateness, scheduleFigures, type Arrival } from "./lateness.ts";
import { benchPlan } from "./load-shape.ts";
import { startStampServer } from "./stamp-client.ts";
import type { KilnFigures } from "./under-kiln.ts";

interface Options {
  readonly pairs: number;
  readonly seconds: number;
  readonly json: boolean;
}

/** Beyond the load itself: starts of k6, of the stand-in stack and its end. */
const extraMs = 60_000;
/** Long enough to try the benchmark out. The goals are set for the default: in shorter spikes the jitter of starts hides 0.01 % of rate. */
const leastSeconds = 20;
const defaultSeconds = 40;

function readOptions(): Options {
  const { pairs, seconds, json } = parseOptions();
  const whole = (name: string, text: string, least: number, most: number): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= most) return value;
    throw usageError(
      "bench-option",
      `--${name}: expected a whole number from ${least} to ${most}, got ${text}`,
    );
  };
  return {
    pairs: whole("pairs", pairs, 1, 50),
    seconds: whole("seconds", seconds, leastSeconds, 900),
    json,
  };
}

function parseOptions(): { readonly pairs: string; readonly seconds: string; readonly json: boolean } {
  const pairs = { type: "string", default: "5" } as const;
  const seconds = { type: "string", default: String(defaultSeconds) } as const;
  const json = { type: "boolean", default: false } as const;
  try {
    return parseArgs({ options: { pairs, seconds, json } }).values;
  } catch (error) {
    throw usageError("bench-option", messageOf(error), { cause: error });
  }
}

const progress = (text: string): void => void process.stderr.write(`${text}\n`);

interface Bench {
  readonly seconds: number;
  readonly folder: string;
  readonly k6: string;
  readonly signal: AbortSignal;
}

/** A stamp server around one run. */
async function stamped<T>(
  bench: Bench,
  name: string,
  run: (stampPort: number, signal: AbortSignal) => Promise<T>,
): Promise<{ readonly result: T; readonly arrivals: readonly Arrival[] }> {
  const server = await startStampServer(bench.folder, name);
  try {
    const result = await run(server.port, deadline(bench.seconds * 1_000 + extraMs, bench.signal));
    return { result, arrivals: await server.finish() };
  } finally {
    await server.stop();
  }
}

async function measureBare(bench: Bench, name: string): Promise<Pair["bare"]> {
  const { result, arrivals } = await stamped(bench, name, (port, signal) =>
    runBareK6(bench.k6, benchPlan(bench.seconds, port), bench.folder, signal),
  );
  return { ...scheduleFigures(benchPlan(bench.seconds, 0).load.segments, arrivals), ...result };
}

async function measureKiln(bench: Bench, name: string): Promise<Pair["kiln"]> {
  const { result, arrivals } = await stamped(bench, name, (port, signal) =>
    runUnderKiln(bench, port, signal),
  );
  const { zeroMs, ...figures } = result;
  const { segments } = benchPlan(bench.seconds, 0).load;
  return {
    ...scheduleFigures(segments, arrivals),
    ...figures,
    absolute: absoluteLateness(segments, arrivals, zeroMs),
    releaseMs: releaseLateness(segments, arrivals, zeroMs),
  };
}

async function runUnderKiln(
  { seconds, folder }: Bench,
  port: number,
  signal: AbortSignal,
): Promise<KilnFigures> {
  const args = [
    join(import.meta.dirname, "under-kiln.ts"),
    String(seconds),
    String(port),
    join(folder, "runs"),
  ];
  const child = spawn(process.execPath, args, {
    // The machine's lock is held here; the run takes one of its own.
    env: { ...process.env, KILN_LOCK_FILE: join(folder, "kiln.lock") },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  await once(child, "close");
  signal.removeEventListener("abort", stop);
  signal.throwIfAborted();
  if (child.exitCode !== 0) throw new Error(`the run under Kiln failed (exit code ${child.exitCode})`);
  return JSON.parse(text) as KilnFigures;
}

async function measurePairs({ pairs }: Options, bench: Bench): Promise<Pair[]> {
  const measured: Pair[] = [];
  for (let n = 1; n <= pairs; n += 1) {
    const bareFirst = n % 2 === 1;
    const load = loadavg()[0] ?? Number.NaN;
    progress(
      `pair ${n} of ${pairs}: ${bareFirst ? "bare, Kiln" : "Kiln, bare"} (load average ${load.toFixed(2)})`,
    );
    const before = bareFirst ? await measureBare(bench, `bare-${n}`) : undefined;
    const kiln = await measureKiln(bench, `kiln-${n}`);
    const bare = before ?? (await measureBare(bench, `bare-${n}`));
    for (const text of kiln.warnings) progress(`  Kiln warns: ${text}`);
    const ms = (value: number): string => `${value.toFixed(2)} ms`;
    progress(
      `  bare p95 ${ms(bare.lateness.p95Ms)}, p99 ${ms(bare.lateness.p99Ms)}; Kiln p95 ${ms(kiln.lateness.p95Ms)}, p99 ${ms(kiln.lateness.p99Ms)}`,
    );
    measured.push({ bare, kiln });
  }
  return measured;
}

function report(options: Options, machine: Record<string, unknown>, pairs: readonly Pair[]): boolean {
  const goals = judgePairs(pairs);
  if (options.json) {
    console.log(JSON.stringify({ ...options, machine, pairs, goals }, undefined, 2));
  } else {
    const ratio = median(pairs.map(cpuRatio));
    process.stdout.write(`${renderTable(pairs)}\n${renderGoals(goals)}`);
    console.log(
      `later goal: CPU ratio ${laterCpuRatio} x, ${ratio <= laterCpuRatio ? "met" : "not met yet"}`,
    );
  }
  return goals.every(({ pass }) => pass);
}

async function main(options: Options, interrupt: AbortController): Promise<number> {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(name, () => interrupt.abort(new Error(`interrupted by ${name}`)));
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: availableParallelism(),
    loadAverage: loadavg(),
  };
  progress(
    `machine: ${machine.cores} cores (${machine.cpu}), load average ${machine.loadAverage.map((load) => load.toFixed(2)).join(" ")}`,
  );
  if (options.seconds < defaultSeconds)
    progress(
      `note: the goals are set for ${defaultSeconds} s; a rate error over them says nothing in a shorter run`,
    );
  const folder = mkdtempSync(join(tmpdir(), "kiln-bench-"));
  try {
    const { k6 } = loadTools();
    const lock = acquireLock({ runId: "schedule-fidelity", runDir: folder, wallMs: systemClock.wallMs() });
    try {
      const bench = { seconds: options.seconds, folder, k6, signal: interrupt.signal };
      return report(options, machine, await measurePairs(options, bench)) ? exitCode.pass : exitCode.fail;
    } finally {
      lock.release();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const interrupt = new AbortController();
try {
  process.exitCode = await main(readOptions(), interrupt);
} catch (error) {
  const known = error instanceof KilnError ? error : undefined;
  const hint = known?.hint === undefined ? "" : `\n  ${known.hint}`;
  process.stderr.write(`bench: ${messageOf(error)}${hint}\n`);
  if (interrupt.signal.aborted) process.exitCode = exitCode.interrupted;
  else process.exitCode = known?.kind === "usage" ? exitCode.usage : exitCode.environment;
}
