// How long the stack took to be itself again after a fault. The rules stand in docs/verdict.md; here they are code. An interval is kept,
// not a number: the checker passes on its upper end and fails on its lower.
import type { FaultStep, Plan } from "../plan/plan.ts";
import { latencyWindowSeconds, type Baseline } from "./baseline.ts";
import type { ConfigReadings, FaultTimeline } from "./instants.ts";
import type { LoadIndex } from "./load-index.ts";
import { episodesIn, type Episode, type Watch } from "./outages.ts";
import type { FaultRecord, Instant } from "./verdict.ts";

/** Good seconds in a row that make a recovery, where the plan leaves time for them. */
const fullRun = 5;
const shortestRun = 3;
/** Time for the recovery itself, besides its windows: a settle must hold both before latency is part of recovered. */
const recoveryRoomMs = 20_000;

/** N of "N good windows in a row": a third of the settle's seconds, at least 3, at most 5. */
export function goodWindowsFor(settleMs: number): number {
  return Math.min(fullRun, Math.max(shortestRun, Math.floor(settleMs / 3_000)));
}

function latencyCounts(settleMs: number): boolean {
  return settleMs >= latencyWindowSeconds * 1_000 + recoveryRoomMs;
}

export type RecoveryFacts = Pick<
  FaultRecord,
  "recovered" | "recoveryMs" | "recovery" | "note" | "episodes" | "firstFailure"
>;

export interface RecoveryInput {
  readonly plan: Plan;
  readonly timeline: FaultTimeline;
  readonly load: LoadIndex;
  readonly baseline: Baseline;
  /** When the next fault strikes, milliseconds; Infinity where none does. */
  readonly nextFaultMs: number;
  readonly acted: Instant | null;
  /** Readings of the config file: only for faults on one. */
  readonly config: ConfigReadings | null;
  /** Failures before this are those of other faults of its group. */
  readonly notBeforeMs?: number;
}

const notRun: RecoveryFacts = {
  recovered: null,
  recoveryMs: null,
  recovery: "not-run",
  note: "the fault did not run",
  episodes: 0,
  firstFailure: null,
};

/** The plan time at which this fault's watch ends, and why. */
export function watchEnd(input: Pick<RecoveryInput, "plan" | "timeline" | "load" | "nextFaultMs">): {
  readonly atMs: number;
  readonly why: string;
} {
  const { plan, timeline, load } = input;
  const beganMs = timeline.beganMs ?? timeline.step.startMs;
  const spike = plan.load.segments.find(({ kind, startMs }) => kind === "spike" && startMs > beganMs);
  const ends = [
    // A request in flight when the next fault strikes may fail by it.
    { atMs: input.nextFaultMs - plan.load.timeoutMs, why: "the next fault began" },
    { atMs: spike?.startMs ?? Infinity, why: "a load spike began" },
    { atMs: load.endMs, why: "the evidence ended" },
    { atMs: timeline.rescuedMs ?? Infinity, why: "Kiln rescued the stack" },
  ];
  return ends.reduce((a, b) => (b.atMs < a.atMs ? b : a));
}

