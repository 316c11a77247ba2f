// How exactly are outages measured? A service closes its port 20 times for 0.1 to 10 s and writes down the truth; Kiln tells the outages
// from its load (65 requests/s, through the proxy, judged as in any run), and a prober that asks once a second does so in the same run.
// Prints a table and PASS or FAIL for each goal; exit code 1 when one is missed.
//
//   npm run bench:outages -- [seed]
//
// Takes about two and a half minutes and holds the machine's run lock.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faultTable } from "../harness/faults/index.ts";
import { openRun } from "../harness/journal/run-folder.ts";
import { indexLoad } from "../harness/judge/load-index.ts";
import { outagesIn } from "../harness/judge/outage-list.ts";
import { makePlan } from "../harness/plan/make-plan.ts";
import type { Plan } from "../harness/plan/plan.ts";
import { runPlan } from "../harness/run/conductor.ts";
import { parseScenario } from "../harness/scenario/schema.ts";
import { readStackRecord } from "../harness/stack/record.ts";
import { deadline, everyTick, monotonicMs } from "../harness/support/clock.ts";
import { exitCode, messageOf } from "../harness/support/errors.ts";
import { seededRng } from "../harness/support/rng.ts";
import { loadTools } from "../harness/support/tools.ts";
import { median } from "./lateness.ts";
import { matchOutages, outagesOfLooks, readTruth, type MatchResult, type Stretch } from "./outage-match.ts";

const count = 20;
const [shortestMs, longestMs] = [100, 10_000];
/** Between two outages: longer than two of the prober's looks, so that it could tell them apart. */
const gapMs = [2_500, 4_000] as const;
const firstAtMs = 5_000;
const tailMs = 5_000;
const rps = 65;
const proberEveryMs = 1_000;
/** Goals of the project's own: every outage found, none invented, no end off by more than this. */
const errorLimitMs = 20;

interface PlannedOutage {
  readonly atMs: number;
  readonly forMs: number;
}

/** Lengths in equal ratios from the shortest to the longest, in a seeded order with seeded gaps. */
function plannedOutages(seed: string): PlannedOutage[] {
  const rng = seededRng(seed);
  const lengths = Array.from({ length: count }, (_, n) =>
    Math.round(shortestMs * (longestMs / shortestMs) ** (n / (count - 1))),
  );
  let atMs = firstAtMs;
  return rng.shuffle(lengths).map((forMs) => {
    const outage = { atMs, forMs };
    atMs += forMs + rng.int(...gapMs);
    return outage;
  });
}

function planFor(outages: readonly PlannedOutage[], truthFile: string): Plan {
  const last = outages.at(-1);
  const seconds = Math.ceil(((last?.atMs ?? 0) + (last?.forMs ?? 0) + tailMs) / 1_000);
  const result = parseScenario({
    name: "outage-error",
    stack: {
      name: "closing",
      driver: "processes",
      services: [
        {
          kind: "program",
          name: "closing",
          command: ["node", join(import.meta.dirname, "closing-server.ts")],
          env: { PORT: "{port:closing}", OUTAGES: JSON.stringify(outages), TRUTH: truthFile },
          readyPath: "/health",
        },
      ],
      links: [{ name: "closing", from: "load", to: "closing", essential: true }],
    },
    duration: `${seconds}s`,
    preflight: "1s",
    warmUp: "0s",
    load: { script: join(import.meta.dirname, "outage-load.ts"), steadyRps: rps },
    objectives: { calmAvailability: 0.1 },
  });
  if ("issues" in result) throw new TypeError(JSON.stringify(result.issues));
  return makePlan(result.scenario, "1", faultTable);
}

/** Asks once a second on a new connection, as a health checker does, until the signal aborts. */
async function probe(url: string, signal: AbortSignal): Promise<Stretch[]> {
  const looks: { readonly atMs: number; readonly ok: boolean }[] = [];
  await everyTick(
    proberEveryMs,
    async () => {
      const atMs = monotonicMs();
      try {
        const answer = await fetch(url, {
          signal: deadline(proberEveryMs),
          headers: { connection: "close" },
        });
        await answer.arrayBuffer();
        looks.push({ atMs, ok: answer.ok });
      } catch {
        // Refused, reset or too slow: the service is out as far as a prober can tell.
        looks.push({ atMs, ok: false });
      }
    },
    signal,
  );
  return outagesOfLooks(looks);
}

