// Did the watchdog act when it should, as hard as it should, and not when it should not? Its log's truth is watchdog-log.ts.
import type { EventOf } from "../journal/events.ts";
import type { Evidence } from "../journal/evidence.ts";
import type { FaultStep, Plan } from "../plan/plan.ts";
import type { WatchdogSpec } from "../scenario/stack-spec.ts";
import type { Checker, Facts } from "./checker.ts";
import { countOf, finding, measure, seconds } from "./finding.ts";
import { drillAt } from "./drill-records.ts";
import { hardestAllowed } from "./groups.ts";
import { rankOf, targetOf } from "./instants.ts";
import { segmentAt } from "./load-index.ts";
import { harnessGaps, missingMsOf, missingText, missingWithin } from "./missing-evidence.ts";
import { spanAt, type Span } from "./spans.ts";
import type { FaultRecord, Finding, Status } from "./verdict.ts";
import { backoff, givingUp, linesIn, truth, watchTime } from "./watchdog-log.ts";

export const watchdog: Checker = {
  name: "watchdog",
  check(plan, evidence, facts) {
    const spec = plan.stack.watchdog;
    if (spec === undefined) return [];
    if (isUnseen(spec, evidence)) {
      const title =
        "The watchdog cannot be judged: its log is silent, and neither it nor what it supervises was seen as a process.";
      return [finding({ id: "watchdog/seen", about: "harness", status: "inconclusive", title })];
    }
    const reactions = plan.faults.flatMap((step) => reactionFindings(plan, step, facts, evidence));
    const alarms = [...falseAlarms(plan, evidence, facts), ...deaths(plan, spec, evidence, facts)];
    const log = [
      ...truth(plan, spec, evidence, facts),
      ...backoff(plan, spec, evidence, facts),
      ...givingUp(evidence, facts),
    ];
    return [
      ...reactions,
      ...alarms,
      ...(alarms.length === 0 ? [calmPass(evidence, facts)] : []),
      ...log,
      ...(log.length === 0 ? [logPass(evidence)] : []),
    ];
  },
};

function isUnseen(spec: WatchdogSpec, evidence: Evidence): boolean {
  const processes = evidence
    .eventsOf("process")
    .some(({ service }) => service === spec.service || service === spec.supervises);
  return evidence.eventsOf("watchdog").length === 0 && !processes;
}

function reactionFindings(plan: Plan, step: FaultStep, facts: Facts, evidence: Evidence): Finding[] {
  const record = facts.faults.find(({ id }) => id === step.id);
  if (record === undefined || record.confirmed === "not-run") return [];
  const span = facts.spans.find(({ fault }) => fault === step.id);
  const inSpan = linesIn(evidence, watchTime(evidence)).filter(
    ({ atMs }) => span !== undefined && atMs >= span.fromMs && atMs <= span.toMs,
  );
  const events = inSpan.map(({ seq }) => seq);
  const decision = decide(plan, step, record, evidence);
  return [sparing(decision, step, record, facts, inSpan)].map(({ status, text, delayMs }) =>
    finding({
      id: `watchdog/${step.id}`,
      fault: step.id,
      about: record.confirmed === "yes" ? "stack" : "harness",
      status,
      title: `${step.id}: ${text}`,
      measures:
        delayMs === null
          ? []
          : [measure("acted within", delayMs, "ms", step.expect.actWithinMs ?? undefined)],
      events,
      ...(span === undefined ? {} : { fromMs: span.fromMs, toMs: span.toMs }),
    }),
  );
}

interface Decision {
  readonly status: Status;
  readonly text: string;
  /** Longest that acting can have taken, counted from effective. */
  readonly delayMs: number | null;
}

/**
 * With its dependencies behind a Toxiproxy that is gone, or on a machine that stands still, a service may look ill and a watchdog may act for
 * that. A failure stands if it was one before.
 */