export function recoveryOf(input: RecoveryInput): RecoveryFacts {
  const { timeline, plan, load } = input;
  const { step, beganMs, injected } = timeline;
  if (beganMs === null || injected === null) return notRun;
  const settleMs = step.settleUntilMs - step.healMs;
  const useLatency = latencyCounts(settleMs);
  const notes = [
    `recovered means ${goodWindowsFor(settleMs)} seconds in a row without a failed essential request`,
  ];
  const rate = load.seconds[Math.floor(beganMs / 1_000)]?.rps ?? 0;
  if (useLatency && input.baseline.has(rate))
    notes.push("and a 10 s window with p95 inside the run's own band");
  else
    notes.push(
      useLatency
        ? "latency is left out: too few calm seconds for a baseline"
        : "latency is left out: the settle is too short for a window",
    );
  const notBeforeMs = Math.max(beganMs, input.notBeforeMs ?? beganMs);
  const lookbackMs = Math.max(0, notBeforeMs - plan.load.timeoutMs);
  const end = watchEnd(input);
  const watch: Watch = {
    fromSecond: Math.floor(lookbackMs / 1_000),
    newUntilMs: Math.max(step.settleUntilMs, timeline.healed?.atMs ?? 0),
    stopMs: end.atMs,
    notBeforeMs,
    goodWindows: goodWindowsFor(settleMs),
    baseline: useLatency ? input.baseline : null,
  };
  const { notes: how, ...timed } = timeEpisodes(input, watch);
  notes.push(...how);
  const open = timed.recovery === "undecided" || timed.recovery === "censored";
  if (open && input.config === null) notes.push(`${end.why} before that was so`);
  return { ...timed, note: notes.join("; ") };
}

type Timed = Omit<RecoveryFacts, "note"> & { readonly notes: readonly string[] };

function timeEpisodes(input: RecoveryInput, watch: Watch): Timed {
  const failures = episodesIn(input.load, watch);
  const firstFailure = failures[0]?.start ?? null;
  const { step } = input.timeline;
  if (input.config !== null) return configTimed(input, failures, firstFailure);
  if (liftedByHeal(step)) return fromHealed(input, watch, firstFailure);
  if (failures.length > 0)
    return { ...longest(failures), firstFailure, notes: ["timed from the first failed request"] };
  const critical = input.timeline.effective;
  if (!isDemanded(step) || critical === null)
    return nothing(["users saw no failure and nothing was demanded"]);
  const from = later(critical, input.acted);
  const opened = episodesIn(input.load, {
    ...watch,
    fromSecond: Math.floor(from.atMs / 1_000),
    opensAt: from,
    newUntilMs: 0,
  });
  const spell = opened.map((episode) => ({ ...episode, start: critical }));
  return {
    ...longest(spell),
    firstFailure,
    notes: ["users saw no failure: timed from the critical condition"],
  };
}

/** Something had to be done about it, whether or not a user noticed. */
function isDemanded({ expect }: FaultStep): boolean {
  return expect.actWithinMs !== null || expect.recovery.atLeast !== "none";
}

/**
 * Only the end of a held fault lets users be served again: nothing replaces a process, or nothing has to, or what does so is undone by the
 * fault itself, or the stack's driver does it afterwards.
 */
export function liftedByHeal(step: FaultStep): boolean {
  const { restarts, keptUp, revivedByDriver } = step.expect;
  if (step.kind !== "held") return false;
  return !restarts || keptUp === true || revivedByDriver === true || !isDemanded(step);
}

function nothing(notes: readonly string[]): Timed {
  return { recovered: null, recoveryMs: null, recovery: "none", episodes: 0, firstFailure: null, notes };
}

function later(a: Instant, b: Instant | null): Instant {
  return b !== null && b.atMs > a.atMs ? b : a;
}

/** Only the harness can lift the harm: what comes before healed is degradation, not recovery. */
function fromHealed(input: RecoveryInput, watch: Watch, firstFailure: Instant | null): Timed {
  const { healed, step } = input.timeline;
  const lifted = liftedAt(input.timeline);
  const notes = ["timed from healed: only Kiln could lift this harm"];
  if (lifted !== null && lifted !== healed)
    notes.push("the target's driver had then to start it again, which is in the upper bound only");
  if (healed === null || lifted === null) {
    return {
      recovered: null,
      recoveryMs: { low: 0, high: null },
      recovery: "undecided",
      episodes: 0,
      firstFailure,
      notes: ["it was not healed"],
    };
  }
  const after = {
    ...watch,
    fromSecond: Math.floor(healed.atMs / 1_000),
    opensAt: lifted,
    notBeforeMs: healed.atMs - healed.errorMs,
  };
  const result = longest(episodesIn(input.load, after));
  // With latency in play a stack that stayed slow after heal has not recovered, even if no request failed.
  const well = result.recovery === "timed" && (result.recoveryMs?.high ?? Infinity) <= lifted.errorMs + 1_000;
  const shortOfTime = watch.baseline === null && result.recovery !== "timed";
  if (firstFailure === null && !isDemanded(step) && (well || shortOfTime)) {
    return { ...nothing(["users saw no failure and nothing was demanded"]), recovered: result.recovered };
  }
  return { ...result, firstFailure, notes };
}