interface Measured {
  readonly truth: readonly Stretch[];
  readonly kiln: readonly Stretch[];
  readonly prober: readonly Stretch[];
}

async function measure(seed: string, folder: string): Promise<Measured> {
  const truthFile = join(folder, "truth");
  const plan = planFor(plannedOutages(seed), truthFile);
  const over = new AbortController();
  let prober: Promise<Stretch[]> = Promise.resolve([]);
  let runDir = "";
  const result = await runPlan(
    {
      plan,
      scriptPath: plan.load.script,
      runsDir: join(folder, "runs"),
      faults: faultTable,
      tools: loadTools(),
      commandLine: process.argv,
      onEvent: (event) => {
        if (event.type !== "load-started") return;
        const port = readStackRecord(runDir)?.linkPorts["closing"];
        prober = probe(`http://127.0.0.1:${port}/health`, over.signal);
      },
      onPulse: () => {},
      onFolder: (dir) => {
        runDir = dir;
      },
    },
    over.signal,
  );
  over.abort();
  if (result.outcome !== "completed")
    throw new Error(`the run ended as ${result.outcome}: ${messageOf(result.error)}`);
  const run = openRun(result.runDir);
  try {
    const [started] = run.evidence.eventsOf("load-started");
    if (started === undefined) throw new Error("the load never began");
    // Readers shift events to plan time: the event's own zero is where plan time begins on the monotonic clock.
    const zeroMs = run.evidence.header.monotonicZeroMs + started.zeroAtMs;
    const kiln = outagesIn(indexLoad(run.plan, run.evidence).seconds).map(({ begin, end }) => ({
      // The truth lies between the last good start and the first bad one: the middle is the best single guess.
      fromMs: zeroMs + begin.atMs - begin.errorMs / 2,
      toMs: end === null ? Infinity : zeroMs + end.atMs - end.errorMs / 2,
    }));
    return { truth: readTruth(readFileSync(truthFile, "utf8")), kiln, prober: await prober };
  } finally {
    run.close();
  }
}

function line(name: string, { matched, invented }: MatchResult): string {
  const seen = matched.filter((one) => one.seen !== null);
  const ends = seen.map(({ endErrorMs }) => endErrorMs);
  const lengths = seen.map(({ lengthErrorMs }) => lengthErrorMs);
  const ms = (value: number): string => `${value.toFixed(1)} ms`.padStart(11);
  const cells = [
    name.padEnd(14),
    `${seen.length} of ${matched.length}`.padStart(9),
    String(invented.length).padStart(9),
    ms(median(ends)),
    ms(Math.max(...ends)),
    ms(median(lengths)),
    ms(Math.max(...lengths)),
  ];
  return `${cells.join(" ")}\n`;
}

function report({ truth, kiln, prober }: Measured): boolean {
  const own = matchOutages(truth, kiln, 2_000 / rps);
  const others = matchOutages(truth, prober, proberEveryMs);
  process.stdout.write("outages of 0.1 to 10 s, as measured against the server's own word\n");
  process.stdout.write("                  found  invented     end p50     end max  length p50  length max\n");
  process.stdout.write(line("Kiln, 65/s", own) + line("prober, 1/s", others));
  const worstMs = Math.max(...own.matched.map(({ endErrorMs }) => endErrorMs));
  const goals: readonly (readonly [string, boolean])[] = [
    [`the server was out ${count} times (was: ${truth.length})`, truth.length === count],
    ["every outage found", own.matched.every(({ seen }) => seen !== null)],
    ["none invented", own.invented.length === 0],
    [`no end off by more than ${errorLimitMs} ms (worst ${worstMs.toFixed(1)} ms)`, worstMs <= errorLimitMs],
  ];
  for (const [name, met] of goals) process.stdout.write(`${met ? "PASS" : "FAIL"}  ${name}\n`);
  return goals.every(([, met]) => met);
}

const folder = mkdtempSync(join(tmpdir(), "kiln-bench-"));
try {
  const measured = await measure(process.argv[2] ?? "1", folder);
  process.exitCode = report(measured) ? exitCode.pass : exitCode.fail;
} catch (error) {
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  process.exitCode = exitCode.environment;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
