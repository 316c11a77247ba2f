// Trouble as users saw it, from the load itself: spells of failure, and the time without service. Resolution: one request interval.
import { latencyWindowSeconds, type Baseline } from "./baseline.ts";
import type { LoadIndex, SecondFacts } from "./load-index.ts";
import type { Instant } from "./verdict.ts";

/** A spell from a first failure to N good windows in a row. `end` null: the watch ended first. */
export interface Episode {
  readonly start: Instant;
  readonly end: Instant | null;
  /** Where end is null: the latest time at which it was surely still bad, and whether good windows had begun after it. */
  readonly badUntilMs: number;
  readonly improving: boolean;
}

export interface Watch {
  /** First second to look at. */
  readonly fromSecond: number;
  /** A failure that begins at or after this belongs to something else, milliseconds. */
  readonly newUntilMs: number;
  /** Nothing at or after this may be used, milliseconds. */
  readonly stopMs: number;
  /** No failure can be older than the fault, milliseconds. */
  readonly notBeforeMs: number;
  /** Good windows in a row that make a recovery. */
  readonly goodWindows: number;
  /** Null: latency is left out. */
  readonly baseline: Baseline | null;
  /** Where the harm was lifted at a known time: the spell that begins there even if no request failed since. */
  readonly opensAt?: Instant;
}

/** Milliseconds between two starts of a rate. */
function intervalMs(rps: number): number {
  return rps > 0 ? 1_000 / rps : 1_000;
}

/** Where a run of good windows that begins in `first` starts, given the last sign of trouble before it. */
function endOf(
  first: SecondFacts,
  badUntilMs: number,
  lastBad: SecondFacts | undefined,
  stepped: boolean,
): Instant {
  if (stepped) return { atMs: first.second * 1_000, errorMs: 1_000 };
  const adjoining = lastBad !== undefined && lastBad.second === first.second - 1;
  const okMs = adjoining ? lastBad.okAfterFailureMs : null;
  const atMs = Math.max(
    badUntilMs,
    okMs ?? first.second * 1_000 + (lastBad === undefined ? 0 : intervalMs(first.rps)),
  );
  return { atMs, errorMs: atMs - badUntilMs };
}

interface Open {
  readonly start: Instant;
  badUntilMs: number;
  lastBad: SecondFacts | undefined;
  run: number[];
  /** A window of latency out of the band pushed the start of the good run on. */
  stepped: boolean;
}

/** All spells that begin in the watch, in order. */
export function episodesIn(load: LoadIndex, watch: Watch): Episode[] {
  const found: Episode[] = [];
  const lastSecond = Math.min(Math.floor(watch.stopMs / 1_000), load.seconds.length);
  let open: Open | undefined = watch.opensAt === undefined ? undefined : opened(watch.opensAt);
  for (let second = watch.fromSecond; second < lastSecond; second++) {
    const facts = load.seconds[second];
    if (facts === undefined) break;
    if (facts.state === "bad") open = fail(open, facts, watch);
    else if (open !== undefined && facts.state === "good") open.run.push(second);
    else if (open !== undefined) open.run = [];
    if (open === undefined) continue;
    const end = closing(load, open, watch, lastSecond);
    if (end === null) continue;
    found.push({ start: open.start, end, badUntilMs: open.badUntilMs, improving: true });
    open = undefined;
  }
  if (open !== undefined) {
    const still = { start: open.start, end: null, improving: open.run.length > 0 };
    // A spell that was bad to the last second lasted to the end of the watch; one that was getting well is known up to its last failure.
    const wasBad =
      open.lastBad !== undefined &&
      open.lastBad.second >= lastSecond - 1 &&
      open.lastBad.okAfterFailureMs === null;
    found.push({
      ...still,
      badUntilMs: wasBad ? Math.max(open.badUntilMs, lastSecond * 1_000) : open.badUntilMs,
    });
  }
  return found;
}

function opened(start: Instant): Open {
  return { start, badUntilMs: start.atMs - start.errorMs, lastBad: undefined, run: [], stepped: false };
}

function fail(open: Open | undefined, facts: SecondFacts, watch: Watch): Open | undefined {
  const beginMs = facts.second * 1_000;
  const firstMs = Math.max(facts.firstFailureMs ?? beginMs, watch.notBeforeMs);
  if (open === undefined && firstMs >= watch.newUntilMs) return undefined;
  // The failure before the first one was a success one request interval earlier; nothing is older than the fault.
  const errorMs = Math.min(
    facts.firstFailureMs === null ? 1_000 : intervalMs(facts.rps),
    firstMs - watch.notBeforeMs,
  );
  const now = open ?? opened({ atMs: firstMs, errorMs: Math.max(0, errorMs) });
  now.lastBad = facts;
  now.badUntilMs = Math.max(now.badUntilMs, facts.lastFailureMs ?? beginMs);
  now.run = [];
  now.stepped = false;
  return now;
}

function closing(load: LoadIndex, open: Open, watch: Watch, lastSecond: number): Instant | null {
  for (;;) {
    const first = load.seconds[open.run[0] ?? -1];
    if (first === undefined || open.run.length < watch.goodWindows) return null;
    if (watch.baseline === null || !watch.baseline.has(first.rps))
      return endOf(first, open.badUntilMs, open.lastBad, open.stepped);
    // The loop comes back with longer runs until a latency window is full.
    if (open.run.length < latencyWindowSeconds && first.second + latencyWindowSeconds <= lastSecond)
      return null;
    if (first.second + latencyWindowSeconds > lastSecond) return null;
    if (watch.baseline.windowIsGood(first.second) === true)
      return endOf(first, open.badUntilMs, open.lastBad, open.stepped);
    open.run.shift();
    open.stepped = true;
    // Latency was still out of the band here: the spell is known to have lasted to this second.
    open.badUntilMs = Math.max(open.badUntilMs, first.second * 1_000);
  }
}

/**
 * Time without service in a second, milliseconds: from its first failed essential start to the first success after its last failed one
 * (or its end). A second with only dropped starts, or with failures whose times were not kept, counts whole.
 */
export function unavailableMsIn(facts: SecondFacts): number {
  if (facts.state !== "bad") return 0;
  const beginMs = facts.second * 1_000;
  if (facts.firstFailureMs === null || facts.stackDropped > 0) return 1_000;
  const fromMs = Math.max(beginMs, facts.firstFailureMs);
  const toMs = Math.min(beginMs + 1_000, facts.okAfterFailureMs ?? beginMs + 1_000);
  return Math.max(0, toMs - fromMs);
}

export function unavailableMsOf(seconds: readonly SecondFacts[]): number {
  return seconds.reduce((sum, facts) => sum + unavailableMsIn(facts), 0);
}
