// What does the gateway's stability layer cost? Two gateways on one PostgreSQL, one Redis and one upstream, one of them with the layer and one
// without; the same load goes to one and the other in turns. Prints a table and PASS or FAIL for each goal; exit code 1 when one is missed.
//
//   npm run bench:stability -- [--pairs 6] [--seconds 30] [--rps 175]
//
// Takes about 2 x pairs x seconds, and holds the machine's run lock meanwhile. The order within a pair alternates.
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { referenceStack } from "../fixtures/stack/stack.ts";
import { acquireLock } from "../harness/run/lock.ts";
import { openLedger } from "../harness/run/ledger.ts";
import { createSpawner } from "../harness/run/spawn.ts";
import type { ProgramService, ServiceSpec, StackSpec } from "../harness/scenario/stack-spec.ts";
import { bringUp } from "../harness/stack/process-stack.ts";
import type { LiveStack } from "../harness/stack/stack.ts";
import { readStackRecord } from "../harness/stack/record.ts";
import { deadline, systemClock } from "../harness/support/clock.ts";
import { exitCode, KilnError, messageOf, usageError } from "../harness/support/errors.ts";
import { loadTools } from "../harness/support/tools.ts";
import { openLoad } from "./open-load.ts";
import { cpuPerRequestMs, judgeOverhead, percentile, type Turn, type TurnPair } from "./overhead-figures.ts";

type Side = "with" | "without";
const nameOf: Readonly<Record<Side, string>> = { with: "gateway-on", without: "gateway-off" };

interface Options {
  readonly pairs: number;
  readonly seconds: number;
  readonly rps: number;
}

function readOptions(): Options {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    options: {
      pairs: { ...text, default: "6" },
      seconds: { ...text, default: "30" },
      rps: { ...text, default: "175" },
    },
  });
  const whole = (name: keyof typeof values): number => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value > 0) return value;
    throw usageError("bench-option", `--${name}: expected a whole number above 0, got ${values[name]}`);
  };
  return { pairs: whole("pairs"), seconds: whole("seconds"), rps: whole("rps") };
}

/** The reference system's servers and upstream, and its gateway twice, without a watchdog and without proxies in between. */
function stackOfBoth(): StackSpec {
  const reference = referenceStack({ thresholds: "production" });
  const isServer = ({ name }: ServiceSpec): boolean => ["postgres", "redis", "upstream"].includes(name);
  const gateway = reference.services.find(
    (service): service is ProgramService => service.kind === "program" && service.name === "gateway",
  );
  if (gateway === undefined) throw new TypeError("the reference system has a gateway");
  const twice = (["with", "without"] as const).map((side): ProgramService => ({
    kind: "program",
    name: nameOf[side],
    command: gateway.command,
    env: {
      ...gateway.env,
      PORT: `{port:${nameOf[side]}}`,
      POSTGRES_URL: "postgres://kiln@127.0.0.1:{port:postgres}/kiln",
      REDIS_URL: "redis://127.0.0.1:{port:redis}",
      UPSTREAM_URL: "http://127.0.0.1:{port:upstream}",
      CONFIG_FILE: "{dir}/config.json",
      STABILITY: side === "with" ? "on" : "off",
    },
    readyPath: gateway.readyPath,
  }));
  return {
    name: "stability-overhead",
    driver: "processes",
    services: [...reference.services.filter(isServer), ...twice],
    links: [{ name: "gateway", from: "load", to: nameOf.with, essential: true }],
  };
}

const CLOCK_TICK_MS = 10;

/** User and system time of a process, from fields 14 and 15 of /proc/<pid>/stat, and its resident memory. */
function usageOf(pid: number): { readonly cpuMs: number; readonly rssBytes: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuMs: ticks * CLOCK_TICK_MS, rssBytes: Number(fields[21]) * 4_096 };
}

class Bench {
  readonly #stack: LiveStack;
  readonly #ports: Readonly<Record<string, number>>;
  readonly #options: Options;
  readonly #signal: AbortSignal;
  #turns = 0;

  constructor(
    stack: LiveStack,
    ports: Readonly<Record<string, number>>,
    options: Options,
    signal: AbortSignal,
  ) {
    this.#stack = stack;
    this.#ports = ports;
    this.#options = options;
    this.#signal = signal;
  }

