// What the journal says about one fault: when it was injected, confirmed, noticed, acted on, healed. The true time of an instant lies in
// [atMs - errorMs, atMs]. Recovery, which needs the load, is recovery-time.ts.
import type { RecoveryLevel } from "../faults/fault.ts";
import type { EventOf, JournalEvent } from "../journal/events.ts";
import type { Evidence } from "../journal/evidence.ts";
import type { FaultStep, Plan } from "../plan/plan.ts";
import type { Instant } from "./verdict.ts";

/** The watchdog writes wall time, which is joined to the monotonic axis to about a millisecond; this leaves room for slew. */
const wallErrorMs = 5;
/** The process probe looks once a second: what it did not see start may be that old. */
const processLookMs = 1_000;
const levels: readonly RecoveryLevel[] = ["none", "soft", "medium", "hard", "emergency"];

export function rankOf(level: RecoveryLevel): number {
  return levels.indexOf(level);
}

export interface FaultTimeline {
  readonly step: FaultStep;
  /** Start of injecting; null when the fault never ran. */
  readonly beganMs: number | null;
  readonly injected: Instant | null;
  readonly confirmed: "yes" | "no" | "not-run";
  readonly saw: string;
  readonly magnitude: { readonly asked: number; readonly measured: number; readonly unit: string } | null;
  /** By confirmation alone. */
  readonly effective: Instant | null;
  readonly healed: Instant | null;
  /** Start of healing; null when Kiln never began to. */
  readonly healingMs: number | null;
  readonly broken: boolean;
  readonly rescuedMs: number | null;
  /** When the stack driver had started its target again, after heal. */
  readonly revivedMs: number | null;
}

export function timelineOf(step: FaultStep, evidence: Evidence): FaultTimeline {
  const states = evidence.eventsOf("fault").filter(({ id }) => id === step.id);
  const at = (state: EventOf<"fault">["state"]): number | null =>
    states.find((event) => event.state === state)?.atMs ?? null;
  const beganMs = at("injecting");
  const looks = evidence.eventsOf("fault-confirmed").filter(({ id }) => id === step.id);
  const look = looks.find(({ confirmation }) => confirmation.effective) ?? looks.at(-1);
  const healingMs = at("healing");
  const ran = beganMs !== null;
  return {
    step,
    beganMs,
    injected: instant(at("active"), beganMs),
    confirmed: ran ? (look?.confirmation.effective === true ? "yes" : "no") : "not-run",
    saw:
      look?.confirmation.saw ??
      skipReason(step, evidence) ??
      (ran ? "nothing was seen of it" : "it did not run"),
    magnitude: look?.confirmation.magnitude ?? null,
    effective: look?.confirmation.effective === true ? instant(look.atMs, beganMs) : null,
    healed: instant(at("healed"), healingMs),
    healingMs,
    broken: states.some(({ state }) => state === "broken"),
    rescuedMs: evidence.eventsOf("rescued").find(({ fault }) => fault === step.id)?.atMs ?? null,
    revivedMs: evidence.eventsOf("revived").find(({ fault }) => fault === step.id)?.atMs ?? null,
  };
}

function skipReason(step: FaultStep, evidence: Evidence): string | undefined {
  const skipped = evidence.eventsOf("fault-skipped").find(({ id }) => id === step.id);
  if (skipped !== undefined) return `skipped: ${skipped.reason}`;
  return step.skipped === undefined
    ? undefined
    : `skipped: ${step.skipped.reason ?? `the stack lacks ${step.skipped.missing.join(", ")}`}`;
}

/** True when the plan says beforehand that this fault will not happen: lost coverage. One that the run left out is lost evidence. */
export function wasSkipped(step: FaultStep): boolean {
  return step.skipped !== undefined;
}

function instant(atMs: number | null, sinceMs: number | null): Instant | null {
  return atMs === null ? null : { atMs, errorMs: Math.max(0, atMs - (sinceMs ?? atMs)) };
}

/** The lines of the watchdog's log in a stretch of time; steps of the wall clock there widen their error. */
export interface WatchdogView {
  readonly lines: readonly EventOf<"watchdog">[];
  readonly errorMs: number;
}

function watchdogBetween(evidence: Evidence, fromMs: number, toMs: number): WatchdogView {
  const within = ({ atMs }: JournalEvent): boolean => atMs >= fromMs - wallErrorMs && atMs <= toMs;
  const stepsMs = evidence
    .eventsOf("clock")
    .filter(within)
    .map(({ stepMs }) => Math.abs(stepMs ?? 0));
  return {
    lines: evidence.eventsOf("watchdog").filter(within),
    errorMs: wallErrorMs + Math.max(0, ...stepsMs),
  };
}

/** A line without a target is about whom the watchdog supervises. */
export function targetOf(plan: Plan, { line }: EventOf<"watchdog">): string | null {
  return line.target ?? plan.stack.watchdog?.supervises ?? null;
}

export interface Reaction {
  readonly detected: Instant | null;
  readonly acted: Instant | null;
  /** Strongest action on anything in that time. */
  readonly level: RecoveryLevel;
}

/**
 * What the watchdog did about a fault between two times. Where its log is silent but the service's process was replaced all the same,
 * and not by Kiln, the act is taken from outside (level hard): whether the log is true is the watchdog checker's question.
 */
