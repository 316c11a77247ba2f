// Is the load itself trustworthy? It flowed, its accounts close to the request, and what is missing is not the harness's doing.
import type { EventOf } from "../journal/events.ts";
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import type { Facts } from "./checker.ts";
import { countOf, finding, measure, someOf } from "./finding.ts";
import type { Finding } from "./verdict.ts";

type Account = EventOf<"segment-ended">;

export function loadFindings(plan: Plan, evidence: Evidence, facts: Facts): Finding[] {
  return [flow(evidence, facts), accounts(plan, evidence, facts), users(plan, evidence)];
}

function flow(evidence: Evidence, facts: Facts): Finding {
  const { planned, completed } = facts.summary;
  const measures = [measure("planned starts", planned, "count"), measure("completed", completed, "count")];
  const silent = facts.load.seconds
    .filter(
      ({ planned, completed, stackDropped, missing }) =>
        planned > 0 && completed === 0 && stackDropped === 0 && missing !== true,
    )
    .map(({ second }) => second);
  const base = { id: "evidence/load", about: "harness" as const, measures, toMs: facts.load.endMs };
  if (!evidence.loadStarted || completed === 0)
    return finding({
      ...base,
      status: "inconclusive",
      title: "No load flowed: nothing about the stack can be told.",
    });
  if (silent.length > 0) {
    const title = `The load stood still: ${countOf(silent.length, "second")} with planned starts have no request.`;
    return finding({
      ...base,
      status: "inconclusive",
      title,
      detail: `Seconds ${someOf(silent.map(String))}.`,
    });
  }
  return finding({
    ...base,
    status: "pass",
    title: `The load flowed: ${countOf(completed, "request")} of ${countOf(planned, "planned start")}.`,
  });
}

/** A segment in which the harness died has an account for each part. */
function problemsOf(index: number, parts: readonly Account[], plan: Plan): string[] {
  const sum = (pick: (account: Account) => number): number =>
    parts.reduce((total, part) => total + pick(part), 0);
  const expected = plan.load.segments.find((segment) => segment.index === index)?.starts;
  const planned = sum((part) => part.planned);
  const interrupted = sum((part) => part.interrupted);
  const found: string[] = [];
  if (expected !== planned) found.push(`planned ${planned} instead of ${expected ?? "none"}`);
  for (const { unaccounted } of parts) if (unaccounted !== 0) found.push(`${unaccounted} unaccounted for`);
  if (interrupted !== 0) found.push(`${interrupted} interrupted`);
  const booked = sum(
    (part) => part.completed + part.dropped + part.interrupted + part.unaccounted + missedOf(part),
  );
  if (planned !== booked) found.push(`${planned} planned but ${booked} in the books`);
  for (const { exitCode, missed } of parts) {
    // One that died with its harness had no time to say anything.
    if (exitCode !== 0 && (exitCode !== null || missed === undefined))
      found.push(exitCode === null ? "k6 was ended by a signal" : `k6 exited with ${exitCode}`);
  }
  return found.map((text) => `segment ${index}: ${text}`);
}

function missedOf({ missed }: Account): number {
  return missed ?? 0;
}

