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
    .filter((facts) => facts.planned > 0 && facts.completed === 0 && facts.stackDropped === 0)
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

function problemsOf(account: Account, plan: Plan): string[] {
  const { index, planned, completed, dropped, interrupted, unaccounted, exitCode } = account;
  const expected = plan.load.segments.find((segment) => segment.index === index)?.starts;
  const found: string[] = [];
  if (expected !== planned) found.push(`planned ${planned} instead of ${expected ?? "none"}`);
  if (unaccounted !== 0) found.push(`${unaccounted} unaccounted for`);
  if (interrupted !== 0) found.push(`${interrupted} interrupted`);
  if (planned !== completed + dropped + interrupted + unaccounted)
    found.push(`${planned} planned but ${completed + dropped + interrupted + unaccounted} in the books`);
  if (exitCode !== 0)
    found.push(exitCode === null ? "k6 was ended by a signal" : `k6 exited with ${exitCode}`);
  return found.map((text) => `segment ${index}: ${text}`);
}

function accounts(plan: Plan, evidence: Evidence, facts: Facts): Finding {
  const ended = evidence.eventsOf("segment-ended");
  const due = plan.load.segments.filter(({ endMs }) => endMs <= facts.load.endMs);
  const missing = due.filter(({ index }) => !ended.some((account) => account.index === index));
  const problems = [
    ...ended.flatMap((account) => problemsOf(account, plan)),
    ...missing.map(({ index }) => `segment ${index}: no accounts`),
  ];
  const harnessDropped = facts.load.seconds.reduce((sum, second) => sum + second.harnessDropped, 0);
  const stackDropped = facts.load.seconds.reduce((sum, second) => sum + second.stackDropped, 0);
  if (harnessDropped > 0)
    problems.push(
      `${countOf(harnessDropped, "start")} dropped while users were free or too few: the harness's fault`,
    );
  problems.push(...bookProblems(evidence, facts, ended, harnessDropped + stackDropped));
  const measures = [
    measure("dropped by the harness", harnessDropped, "count", 0),
    measure("dropped while all users waited", stackDropped, "count"),
    measure(
      "unaccounted",
      ended.reduce((sum, { unaccounted }) => sum + unaccounted, 0),
      "count",
      0,
    ),
    measure(
      "interrupted",
      ended.reduce((sum, { interrupted }) => sum + interrupted, 0),
      "count",
      0,
    ),
  ];
  const base = {
    id: "evidence/accounts",
    about: "harness" as const,
    measures,
    events: ended.map(({ seq }) => seq),
  };
  if (problems.length === 0)
    return finding({
      ...base,
      status: "pass",
      title: "The load's accounts close: every planned start has an outcome.",
    });
  return finding({
    ...base,
    status: "inconclusive",
    title: `The load's accounts do not close: ${someOf(problems)}.`,
  });
}

/** The books of k6's segments against what the samples hold: a difference means that evidence was lost on the way. */
function bookProblems(
  evidence: Evidence,
  facts: Facts,
  ended: readonly Account[],
  dropped: number,
): string[] {
  if (evidence.ended?.outcome !== "completed") return [];
  const found: string[] = [];
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
  const missing = facts.load.seconds.filter(({ second, planned }) => planned > 0 && !rows.has(second)).length;
  const booked = ended.reduce((sum, account) => sum + account.started, 0);
  const found: string[] = [];
  if (missing > 0) found.push(`${countOf(missing, "second")} of load without a record`);
  if (untimed > 0) found.push(`${countOf(untimed, "request")} without a latency`);
  if (missing === 0 && booked !== started)
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