export function reactionTo(
  plan: Plan,
  evidence: Evidence,
  timeline: FaultTimeline,
  untilMs: number,
): Reaction {
  const fromMs = timeline.beganMs;
  if (fromMs === null) return { detected: null, acted: null, level: "none" };
  const { lines, errorMs } = watchdogBetween(evidence, fromMs, untilMs);
  const wanted = timeline.step.expect.service;
  const relevant = lines.filter((event) => wanted === null || targetOf(plan, event) === wanted);
  const first = (name: string): Instant | null => {
    const found = relevant.find(({ line }) => line.event === name);
    return found === undefined ? null : { atMs: found.atMs, errorMs };
  };
  const said = lines.filter(({ line }) => line.event === "action").map(({ line }) => line.level ?? "soft");
  const strongest = said.reduce<RecoveryLevel>((a, b) => (rankOf(b) > rankOf(a) ? b : a), "none");
  const acted = first("action");
  if (acted !== null || wanted === null) return { detected: first("detected"), acted, level: strongest };
  const seen = replacementOf(evidence, wanted, fromMs, untilMs);
  const level = seen !== null && rankOf(strongest) < rankOf("hard") ? "hard" : strongest;
  return { detected: first("detected"), acted: seen, level };
}

function replacementOf(evidence: Evidence, service: string, fromMs: number, untilMs: number): Instant | null {
  const found = evidence
    .eventsOf("process")
    .find(
      (event) =>
        event.service === service &&
        event.change === "appeared" &&
        startOf(event) > fromMs &&
        startOf(event) <= untilMs,
    );
  if (found === undefined || startedByKiln(evidence, service, startOf(found), fromMs)) return null;
  return { atMs: startOf(found), errorMs: found.startedAtMs === undefined ? processLookMs : wallErrorMs * 4 };
}

/**
 * Whether it was Kiln that started a service's process at `bornMs`, the one before it having started at `sinceMs`. A rescue is journalled before
 * the deed, a revival after it: that one began with its fault's healing.
 */
export function startedByKiln(
  evidence: Evidence,
  service: string,
  bornMs: number,
  sinceMs: number,
  slackMs = wallErrorMs * 4,
): boolean {
  const rescued = evidence
    .eventsOf("rescued")
    .some(
      (event) =>
        event.service === service && event.atMs >= sinceMs - slackMs && event.atMs <= bornMs + slackMs,
    );
  return (
    rescued ||
    evidence.eventsOf("revived").some((event) => {
      if (event.service !== service || bornMs > event.atMs + slackMs) return false;
      const healing = evidence
        .eventsOf("fault")
        .find(({ id, state }) => id === event.fault && state === "healing");
      return healing !== undefined && bornMs >= healing.atMs - slackMs;
    })
  );
}

/** When a process started: by the kernel's word where it is known, else when it was first seen. */
export function startOf(event: EventOf<"process">): number {
  return event.startedAtMs ?? event.atMs;
}

export interface ConfigReadings {
  /** From the config fault's injection to the first reading that finds the file valid again. */
  readonly restored: Instant | null;
  /** Some reading found it bad. Without one, and without `restored`, nobody looked: that is no evidence of anything. */
  readonly seenBad: boolean;
}

export function configReadings(
  evidence: Evidence,
  timeline: FaultTimeline,
  files: readonly string[],
): ConfigReadings {
  const { injected, beganMs } = timeline;
  if (injected === null || beganMs === null) return { restored: null, seenBad: false };
  const readings = evidence
    .eventsOf("config")
    .filter(({ file, atMs }) => files.includes(file) && atMs >= beganMs);
  const firstBad = readings.findIndex(({ fileValid }) => !fileValid);
  const valid = readings
    .slice(Math.max(0, firstBad))
    .find(({ fileValid, atMs }) => fileValid && (firstBad !== -1 || atMs >= injected.atMs));
  const seenBad = firstBad !== -1;
  const read: Instant | null =
    valid === undefined
      ? null
      : { atMs: valid.atMs, errorMs: Math.min(valid.sincePreviousMs, valid.atMs - beganMs) };
  if (seenBad) return { restored: read, seenBad };
  // No reading found it bad, and readings are journalled only on change: it was mended between two looks. The second look that fell due
  // after the injection began only when the first had ended, so by then the file had been read once.
  const looks = files
    .flatMap((file) => [...evidence.samples(`config.${file}.read`, injected.atMs)])
    .map(({ atMs }) => atMs);
  const second = looks.toSorted((a, b) => a - b)[1];
  const looked = second === undefined ? null : { atMs: second, errorMs: second - beganMs };
  // A reading that was journalled much later, for whatever else had changed, says nothing of when.
  const restored = read !== null && (looked === null || read.atMs < looked.atMs) ? read : looked;
  return { restored, seenBad };
}

/** Files that a target such as "config:gateway" means: named by themselves or by their service. Empty for other targets. */
export function configFilesOf(plan: Plan, target: string): string[] {
  const [kind, who] = target.split(":");
  if (kind !== "config") return [];
  return (plan.stack.configFiles ?? [])
    .filter(({ name, service }) => name === who || service === who)
    .map(({ name }) => name);
}
