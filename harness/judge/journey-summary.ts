// A browser's visits to the page, sorted by what they can tell: in calm, under a fault on something that a visit needs, in missing evidence,
// or not made at all. Definitions: docs/verdict.md.
import type { EventOf } from "../journal/events.ts";
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import type { StackSpec } from "../scenario/stack-spec.ts";
import type { Facts } from "./checker.ts";
import { configFilesOf } from "./instants.ts";
import { excuses, harnessGaps, missingMsOf, missingWithin } from "./missing-evidence.ts";
import type { JourneyCount, JourneyFailure, JourneySummary, Times } from "./verdict.ts";

type JourneyEvent = EventOf<"journey">;

/** More would only repeat themselves. */
const mostFailures = 100;

/** Undefined where the plan asks for no visits. */
export function summarizeJourneys(
  plan: Plan,
  evidence: Evidence,
  facts: Pick<Facts, "faults" | "spans" | "missing" | "starved">,
): JourneySummary | undefined {
  const { journeys } = plan;
  if (journeys === undefined) return undefined;
  const events = evidence.eventsOf("journey");
  const made = events.filter(({ outcome }) => outcome !== "no-browser");
  const without = events.filter(({ outcome }) => outcome === "no-browser");
  // A visit gives way to everything else on the machine: a starved one hits it first. What succeeded all the same stands.
  const isCut = ({ atMs, tookMs, outcome }: JourneyEvent): boolean =>
    missingWithin(outcome === "ok" ? facts.missing : excuses(facts), atMs, atMs + tookMs) !== undefined;
  const whole = made.filter((event) => !isCut(event));
  const faultOf = faultFinder(plan, facts);
  const calm = whole.filter((event) => faultOf(event) === null);
  const pages = calm.flatMap(({ pageMs }) => pageMs ?? []);
  return {
    service: journeys.service,
    everyMs: journeys.everyMs,
    owed: owedBy(plan, journeys.everyMs, evidence, facts),
    calm: countOf(calm),
    underFault: countOf(whole.filter((event) => faultOf(event) !== null)),
    leftOut: made.length - whole.length,
    withoutBrowser: without.length,
    why: without[0]?.error ?? null,
    page: timesOf(pages),
    steps: stepTimes(calm),
    failures: whole
      .filter(({ outcome }) => outcome === "failed")
      .slice(0, mostFailures)
      .map((event) => failureOf(event, faultOf(event))),
  };
}

/**
 * Visits on the plan's grid that had their whole period before the evidence ends, less those that fell due while no harness was there. The
 * last one of a run may be cut off by its end, and is not owed.
 */
function owedBy(
  { warmUpMs, durationMs }: Plan,
  everyMs: number,
  { endMs }: Evidence,
  { missing }: Pick<Facts, "missing">,
): number {
  const toMs = Math.min(durationMs, endMs);
  const goneMs = missingMsOf(harnessGaps(missing), toMs);
  return Math.max(0, Math.floor((toMs - warmUpMs - goneMs) / everyMs));
}

/** The fault of an event: the first one in whose span it lies, among those that hit what a visit goes through. */
function faultFinder(
  plan: Plan,
  { faults, spans }: Pick<Facts, "faults" | "spans">,
): (event: JourneyEvent) => string | null {
  const needed = neededTargets(plan);
  const relevant = new Set(faults.filter(({ target }) => needed(target)).map(({ id }) => id));
  const harmful = spans.filter(({ fault }) => relevant.has(fault));
  return ({ atMs, tookMs }) =>
    harmful.find(({ fromMs, toMs }) => atMs <= toMs && atMs + tookMs >= fromMs)?.fault ?? null;
}

/** What a visit needs: the service itself, and every service and link that can be reached from it. */
function neededTargets(plan: Plan): (target: string) => boolean {
  const services = reachableFrom(plan.journeys?.service ?? "", plan.stack);
  const links = new Set(plan.stack.links.filter(({ from }) => services.has(from)).map(({ name }) => name));
  const files = plan.stack.configFiles ?? [];
  return (target) => {
    const [kind = "", name = ""] = target.split(":");
    if (kind === "link") return links.has(name);
    if (kind !== "config") return services.has(name);
    const hit = configFilesOf(plan, target);
    return files.some((file) => hit.includes(file.name) && services.has(file.service));
  };
}

function reachableFrom(service: string, { links }: StackSpec): ReadonlySet<string> {
  const found = new Set([service]);
  // A set can be added to while it is walked through: what is added is walked through as well.
  for (const from of found) for (const link of links) if (link.from === from) found.add(link.to);
  return found;
}

function countOf(events: readonly JourneyEvent[]): JourneyCount {
  return { made: events.length, failed: events.filter(({ outcome }) => outcome === "failed").length };
}

function failureOf(event: JourneyEvent, fault: string | null): JourneyFailure {
  const { atMs, number, failedAt, error, screenshot } = event;
  return {
    atMs,
    number,
    failedAt: failedAt ?? "",
    error: error ?? "",
    screenshot: screenshot ?? null,
    fault,
  };
}

function stepTimes(events: readonly JourneyEvent[]): (Times & { readonly name: string })[] {
  const byName = new Map<string, number[]>();
  for (const { name, tookMs } of events.flatMap(({ steps }) => steps)) {
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [tookMs]);
    else known.push(tookMs);
  }
  return [...byName].flatMap(([name, tookMs]) => {
    const times = timesOf(tookMs);
    return times === null ? [] : [{ name, ...times }];
  });
}

function timesOf(ms: readonly number[]): Times | null {
  const sorted = ms.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return sorted.length === 0 ? null : { p50Ms: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
}
