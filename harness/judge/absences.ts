// Times in which a service had no process to be observed, by what was seen from outside; and gaps in a series beside them.
import type { Evidence } from "../journal/evidence.ts";
import type { ServiceSpec, StackSpec } from "../scenario/stack-spec.ts";

export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The services that are there all the time. Of one that runs at times only, no samples are owed. */
export function lastingServices({ services }: StackSpec): ServiceSpec[] {
  return services.filter((service) => service.kind !== "program" || service.standby !== true);
}

/** From "gone" to "appeared" of a service's process; open at the end where it never came back. */
export function absencesOf(evidence: Evidence, service: string, endMs: number): Stretch[] {
  const found: Stretch[] = [];
  let goneMs: number | undefined;
  for (const event of evidence.eventsOf("process")) {
    if (event.service !== service) continue;
    if (event.change === "gone") goneMs ??= event.atMs;
    else if (goneMs !== undefined) {
      found.push({ fromMs: goneMs, toMs: event.atMs });
      goneMs = undefined;
    }
  }
  if (goneMs !== undefined) found.push({ fromMs: goneMs, toMs: endMs });
  return found;
}

/** Stretches of [fromMs, toMs] longer than `longestMs` without a sample, less the excused ones (each widened by `longestMs`). */
export function gapsIn(
  timesMs: Iterable<number>,
  range: Stretch,
  longestMs: number,
  excused: readonly Stretch[],
): Stretch[] {
  const found: Stretch[] = [];
  let last = range.fromMs;
  const look = (atMs: number): void => {
    if (
      atMs - last > longestMs &&
      !excused.some(({ fromMs, toMs }) => last >= fromMs - longestMs && atMs <= toMs + longestMs)
    ) {
      found.push({ fromMs: last, toMs: atMs });
    }
    last = Math.max(last, atMs);
  };
  for (const atMs of timesMs) if (atMs >= range.fromMs && atMs <= range.toMs) look(atMs);
  look(range.toMs);
  return found;
}

/** Share of the periods of [fromMs, toMs) outside the excused stretches that hold a sample; null where no period is left. */
export function coverageOf(
  timesMs: Iterable<number>,
  range: Stretch,
  periodMs: number,
  excused: readonly Stretch[],
): number | null {
  const seen = new Set<number>();
  for (const atMs of timesMs) seen.add(Math.floor(atMs / periodMs));
  let expected = 0;
  let present = 0;
  for (let at = Math.ceil(range.fromMs / periodMs); (at + 1) * periodMs <= range.toMs; at++) {
    const fromMs = at * periodMs;
    if (
      excused.some(
        (stretch) => fromMs + periodMs > stretch.fromMs - periodMs && fromMs < stretch.toMs + periodMs,
      )
    )
      continue;
    expected++;
    // A look may come late by a part of its period: then the next period holds two. Either neighbour's second sample is not counted.
    if (seen.has(at)) present++;
  }
  return expected === 0 ? null : present / expected;
}
