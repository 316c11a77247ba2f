// Sends a browser to the stack's page at the scenario's pace, as a process of its own that gives way to everything else on the machine, and
// copies what came of it into journal and samples. The process begins with the load and ends with the probe; one that dies is started again.
import { createHash } from "node:crypto";
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Plan } from "../plan/plan.ts";
import { deadline } from "../support/clock.ts";
import { messageOf } from "../support/errors.ts";
import { signalProcess } from "../support/process-identity.ts";
import type { Spawned, Spawner } from "../support/spawner.ts";
import { tailLines } from "../support/tail-lines.ts";
import { resultSchema, resultsFileName, type ChildSettings, type JourneyResult } from "./journey/contract.ts";
import type { Probe, ProbeContext, ProbeFactory } from "./probe.ts";

/** What the probe needs besides what every probe has. */
export interface JourneysAsked {
  readonly plan: Pick<Plan, "durationMs" | "warmUpMs"> & { readonly journeys: NonNullable<Plan["journeys"]> };
  /** Absolute path of the journey script. */
  readonly scriptPath: string;
  /** Null where this machine has no browser. */
  readonly chromium: string | null;
  readonly spawn: Spawner;
  /** Plan time zero on CLOCK_MONOTONIC; null before the load. */
  readonly planZeroMs: () => number | null;
}

/** Where results and pictures lie in the run folder. */
export const journeysDirName = "journeys";

const lookEveryMs = 1_000;
/** A journey is over well before the next one is due, however long it may take. */
const longestMs = 45_000;
const shareOfPeriod = 0.9;
/** So long it may take to end; what is left of it then is ended by force. */
const endWithinMs = 5_000;
const mostStarts = 4;
const childPath = join(import.meta.dirname, "journey", "child.ts");
const noBrowser =
  "there is no browser on this machine: install Chromium (apt-get install chromium) and run set-up again, or set KILN_CHROMIUM to its path";

export const journeyProbes: ProbeFactory = (context) =>
  context.journeys === undefined ? [] : [new JourneyProbe(context, context.journeys)];

class JourneyProbe implements Probe {
  readonly name: string;
  readonly everyMs = lookEveryMs;
  readonly #context: ProbeContext;
  readonly #asked: JourneysAsked;
  readonly #outDir: string;
  readonly #browserDir: string;
  readonly #lines: () => string[];
  /** Lines that another harness has journalled already. */
  #known: number;
  #child: Spawned | undefined;
  #starts = 0;
  /** It ended, or cannot be had: nothing more will come. */
  #isOver = false;

  constructor(context: ProbeContext, asked: JourneysAsked) {
    this.#context = context;
    this.#asked = asked;
    this.name = `journey.${asked.plan.journeys.service}`;
    this.#outDir = join(context.runDir, journeysDirName);
    this.#browserDir = browserDirOf(context.runDir);
    this.#lines = tailLines(join(this.#outDir, resultsFileName));
    this.#known = context.seen?.journeys ?? 0;
  }

  async look(): Promise<void> {
    for (const line of this.#lines()) {
      this.#known -= 1;
      if (this.#known < 0) this.#take(line);
    }
    const zeroMs = this.#asked.planZeroMs();
    if (this.#isOver || this.#child !== undefined || zeroMs === null) return;
    if (this.#asked.chromium === null) this.#giveUp(noBrowser);
    else await this.#start(this.#asked.chromium, zeroMs);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    const child = this.#child;
    if (child === undefined) return;
    signalProcess(child.identity, "SIGTERM");
    const late = deadline(endWithinMs);
    late.addEventListener("abort", () => void signalProcess(child.identity, "SIGKILL"));
    await child.exited;
    try {
      // A browser that was ended by force may write for another moment.
      rmSync(this.#browserDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    } catch (error) {
      const text = `${this.#browserDir} could not be removed: ${messageOf(error)}`;
      this.#context.journal.write({ type: "note", level: "warning", text });
    }
  }

  async #start(chromium: string, zeroMs: number): Promise<void> {
    this.#starts += 1;
    mkdirSync(this.#outDir, { recursive: true });
    const child = await this.#asked.spawn({
      name: journeysDirName,
      command: "nice",
      args: ["-n", "19", process.execPath, childPath, JSON.stringify(this.#settings(chromium, zeroMs))],
      cwd: this.#outDir,
      // Profile, caches and sockets of the browser: a place of its own, which goes with the run.
      env: { HOME: this.#browserDir, TMPDIR: this.#browserDir },
      folders: [this.#browserDir],
    });
    this.#child = child;
    void child.exited.then(({ code, signal }) => this.#ended(code, signal));
  }

  #settings(chromium: string, zeroMs: number): ChildSettings {
    const { plan, scriptPath } = this.#asked;
    const { service, everyMs } = plan.journeys;
    return {
      script: scriptPath,
      url: this.#context.stack.origin(service),
      runId: basename(this.#context.runDir),
      chromium,
      outDir: this.#outDir,
      browserDir: this.#browserDir,
      firstMs: zeroMs + plan.warmUpMs,
      everyMs,
      untilMs: zeroMs + plan.durationMs,
      withinMs: journeyWithinMs(everyMs),
      parentPid: process.pid,
    };
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#isOver) return;
    if (code === 0) {
      // It came to the end of its journeys, or has told that there is no browser.
      this.#isOver = true;
      return;
    }
    const text = `the process of the browser journeys ended (${signal ?? `exit code ${code}`}); see logs/${journeysDirName}.log`;
    if (this.#starts >= mostStarts) return this.#giveUp(text);
    this.#context.journal.write({ type: "note", level: "warning", text: `${text}; starting it again` });
    this.#child = undefined;
  }

  #giveUp(error: string): void {
    this.#isOver = true;
    const { service } = this.#asked.plan.journeys;
    const none = { number: 0, outcome: "no-browser", tookMs: 0, pageMs: null, steps: [] } as const;
    this.#context.journal.write({ type: "journey", service, ...none, error });
  }

  #take(line: string): void {
    const { journal, samples, zeroMonotonicMs } = this.#context;
    const { service } = this.#asked.plan.journeys;
    const parsed = resultOf(line);
    if (parsed === undefined) {
      const text = `${resultsFileName}: a line that is no result: ${line.slice(0, 200)}`;
      journal.write({ type: "note", level: "warning", text });
      return;
    }
    const { atMonotonicMs, screenshot, ...result } = parsed;
    const atMs = atMonotonicMs - zeroMonotonicMs;
    const picture = screenshot === undefined ? {} : { screenshot: `${journeysDirName}/${screenshot}` };
    journal.write({ type: "journey", service, ...result, ...picture }, atMs);
    if (result.outcome === "no-browser") return;
    samples.sample(`journey.${service}.total`, "ms", atMs, result.tookMs);
    if (result.pageMs !== null) samples.sample(`journey.${service}.page`, "ms", atMs, result.pageMs);
  }
}

function resultOf(line: string): JourneyResult | undefined {
  try {
    return resultSchema.safeParse(JSON.parse(line)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function journeyWithinMs(everyMs: number): number {
  return Math.min(longestMs, everyMs * shareOfPeriod);
}

/** Outside the run folder, whose path may be too long for the socket that a browser makes; the same for every harness of the run. */
function browserDirOf(runDir: string): string {
  const name = createHash("sha256").update(runDir).digest("hex").slice(0, 12);
  return join(tmpdir(), `kiln-browser-${name}`);
}
