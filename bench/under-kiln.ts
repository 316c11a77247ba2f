// One run of Kiln for the benchmark, in a process of its own so that its CPU time can be told apart: the conductor itself with all that a
// run has (folder, journal, samples, ledger, reaper, stack, probes, pulse, progress, k6), six idle programs as the stack, no faults.
//
//   node bench/under-kiln.ts <seconds> <stamp port> <runs folder>
//
// Prints one line of JSON (KilnFigures) at its end. Interrupts itself in good order on SIGINT, SIGTERM or the end of standard input.
import { closeSync, openSync, writeSync } from "node:fs";
import { createProgressFeed } from "../harness/commands/progress-feed.ts";
import { faultTable } from "../harness/faults/index.ts";
import type { JournalEvent, SegmentAccounts } from "../harness/journal/events.ts";
import type { Plan } from "../harness/plan/plan.ts";
import { runPlan, type RunRequest } from "../harness/run/conductor.ts";
import { reapersOf } from "../harness/stack/membership.ts";
import { systemClock } from "../harness/support/clock.ts";
import { messageOf } from "../harness/support/errors.ts";
import { processStat, ticksPerSecond } from "../harness/support/process-identity.ts";
import { loadTools } from "../harness/support/tools.ts";
import { createProgress } from "../reports/progress.ts";
import { benchPlan, loadScript } from "./load-shape.ts";

/** CPU times in milliseconds, user and system together. */
export interface CpuTimes {
  readonly harnessMs: number;
  readonly reaperMs: number;
  readonly k6Ms: number;
}

export interface KilnFigures {
  /** Plan time zero on CLOCK_MONOTONIC. */
  readonly zeroMs: number;
  /**
   * From the release of the first segment to the end of the last one. Of k6 only what it took after each release: its own start is left
   * out here (it would flatter the ratio in a short run), what Kiln spends on starting it is in.
   */
  readonly underLoad: CpuTimes;
  /** Each process from its birth: module loading, bring-up and teardown of the stack, all of each k6. */
  readonly whole: CpuTimes;
  /** Notes of level warning and error in the journal, and what the preflight did not find in order. */
  readonly warnings: readonly string[];
}

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const cpuMsOf = (pid: number | undefined): number =>
  ((pid === undefined ? 0 : (processStat(pid)?.cpuTicks ?? 0)) * 1_000) / ticksPerSecond;

interface Watched {
  readonly onEvent: (event: JournalEvent) => void;
  readonly onFolder: (runDir: string) => void;
  figures(): KilnFigures;
}

/** Takes the readings at the journal's own events. */
function watchRun(lastSegment: number): Watched {
  let runDir = "";
  let journalZeroMs = Number.NaN;
  let zeroMs = Number.NaN;
  let reaperPid: number | undefined;
  let before: Omit<CpuTimes, "k6Ms"> | undefined;
  let after: Omit<CpuTimes, "k6Ms"> | undefined;
  const ended: SegmentAccounts[] = [];
  const warnings: string[] = [];
  let k6StartMs = 0;
  const k6Total = (): number => ended.reduce((sum, accounts) => sum + accounts.cpuMs, 0);
  const reading = (): Omit<CpuTimes, "k6Ms"> => ({ harnessMs: cpuMs(), reaperMs: cpuMsOf(reaperPid) });
  return {
    onFolder: (folder) => {
      runDir = folder;
    },
    onEvent: (event) => {
      if (event.type === "run-started") journalZeroMs = event.monotonicZeroMs;
      else if (event.type === "load-started") {
        zeroMs = journalZeroMs + event.zeroAtMs;
        // Looked for here, before the stretch that counts: it reads all of /proc.
        reaperPid = reapersOf(runDir)[0]?.pid;
      } else if (event.type === "segment-started") {
        before ??= reading();
        k6StartMs += cpuMsOf(event.pid);
      } else if (event.type === "segment-ended") {
        ended.push(event);
        if (event.index === lastSegment) after = reading();
      } else if (event.type === "preflight") {
        warnings.push(...event.checks.filter(({ ok }) => !ok).map(({ text }) => text));
      } else if (event.type === "note" && event.level !== "info") warnings.push(event.text);
    },
    figures: () => {
      if (before === undefined || after === undefined || reaperPid === undefined)
        throw new Error("the run ended before its load did, or had no reaper");
      return {
        zeroMs,
        underLoad: {
          harnessMs: after.harnessMs - before.harnessMs,
          reaperMs: after.reaperMs - before.reaperMs,
          k6Ms: k6Total() - k6StartMs,
        },
        whole: { harnessMs: cpuMs(), reaperMs: after.reaperMs, k6Ms: k6Total() },
        warnings,
      };
    },
  };
}

/** Progress as in a terminal, where it is drawn most often, but shown to nobody. */
function hiddenProgress(plan: Plan): Pick<RunRequest, "onEvent" | "onPulse"> & { close(): void } {
  const nowhere = openSync("/dev/null", "w");
  const stream = {
    isTTY: true,
    columns: 120,
    rows: 40,
    write: (text: string) => writeSync(nowhere, text) > 0,
  };
  const progress = createProgress({ stream, clock: systemClock });
  const { onEvent, onPulse } = createProgressFeed(plan, progress).listeners;
  return {
    onEvent,
    onPulse,
    close: () => {
      progress.close();
      closeSync(nowhere);
    },
  };
}

async function main([seconds, stampPort, runsDir]: readonly string[]): Promise<void> {
  if (seconds === undefined || stampPort === undefined || runsDir === undefined)
    throw new Error("usage: node bench/under-kiln.ts <seconds> <stamp port> <runs folder>");
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort(new Error("the benchmark was interrupted"));
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, stop);
  process.stdin.once("end", stop).resume();
  const plan = benchPlan(Number(seconds), Number(stampPort));
  const watched = watchRun(plan.load.segments.length - 1);
  const progress = hiddenProgress(plan);
  const result = await runPlan(
    {
      plan,
      scriptPath: loadScript,
      runsDir,
      faults: faultTable,
      tools: loadTools(),
      commandLine: process.argv,
      onEvent: (event) => {
        watched.onEvent(event);
        progress.onEvent(event);
      },
      onFolder: watched.onFolder,
      onPulse: progress.onPulse,
    },
    interrupt.signal,
  );
  progress.close();
  if (result.outcome !== "completed") {
    const why = result.error === undefined ? "" : `: ${messageOf(result.error)}`;
    throw new Error(`the run under Kiln ended as ${result.outcome}${why}`);
  }
  process.stdout.write(`${JSON.stringify(watched.figures())}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`under-kiln: ${messageOf(error)}\n`);
  process.exitCode = 1;
} finally {
  // Its starter still holds the other end.
  process.stdin.destroy();
}
