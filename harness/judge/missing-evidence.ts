// The one notion of missing evidence: stretches of the run in which Kiln itself was not there (or did not carry the traffic), as the journal
// declares them. What lies in them says nothing about the stack: neither right nor failed, neither recovered nor not. How much of it a
// verdict bears is evidence-missing.ts; docs/verdict.md has the definitions.
import type { Evidence } from "../journal/evidence.ts";
import type { Stretch } from "./absences.ts";
import type { Facts } from "./checker.ts";
import { seconds } from "./finding.ts";
import type { LoadIndex, SecondFacts } from "./load-index.ts";
import type { FaultRecord } from "./verdict.ts";

export interface MissingStretch extends Stretch {
  /**
   * harness: it had died, and was resumed. proxy: Toxiproxy was frozen or dead, and was replaced (proxy-gone.ts). machine: it was there, but
   * was not served by the machine (starved.ts), which excuses a failure and takes nothing from a pass.
   */
  readonly reason: "harness" | "proxy" | "machine";
  /** In words, as the end of "from … to …: ". */
  readonly what: string;
}

/** In order of time. Those of one reason may overlap: a harness that died twice in a row declares the first gap twice. */
export function missingStretches(evidence: Evidence): MissingStretch[] {
  const gaps = evidence.eventsOf("resumed").map(({ gapFromMs, gapToMs, attempt }): MissingStretch => ({
    fromMs: gapFromMs,
    toMs: gapToMs,
    reason: "harness",
    what: `the harness was gone (resumed, number ${attempt})`,
  }));
  return gaps.filter(({ fromMs, toMs }) => toMs > fromMs).toSorted((a, b) => a.fromMs - b.fromMs);
}

/** The load with the seconds that these stretches touch marked: they are neither good nor bad. */
export function withoutMissing(load: LoadIndex, stretches: readonly MissingStretch[]): LoadIndex {
  if (stretches.length === 0) return load;
  const marked = load.seconds.map((facts): SecondFacts => {
    return touchesSecond(stretches, facts.second) ? { ...facts, state: "unknown", missing: true } : facts;
  });
  return { ...load, seconds: marked };
}

export function touchesSecond(stretches: readonly Stretch[], second: number): boolean {
  return stretches.some(({ fromMs, toMs }) => fromMs < (second + 1) * 1_000 && toMs > second * 1_000);
}

/** "evidence is missing from 41.2 s to 53.0 s: Toxiproxy was gone". */
export function missingText({ fromMs, toMs, what, reason }: MissingStretch): string {
  const how = reason === "machine" ? "evidence is doubtful" : "evidence is missing";
  return `${how} from ${seconds(Math.max(0, fromMs))} to ${seconds(toMs)}: ${what}`;
}

/** Stretches in which nobody was there to see anything. */
export function harnessGaps(stretches: readonly MissingStretch[]): MissingStretch[] {
  return stretches.filter(({ reason }) => reason === "harness");
}

/**
 * The gap of the harness in which a fault was in force: it was healed by somebody else and at another time than planned, and what it did and
 * how the stack came out of it was not seen.
 */
export function cutBy(
  {
    injected,
    healed,
    confirmed,
    plannedMs,
  }: Pick<FaultRecord, "injected" | "healed" | "confirmed" | "plannedMs">,
  stretches: readonly MissingStretch[],
): MissingStretch | undefined {
  if (confirmed === "not-run") return undefined;
  // Where injecting began and did not end, it may have been in all the same.
  const fromMs = injected === null ? plannedMs : injected.atMs - injected.errorMs;
  return missingWithin(harnessGaps(stretches), fromMs, healed?.atMs ?? Infinity);
}

/** All that may excuse a failure: nobody saw it, or nobody on this machine was served. */
export function excuses({ missing, starved }: Pick<Facts, "missing" | "starved">): MissingStretch[] {
  return [...missing, ...starved];
}

/** The first stretch that shares time with [fromMs, toMs]; a single instant is such a range, too. */
export function missingWithin(
  stretches: readonly MissingStretch[],
  fromMs: number,
  toMs: number = fromMs,
): MissingStretch | undefined {
  return stretches.find((stretch) => stretch.fromMs <= toMs && stretch.toMs >= fromMs);
}

/** Milliseconds of [0, endMs] that lie in any of the stretches; time in two of them counts once. */
export function missingMsOf(stretches: readonly Stretch[], endMs: number): number {
  let sum = 0;
  let reachedMs = 0;
  for (const { fromMs, toMs } of stretches.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const from = Math.max(reachedMs, fromMs);
    const to = Math.min(toMs, endMs);
    sum += Math.max(0, to - from);
    reachedMs = Math.max(reachedMs, to);
  }
  return sum;
}