/** When the harm was lifted; where the driver then had to start the target again, some time from the start of healing until that was done. */
function liftedAt({ healed, healingMs, revivedMs }: FaultTimeline): Instant | null {
  if (healed === null || revivedMs === null || revivedMs < healed.atMs) return healed;
  return { atMs: revivedMs, errorMs: revivedMs - (healingMs ?? healed.atMs) };
}

function configTimed(
  input: RecoveryInput,
  failures: readonly Episode[],
  firstFailure: Instant | null,
): Timed {
  const { injected, healingMs } = input.timeline;
  const restored = input.config?.restored ?? null;
  const start = injected ?? { atMs: 0, errorMs: 0 };
  const notes = ["timed from injected to the first reading that found the file valid again"];
  const end = watchEnd(input);
  const byKiln = Math.min(healingMs ?? Infinity, input.timeline.rescuedMs ?? Infinity);
  const earliestMs = restored === null ? Infinity : restored.atMs - restored.errorMs;
  const ownWork = restored !== null && restored.atMs <= byKiln && restored.atMs <= end.atMs;
  if (!ownWork) {
    // A reading that was surely valid only after Kiln's own heal began does not tell who mended the file.
    const untold = restored === null ? input.config?.seenBad !== true : earliestMs < byKiln;
    const recovery = untold ? "undecided" : "censored";
    const low = Math.max(0, Math.min(byKiln, end.atMs, earliestMs) - start.atMs);
    const why = !untold
      ? []
      : [
          restored === null
            ? "nobody read the file"
            : "the stack or Kiln's own heal may have mended the file",
        ];
    return {
      recovered: null,
      recoveryMs: { low, high: null },
      recovery,
      episodes: failures.length,
      firstFailure,
      notes: [...notes, ...why],
    };
  }
  const file: Episode = {
    start,
    end: restored,
    badUntilMs: restored.atMs - restored.errorMs,
    improving: true,
  };
  const result = longest([...failures, file]);
  return { ...result, episodes: failures.length, firstFailure, notes };
}

function interval(episode: Episode): { low: number; high: number | null } {
  const startLowMs = episode.start.atMs - episode.start.errorMs;
  const { end } = episode;
  const endLowMs = end === null ? episode.badUntilMs : end.atMs - end.errorMs;
  const low = Math.max(0, endLowMs - episode.start.atMs);
  return { low, high: end === null ? null : Math.max(low, end.atMs - startLowMs) };
}

/** The longest of several spells; one without an end is longer than any that has one. Recovered is the end of the last to end. */
function longest(
  episodes: readonly Episode[],
): Pick<RecoveryFacts, "recovered" | "recoveryMs" | "recovery" | "episodes"> {
  const open = episodes.find(({ end }) => end === null);
  if (open !== undefined) {
    return {
      recovered: null,
      recoveryMs: interval(open),
      recovery: open.improving ? "undecided" : "censored",
      episodes: episodes.length,
    };
  }
  const intervals = episodes.map(interval).toSorted((a, b) => (b.high ?? 0) - (a.high ?? 0));
  const ends = episodes.flatMap(({ start, end }) =>
    end === null ? [] : [end.atMs < start.atMs ? start : end],
  );
  const last = ends.toSorted((a, b) => b.atMs - a.atMs)[0] ?? null;
  return { recovered: last, recoveryMs: intervals[0] ?? null, recovery: "timed", episodes: episodes.length };
}
