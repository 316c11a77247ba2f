// Are the numbers whole, and was the machine fit to take them?
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import { absencesOf, gapsIn, lastingServices } from "./absences.ts";
import type { Facts } from "./checker.ts";
import { countOf, finding, measure, percent, seconds, someOf } from "./finding.ts";
import { latenessLimitMs } from "./load-index.ts";
import { harnessGaps, missingMsOf } from "./missing-evidence.ts";
import type { Finding } from "./verdict.ts";

/** Series at one sample a second: a longer silence is a gap. */
const longestSilenceMs = 3_000;

export function sampleFindings(plan: Plan, evidence: Evidence, facts: Facts): Finding[] {
  return [
    processSamples(plan, evidence, facts),
    ...declaredGaps(evidence),
    ...suspends(evidence),
    preflight(plan, evidence),
    journal(evidence),
    lateness(facts),
    ...machineTime(plan, facts),
  ];
}

function processSamples(plan: Plan, evidence: Evidence, facts: Facts): Finding {
  // A gap of the harness is declared, and judged where it is (evidence-missing.ts).
  const declared = harnessGaps(facts.missing);
  const range = { fromMs: 0, toMs: Math.min(plan.durationMs, evidence.endMs) };
  const services = lastingServices(plan.stack);
  const names = services.map(({ name }) => `process.${name}.rss`);
  const problems: string[] = [];
  for (const { name } of services) {
    const times = [...evidence.samples(`process.${name}.rss`, range.fromMs, range.toMs)].map(
      ({ atMs }) => atMs,
    );
    const excused = [...absencesOf(evidence, name, evidence.endMs), ...declared];
    const gaps = gapsIn(times, range, longestSilenceMs, excused);
    const longest = gaps.toSorted((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs))[0];
    if (times.length === 0) problems.push(`${name} was never sampled`);
    else if (longest !== undefined)
      problems.push(
        `${name} has ${countOf(gaps.length, "gap")}, the longest ${seconds(longest.toMs - longest.fromMs)} from ${seconds(longest.fromMs)}`,
      );
  }
  const base = { id: "evidence/samples", about: "harness" as const, series: names, toMs: range.toMs };
  if (problems.length === 0)
    return finding({
      ...base,
      status: "pass",
      title: "Samples of every service's process are without gaps.",
    });
  return finding({ ...base, status: "inconclusive", title: `Samples have gaps: ${someOf(problems)}.` });
}

function declaredGaps(evidence: Evidence): Finding[] {
  const gaps = evidence
    .eventsOf("gap")
    .filter(({ atMs, lengthMs }) => atMs >= 0 && lengthMs > longestSilenceMs);
  if (gaps.length === 0) return [];
  const title = `Observation was interrupted: ${someOf(gaps.map(({ what, lengthMs }) => `${what} for ${seconds(lengthMs)}`))}.`;
  return [
    finding({
      id: "evidence/gaps",
      about: "harness",
      status: "inconclusive",
      title,
      events: gaps.map(({ seq }) => seq),
    }),
  ];
}

/** Everything on this machine slept and no load was missed, but clocks on the wall went on, and with them whatever waits by them. */
function suspends(evidence: Evidence): Finding[] {
  const found = evidence
    .eventsOf("clock")
    .filter(({ atMs, suspendedMs = 0 }) => atMs >= 0 && suspendedMs > 0);
  const sleptMs = found.reduce((sum, { suspendedMs = 0 }) => sum + suspendedMs, 0);
  if (sleptMs <= longestSilenceMs) return [];
  const title = `The machine was suspended for ${seconds(sleptMs)}: how the stack woke from that is no burn-in.`;
  const events = found.map(({ seq }) => seq);
  return [finding({ id: "evidence/suspend", about: "harness", status: "inconclusive", title, events })];
}