function sparing(
  decision: Decision,
  { expect }: FaultStep,
  record: FaultRecord,
  facts: Facts,
  lines: readonly EventOf<"watchdog">[],
): Decision {
  const span = facts.spans.find(({ fault }) => fault === record.id);
  if (decision.status !== "fail" || span === undefined) return decision;
  const tooHard = lines.find(
    ({ line }) => line.event === "action" && rankOf(line.level ?? "soft") > rankOf(expect.recovery.atMost),
  );
  const dueMs = (record.effective?.atMs ?? span.fromMs) + (expect.actWithinMs ?? 0);
  const untilMs = tooHard?.atMs ?? dueMs;
  const missing =
    missingWithin(facts.missing, span.fromMs, untilMs) ??
    (neverActed(record, expect, span, facts)
      ? undefined
      : missingWithin(facts.starved, span.fromMs, untilMs));
  if (missing === undefined) return decision;
  const text = `${decision.text.replace(/\.$/, "")}; but ${missingText(missing)}.`;
  return { ...decision, status: "inconclusive", text };
}

/** Whoever has not acted in as much undisturbed time as was allowed would not have acted on a better machine either. */
function neverActed(
  { acted, effective }: FaultRecord,
  { actWithinMs }: FaultStep["expect"],
  { fromMs, toMs }: Span,
  { starved }: Facts,
): boolean {
  if (acted !== null || actWithinMs === null) return false;
  const beganMs = effective?.atMs ?? fromMs;
  const inSpan = starved.map((one) => ({ fromMs: one.fromMs - beganMs, toMs: one.toMs - beganMs }));
  return toMs - beganMs - missingMsOf(inSpan, toMs - beganMs) >= actWithinMs;
}

function decide(plan: Plan, step: FaultStep, record: FaultRecord, evidence: Evidence): Decision {
  const { recovery, actWithinMs, service } = step.expect;
  const { acted, effective, level } = record;
  const demanded = actWithinMs !== null || recovery.atLeast !== "none";
  const whom = service ?? plan.stack.watchdog?.supervises ?? "the service";
  const delay =
    acted === null || effective === null
      ? null
      : {
          low: acted.atMs - acted.errorMs - effective.atMs,
          high: acted.atMs - (effective.atMs - effective.errorMs),
        };
  const say = (status: Status, text: string): Decision => ({
    status,
    text,
    delayMs: delay === null ? null : Math.max(0, delay.high),
  });
  const atMost = hardestAllowed(plan, step);
  if (rankOf(level) > rankOf(atMost))
    return say("fail", `the watchdog went as far as ${level}, where at most ${atMost} was right.`);
  if (record.confirmed !== "yes" || effective === null)
    return say("inconclusive", "the watchdog cannot be judged: the fault was not confirmed.");
  if (!demanded)
    return say(
      "pass",
      level === "none"
        ? "the watchdog rightly did nothing."
        : `the watchdog reacted as ${level}, which is within its right.`,
    );
  if (acted === null) return missing(step, effective.atMs, whom, evidence, say);
  if (rankOf(level) < rankOf(recovery.atLeast))
    return say(
      "fail",
      `the watchdog only went as far as ${level}, where at least ${recovery.atLeast} was needed.`,
    );
  if (actWithinMs === null || delay === null || delay.high <= actWithinMs)
    return say("pass", `the watchdog acted (${level}) on ${whom} in time.`);
  if (delay.low > actWithinMs)
    return say(
      "fail",
      `the watchdog acted (${level}) on ${whom} only after ${seconds(delay.low)}; ${seconds(actWithinMs)} were allowed.`,
    );
  return say(
    "inconclusive",
    `the watchdog acted (${level}) after ${seconds(Math.max(0, delay.low))} to ${seconds(delay.high)}: the limit ${seconds(actWithinMs)} lies between.`,
  );
}

function missing(
  step: FaultStep,
  effectiveMs: number,
  whom: string,
  evidence: Evidence,
  say: (status: Status, text: string) => Decision,
): Decision {
  const dueMs = effectiveMs + (step.expect.actWithinMs ?? 0);
  if (watchTime(evidence).toMs < dueMs)
    return say("inconclusive", `evidence ends before the watchdog had to act on ${whom}.`);
  const within = step.expect.actWithinMs === null ? "" : ` within ${seconds(step.expect.actWithinMs)}`;
  return say("fail", `the watchdog did not act on ${whom}${within}, though it had to.`);
}

/**
 * Any action outside every fault's span: in calm, or under a load spike, nothing was to be done. While Toxiproxy was gone or the machine stood
 * still, a watchdog may well have had its reasons.
 */