function accounts(plan: Plan, evidence: Evidence, facts: Facts): Finding {
  const ended = evidence.eventsOf("segment-ended");
  const due = plan.load.segments.filter(({ endMs }) => endMs <= facts.load.endMs);
  const bySegment = Map.groupBy(ended, ({ index }) => index);
  // The running segment of a run that goes on may have its first part in the books already.
  const whole = [...bySegment].filter(
    ([index, parts]) =>
      due.some((segment) => segment.index === index) || parts.some(({ missed }) => missed === undefined),
  );
  const missing = due.filter(({ index }) => !bySegment.has(index));
  const problems = [
    ...whole.flatMap(([index, parts]) => problemsOf(index, parts, plan)),
    ...missing.map(({ index }) => `segment ${index}: no accounts`),
  ];
  const counted = facts.load.seconds.filter((second) => second.missing !== true);
  const harnessDropped = counted.reduce((sum, second) => sum + second.harnessDropped, 0);
  const stackDropped = counted.reduce((sum, second) => sum + second.stackDropped, 0);
  if (harnessDropped > 0)
    problems.push(
      `${countOf(harnessDropped, "start")} dropped while users were free or too few: the harness's fault`,
    );
  problems.push(...bookProblems(evidence, facts, ended));
  const missed = ended.reduce((sum, account) => sum + missedOf(account), 0);
  const total = (pick: (account: Account) => number): number =>
    ended.reduce((sum, account) => sum + pick(account), 0);
  const measures = [
    measure("dropped by the harness", harnessDropped, "count", 0),
    measure("dropped while all users waited", stackDropped, "count"),
    measure(
      "unaccounted",
      total(({ unaccounted }) => unaccounted),
      "count",
      0,
    ),
    measure(
      "interrupted",
      total(({ interrupted }) => interrupted),
      "count",
      0,
    ),
    ...(missed === 0 ? [] : [measure("missed by the harness", missed, "count")]),
  ];
  const base = {
    id: "evidence/accounts",
    about: "harness" as const,
    measures,
    events: ended.map(({ seq }) => seq),
  };
  if (problems.length === 0) {
    const but =
      missed === 0 ? "" : `, but for ${missed.toLocaleString("en")} that fell into gaps of the harness`;
    return finding({
      ...base,
      status: "pass",
      title: `The load's accounts close: every planned start has an outcome${but}.`,
    });
  }
  return finding({
    ...base,
    status: "inconclusive",
    title: `The load's accounts do not close: ${someOf(problems)}.`,
  });
}

/** The books of k6's segments against what the samples hold: a difference means that evidence was lost on the way. */
function bookProblems(evidence: Evidence, facts: Facts, ended: readonly Account[]): string[] {
  if (evidence.ended?.outcome !== "completed") return [];
  const found: string[] = [];
  let dropped = 0;
  for (const second of evidence.seconds()) dropped += second.dropped;
  const booked = ended.reduce((sum, { completed }) => sum + completed, 0);
  if (booked !== facts.summary.completed)
    found.push(`${booked} completed in the books but ${facts.summary.completed} in the samples`);
  const bookedDrops = ended.reduce((sum, account) => sum + account.dropped, 0);
  if (bookedDrops !== dropped)
    found.push(`${bookedDrops} dropped in the books but ${dropped} in the samples`);
  return [...found, ...sampleProblems(evidence, facts, ended)];
}

/** The samples must agree with themselves: a row for each second, a latency for each request, the starts of the books. */
function sampleProblems(evidence: Evidence, facts: Facts, ended: readonly Account[]): string[] {
  const rows = new Set<number>();
  let started = 0;
  for (const second of evidence.seconds()) {
    rows.add(second.second);
    started += second.started;
  }
  let untimed = 0;
  for (const cell of evidence.cells()) untimed += Math.abs(cell.count - cell.latency.count);
  const unrecorded = facts.load.seconds.filter(
    ({ second, planned, missing }) => planned > 0 && missing !== true && !rows.has(second),
  ).length;
  const booked = ended.reduce((sum, account) => sum + account.started, 0);
  const found: string[] = [];
  if (unrecorded > 0) found.push(`${countOf(unrecorded, "second")} of load without a record`);
  if (untimed > 0) found.push(`${countOf(untimed, "request")} without a latency`);
  if (unrecorded === 0 && booked !== started)
    found.push(`${booked} started in the books but ${started} in the samples`);
  return found;
}

function users(plan: Plan, evidence: Evidence): Finding {
  const all = [...plan.load.segments, ...evidence.eventsOf("segment-ended")];
  const short = all.filter((segment) => segment.users < segment.usersNeeded);
  const worstOff = short.toSorted((a, b) => a.users / a.usersNeeded - b.users / b.usersNeeded)[0];
  const base = { id: "evidence/users", about: "harness" as const };
  if (worstOff === undefined)
    return finding({
      ...base,
      status: "pass",
      title: "k6 had as many virtual users as a hung target would keep busy.",
    });
  const { index, users: given, usersNeeded } = worstOff;
  return finding({
    ...base,
    status: "inconclusive",
    title: `The load is doubtful, and that is the harness's fault: k6 had ${countOf(given, "virtual user")} in segment ${index}, the plan needs ${usersNeeded}.`,
    measures: [measure("users", given, "count", usersNeeded)],
  });
}