function preflight(plan: Plan, evidence: Evidence): Finding {
  const looks = evidence.eventsOf("preflight");
  const base = { id: "evidence/preflight", about: "harness" as const, events: looks.map(({ seq }) => seq) };
  const checks = looks.flatMap((look) => look.checks);
  const failed = checks.filter(({ ok }) => !ok);
  const measures = checks.map(({ name, measured, unit, limit, atLeast }) =>
    atLeast === true ? measure(name, measured, unit) : measure(name, measured, unit, limit),
  );
  if (failed.length > 0) {
    return finding({
      ...base,
      status: "inconclusive",
      title: `The machine was not fit to measure on: ${someOf(failed.map(({ text }) => text))}.`,
      measures,
    });
  }
  if (checks.length === 0 && plan.preflightMs > 0) {
    return finding({
      ...base,
      status: "inconclusive",
      title: "Whether the machine was fit to measure on is unknown: the preflight left no result.",
    });
  }
  return finding({
    ...base,
    status: "pass",
    title: "The machine was fit to measure on before the load began.",
    measures,
  });
}

function journal(evidence: Evidence): Finding {
  const { unreadableLines } = evidence;
  const base = {
    id: "evidence/journal",
    about: "harness" as const,
    measures: [measure("unreadable lines", unreadableLines, "count", 0)],
  };
  const damage = evidence.damage ?? [];
  if (unreadableLines === 0 && damage.length === 0)
    return finding({ ...base, status: "pass", title: "Every part of the run folder can be read." });
  const what =
    damage.length > 0 ? someOf(damage) : `${countOf(unreadableLines, "line")} of the journal cannot be read`;
  return finding({ ...base, status: "inconclusive", title: `Evidence is lost: ${what}.` });
}

/** Reported only: what follows from late starts is the latency checker's to say. */
function lateness(facts: Facts): Finding {
  const known = facts.load.seconds.flatMap(({ latenessP99Ms }) =>
    latenessP99Ms === null ? [] : [latenessP99Ms],
  );
  const late = known.filter((ms) => ms > latenessLimitMs).length;
  const share = known.length === 0 ? 0 : late / known.length;
  const p99 = facts.summary.latenessP99Ms;
  return finding({
    id: "evidence/lateness",
    about: "harness",
    status: known.length === 0 ? "inconclusive" : "pass",
    title:
      known.length === 0
        ? "Nothing is known of how punctually the load started."
        : `The generator was punctual (p99 within ${latenessLimitMs} ms) in ${percent(1 - share)} of seconds; the stack is not failed on the others.`,
    measures: [
      measure("late seconds", share, "ratio"),
      ...(p99 === null ? [] : [measure("start lateness p99", p99, "ms", latenessLimitMs)]),
    ],
  });
}

/** Reported only, and only where there is something to report: what is excused by it says so itself. */
function machineTime(plan: Plan, { starved }: Facts): Finding[] {
  const within = starved.filter(({ fromMs, toMs }) => fromMs < plan.durationMs && toMs > 0);
  const [first] = within;
  if (first === undefined) return [];
  const starvedMs = missingMsOf(within, plan.durationMs);
  const latestMs = Math.max(...within.map((stretch) => stretch.latestMs));
  const share = starvedMs / plan.durationMs;
  return [
    finding({
      id: "evidence/machine",
      about: "harness",
      status: "pass",
      title: `The machine starved the run at times: no failure in ${seconds(starvedMs)} (${percent(share)}) is held against the stack.`,
      detail:
        "A hypervisor stole time, other programs used a machine that was full, or timers of the harness, which needs next to none, woke late.",
      measures: [
        measure("stretches", within.length, "count"),
        measure("starved, with its aftermath", starvedMs, "ms"),
        measure("timers late by at most", latestMs, "ms"),
        measure("stolen at most", Math.max(...within.map(({ stolen }) => stolen)), "ratio"),
        measure("used by other programs at most", Math.max(...within.map(({ foreign }) => foreign)), "ratio"),
      ],
      series: ["harness.event-loop-delay-max", "system.cpu", "system.foreign-cpu", "system.steal"],
      fromMs: first.fromMs,
      toMs: within.at(-1)?.toMs ?? first.toMs,
    }),
  ];
}