  async turn(side: Side, seconds = this.#options.seconds): Promise<Turn> {
    const { rps } = this.#options;
    const service = nameOf[side];
    const pid = this.#stack.handle.process(service).find()?.pid;
    const port = this.#ports[service];
    if (pid === undefined || port === undefined) throw new Error(`${service} does not run`);
    this.#turns += 1;
    const name = `bench-${process.pid}-${this.#turns}`;
    const before = usageOf(pid);
    const served = await openLoad(
      { port, rps, seconds, name },
      deadline((seconds + 30) * 1_000, this.#signal),
    );
    const after = usageOf(pid);
    return {
      requests: served.requests,
      wrong: served.wrong,
      cpuMs: after.cpuMs - before.cpuMs,
      p95Ms: percentile(served.latenciesMs, 95),
      rssBytes: after.rssBytes,
    };
  }

  async pair(number: number): Promise<TurnPair> {
    const order: readonly Side[] = number % 2 === 0 ? ["with", "without"] : ["without", "with"];
    const turns: Partial<Record<Side, Turn>> = {};
    for (const side of order) turns[side] = await this.turn(side);
    const { with: one, without: other } = turns;
    if (one === undefined || other === undefined) throw new TypeError("a pair is both sides");
    return { with: one, without: other };
  }
}

async function measure(options: Options, signal: AbortSignal): Promise<TurnPair[]> {
  const runDir = join(mkdtempSync(join(tmpdir(), "kiln-bench-")), "run");
  const runId = `stability-overhead-${process.pid}`;
  mkdirSync(runDir);
  const ledger = await openLedger(runDir);
  const spawn = createSpawner({ ledger, runId, runDir, logsDir: join(runDir, "logs") });
  try {
    const up = { runDir, runId, spawn, tools: loadTools(), signal: deadline(60_000, signal) };
    const stack = await bringUp(stackOfBoth(), up);
    try {
      const ports = readStackRecord(runDir)?.servicePorts ?? {};
      const bench = new Bench(stack, ports, options, signal);
      for (const side of ["with", "without"] as const) await bench.turn(side, 10); // warm: compiled, connected, cached
      const pairs: TurnPair[] = [];
      for (let number = 0; number < options.pairs; number += 1) {
        pairs.push(await bench.pair(number));
        process.stderr.write(`pair ${number + 1} of ${options.pairs}\n`);
      }
      return pairs;
    } finally {
      await stack.down();
    }
  } finally {
    await ledger.close();
    rmSync(join(runDir, ".."), { recursive: true, force: true });
  }
}

function render(pairs: readonly TurnPair[]): string {
  const row = (number: number, side: Side, turn: Turn): string =>
    [
      String(number + 1).padStart(4),
      side.padEnd(8),
      cpuPerRequestMs(turn).toFixed(3).padStart(12),
      turn.p95Ms.toFixed(2).padStart(8),
      (turn.rssBytes / 1024 ** 2).toFixed(0).padStart(8),
    ].join("  ");
  const rows = pairs.flatMap((pair, number) => [
    row(number, "with", pair.with),
    row(number, "without", pair.without),
  ]);
  const goals = judgeOverhead(pairs).map(
    ({ name, measured, limit, unit, met }) =>
      `${met ? "PASS" : "FAIL"}  ${name}: ${measured.toFixed(3)} ${unit} (at most ${limit})`,
  );
  return ["pair  layer     CPU ms/req   p95 ms   RSS MiB", ...rows, "", ...goals].join("\n");
}

async function main(options: Options, signal: AbortSignal): Promise<number> {
  const lock = acquireLock({ runId: "stability-overhead", runDir: tmpdir(), wallMs: systemClock.wallMs() });
  try {
    const pairs = await measure(options, signal);
    const machine = `${cpus()[0]?.model ?? "unknown CPU"}, ${availableParallelism()} cores`;
    console.log(`${machine}, ${options.rps} requests/s\n${render(pairs)}`);
    return judgeOverhead(pairs).every(({ met }) => met) ? exitCode.pass : exitCode.fail;
  } finally {
    lock.release();
  }
}

const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(name, () => interrupt.abort(new Error(`interrupted by ${name}`)));
try {
  process.exitCode = await main(readOptions(), interrupt.signal);
} catch (error) {
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  const usage = error instanceof KilnError && error.kind === "usage";
  if (interrupt.signal.aborted) process.exitCode = exitCode.interrupted;
  else process.exitCode = usage ? exitCode.usage : exitCode.environment;
}