function falseAlarms(plan: Plan, evidence: Evidence, facts: Facts): Finding[] {
  const wrong = linesIn(evidence, watchTime(evidence)).filter(
    ({ atMs, line }) =>
      (line.event === "action" || line.event === "gave-up") &&
      spanAt(facts.spans, atMs) === undefined &&
      missingWithin(facts.missing, atMs) === undefined,
  );
  return wrong.map((event) => {
    const spike = segmentAt(plan, Math.floor(event.atMs / 1_000))?.kind === "spike";
    const what =
      event.line.event === "gave-up"
        ? "gave up"
        : `acted (${event.line.level ?? "no level given"}) on ${targetOf(plan, event) ?? "something"}`;
    const title = `The watchdog ${what} ${spike ? "under a load spike" : "in calm"} at ${seconds(event.atMs)}, outside every fault.`;
    const starved = missingWithin(facts.starved, event.atMs);
    const why = `It gave as its reason: ${event.line.condition ?? "none"}.`;
    const either = "Either it raised a false alarm, or the stack failed by itself.";
    return finding({
      id: `watchdog/calm-${event.seq}`,
      about: "stack",
      status: starved === undefined ? "fail" : "inconclusive",
      title,
      detail: `${why} ${starved === undefined ? either : `Whether that was right cannot be told: ${missingText(starved)}.`}`,
      events: [event.seq],
      fromMs: event.atMs,
      toMs: event.atMs,
    });
  });
}

/** A watchdog, or what it supervises, that ends by itself. */
function deaths(plan: Plan, spec: WatchdogSpec, evidence: Evidence, facts: Facts): Finding[] {
  const time = watchTime(evidence);
  const gone = evidence
    .eventsOf("process")
    .filter(
      ({ service, change, atMs }) =>
        change === "gone" &&
        atMs >= time.fromMs &&
        atMs <= time.toMs &&
        [spec.service, spec.supervises].includes(service),
    );
  const unexplained = gone.filter(({ service, atMs }) => {
    const around = facts.spans.filter(({ fromMs, toMs }) => atMs >= fromMs && atMs <= toMs);
    const targets = around.map(({ fault }) => plan.faults.find(({ id }) => id === fault)?.target);
    // Seen by the harness that came back: it may have ended with the machine.
    if (missingWithin(harnessGaps(facts.missing), atMs) !== undefined) return false;
    // A slot that requests have left is stopped.
    if (service === spec.supervises && replacesProcesses(plan, facts, atMs)) return false;
    // The watchdog must outlive every fault but those on itself.
    return service === spec.service
      ? !targets.includes(`service:${spec.service}`)
      : around.length === 0 && missingWithin(facts.missing, atMs) === undefined;
  });
  return unexplained.map(({ service, atMs, seq }) => {
    // A starved service is taken for a dead one, and ended by whoever looks after it.
    const starved = service === spec.service ? undefined : missingWithin(facts.starved, atMs);
    return finding({
      id: `watchdog/gone-${seq}`,
      about: "stack",
      status: starved === undefined ? "fail" : "inconclusive",
      title: `The process of ${service} ended at ${seconds(atMs)} without a fault that explains it.`,
      ...(starved === undefined ? {} : { detail: `Why cannot be told: ${missingText(starved)}.` }),
      events: [seq],
      fromMs: atMs,
      toMs: atMs,
    });
  });
}

function replacesProcesses(plan: Plan, facts: Facts, atMs: number): boolean {
  const drill = drillAt(facts, atMs);
  return plan.drills?.some(({ id, expect }) => id === drill?.id && expect.restarts) === true;
}

function calmPass(evidence: Evidence, facts: Facts): Finding {
  const { fromMs, toMs } = watchTime(evidence);
  const about = { about: "stack" as const, fromMs, toMs };
  return finding({
    ...about,
    id: "watchdog/calm",
    status: "pass",
    title: `The watchdog did nothing outside the ${countOf(facts.spans.length, "fault")} that ran.`,
  });
}

function logPass(evidence: Evidence): Finding {
  if (evidence.eventsOf("watchdog").length === 0) {
    const title =
      "The watchdog's log is empty: whether it is true, and what the watchdog did short of a restart, cannot be told.";
    return finding({ id: "watchdog/log", about: "harness", status: "inconclusive", title });
  }
  const lines = linesIn(evidence, watchTime(evidence)).length;
  return finding({
    id: "watchdog/log",
    about: "stack",
    status: "pass",
    title: `The watchdog's log agrees with what was seen from outside (${countOf(lines, "line")}).`,
  });
}
