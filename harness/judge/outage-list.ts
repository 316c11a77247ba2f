// Each stretch without service as users saw it, told from the load itself. Resolution: one request interval (15.4 ms at 65 requests/s),
// where a prober that asks once a second has a second. Limit: of the outages that begin and end within one plan second only the whole
// stretch from the first to the last failure is known, because a second keeps its first and last failed start alone.
import type { SecondFacts } from "./load-index.ts";
import type { Instant } from "./verdict.ts";

/** The true begin and end lie in [atMs - errorMs, atMs]. */
export interface Outage {
  /** First failed start; before it a start succeeded one request interval earlier. */
  readonly begin: Instant;
  /** First successful start after the last failed one; null: still out when the evidence ended. */
  readonly end: Instant | null;
}

interface Open {
  readonly begin: Instant;
  lastFailureMs: number;
}

/** A start this many intervals late is not the first of its second. */
const notTheFirst = 1.5;

/** All outages in order of time. `seconds` as in LoadIndex: one record a plan second, without holes. */
export function outagesIn(seconds: readonly SecondFacts[]): Outage[] {
  const found: Outage[] = [];
  let open: Open | undefined;
  const close = (open: Open, okMs: number): void => {
    found.push({ begin: open.begin, end: { atMs: okMs, errorMs: Math.max(0, okMs - open.lastFailureMs) } });
  };
  for (const facts of seconds) {
    const beginMs = facts.second * 1_000;
    const intervalMs = facts.rps > 0 ? 1_000 / facts.rps : 1_000;
    if (facts.state === "good" && open !== undefined) {
      close(open, beginMs + intervalMs);
      open = undefined;
    }
    if (facts.state !== "bad") continue;
    const firstMs = facts.firstFailureMs ?? beginMs;
    // It began well, so the outage of the second before had ended with it.
    if (open !== undefined && firstMs > beginMs + notTheFirst * intervalMs && facts.ok > 0) {
      close(open, beginMs + intervalMs);
      open = undefined;
    }
    const lastMs = facts.lastFailureMs ?? beginMs + 1_000;
    open ??= { begin: { atMs: firstMs, errorMs: intervalMs }, lastFailureMs: lastMs };
    open.lastFailureMs = Math.max(open.lastFailureMs, lastMs);
    if (facts.okAfterFailureMs === null) continue;
    close(open, facts.okAfterFailureMs);
    open = undefined;
  }
  if (open !== undefined) found.push({ begin: open.begin, end: null });
  return found;
}
