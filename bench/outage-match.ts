// Outages found against outages that were: which were seen, which were made up, and how far off they are. Pure.

export interface Stretch {
  readonly fromMs: number;
  /** Infinity: it had not ended when the watch did. */
  readonly toMs: number;
}

export interface Matched {
  readonly truth: Stretch;
  /** Null: missed. */
  readonly seen: Stretch | null;
  /** Larger of the errors of its two ends, milliseconds; NaN when missed. */
  readonly endErrorMs: number;
  /** Of its length, milliseconds; NaN when missed. */
  readonly lengthErrorMs: number;
}

export interface MatchResult {
  readonly matched: readonly Matched[];
  /** Found, but overlapping no true outage. */
  readonly invented: readonly Stretch[];
}

/** A find belongs to the true outage that it overlaps, with `slackMs` on both sides; several finds in one outage count as one from first to last. */
export function matchOutages(
  truth: readonly Stretch[],
  found: readonly Stretch[],
  slackMs: number,
): MatchResult {
  const overlaps = (a: Stretch, b: Stretch): boolean =>
    a.fromMs < b.toMs + slackMs && b.fromMs < a.toMs + slackMs;
  const matched = truth.map((one): Matched => {
    const own = found.filter((stretch) => overlaps(one, stretch));
    if (own.length === 0)
      return { truth: one, seen: null, endErrorMs: Number.NaN, lengthErrorMs: Number.NaN };
    const seen = {
      fromMs: Math.min(...own.map(({ fromMs }) => fromMs)),
      toMs: Math.max(...own.map(({ toMs }) => toMs)),
    };
    return {
      truth: one,
      seen,
      endErrorMs: Math.max(Math.abs(seen.fromMs - one.fromMs), Math.abs(seen.toMs - one.toMs)),
      lengthErrorMs: Math.abs(seen.toMs - seen.fromMs - (one.toMs - one.fromMs)),
    };
  });
  return { matched, invented: found.filter((stretch) => !truth.some((one) => overlaps(one, stretch))) };
}

/** Outages from the readings of a prober: from the first failed look to the first good one after it. */
export function outagesOfLooks(looks: readonly { readonly atMs: number; readonly ok: boolean }[]): Stretch[] {
  const found: Stretch[] = [];
  let fromMs: number | undefined;
  for (const { atMs, ok } of looks) {
    if (!ok) fromMs ??= atMs;
    else if (fromMs !== undefined) {
      found.push({ fromMs, toMs: atMs });
      fromMs = undefined;
    }
  }
  if (fromMs !== undefined) found.push({ fromMs, toMs: Infinity });
  return found;
}

/** "closed <ms>" and "open <ms>" lines, in their order. */
export function readTruth(text: string): Stretch[] {
  const found: Stretch[] = [];
  for (const line of text.split("\n")) {
    const [what, at] = line.split(" ");
    if (what === "closed") found.push({ fromMs: Number(at), toMs: Infinity });
    const last = found.pop();
    if (last === undefined) continue;
    found.push(what === "open" ? { ...last, toMs: Number(at) } : last);
  }
  return found;
}
