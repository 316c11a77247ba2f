// The rest of the model: what is trending, figures beside their targets, what was never tested, and how the run was made.
import type { EventOf } from "../harness/journal/events.ts";
import type { Evidence } from "../harness/journal/evidence.ts";
import { missingMsOf, missingStretches } from "../harness/judge/missing-evidence.ts";
import type { FaultRecord, Finding, Verdict } from "../harness/judge/verdict.ts";
import type { Plan } from "../harness/plan/plan.ts";
import { formatDuration } from "../harness/support/duration.ts";
import { drillsNeverRun, drillTargets } from "./model-drills.ts";
import type { FaultRow, HowItWasRun, NeverTested, Note, Target, Trend } from "./model-types.ts";
import { formatMs, formatShare, plural } from "./words.ts";

const trendPattern =
  /^(?:process\..+\.(?:rss|fds|threads)|app\..*heap.*|harness\.rss|system\.(?:memory-available|disk-free))$/;

export function buildTrends(plan: Plan, evidence: Evidence): Trend[] {
  const fromMs = plan.warmUpMs;
  const toMs = Math.min(plan.durationMs, evidence.endMs);
  const trends: Trend[] = [];
  for (const { name, unit } of evidence.series()) {
    if (!trendPattern.test(name)) continue;
    const samples = [...evidence.samples(name, fromMs, toMs)];
    const tenth = Math.ceil(samples.length / 10);
    if (samples.length < 10) continue;
    const first = median(samples.slice(0, tenth).map(({ value }) => value));
    const last = median(samples.slice(-tenth).map(({ value }) => value));
    const peak = samples.reduce((high, sample) => (sample.value > high.value ? sample : high));
    trends.push({
      series: name,
      unit,
      first,
      last,
      change: first === 0 ? null : last / first - 1,
      peak: peak.value,
      peakAtMs: peak.atMs,
    });
  }
  return trends;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? 0)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

export interface RecoveryTimes {
  /** Recoveries that were timed, or that are known not to have ended while they were watched. */
  readonly count: number;
  /** NaN without any; infinite where one never ended. Both from the high bounds. */
  readonly meanMs: number;
  readonly worstMs: number;
  /** Recoveries that began, but whose end the evidence does not show. */
  readonly unknown: number;
}

/** A recovery whose finding is inconclusive (nobody saw its end, or the machine stood still) did not "never end": it is not known. */
export function recoveryTimes(
  faults: readonly FaultRecord[],
  findings: readonly Pick<Finding, "id" | "status">[],
): RecoveryTimes {
  const untold = new Set(findings.filter(({ status }) => status === "inconclusive").map(({ id }) => id));
  const open = ({ recovery, id }: FaultRecord): boolean =>
    recovery === "undecided" || (recovery === "censored" && untold.has(`recovery/${id}`));
  const highs = faults
    .filter((fault) => (fault.recovery === "timed" || fault.recovery === "censored") && !open(fault))
    .map(({ recoveryMs }) => recoveryMs?.high ?? Infinity);
  return {
    count: highs.length,
    meanMs: highs.reduce((sum, high) => sum + high, 0) / highs.length,
    worstMs: Math.max(0, ...highs),
    unknown: faults.filter(open).length,
  };
}

function recoveryText(ms: number): string {
  return Number.isFinite(ms) ? formatMs(ms) : "one never ended";
}

/** Figures that are shown beside their targets and do not decide. Those without evidence are left to `buildNeverTested`. */
export function buildTargets(verdict: Verdict): Target[] {
  const { meanMs, p95Ms, completed, failed } = verdict.summary;
  const pageMs = verdict.journeys?.page?.p95Ms ?? null;
  const recoveries = recoveryTimes(verdict.faults, verdict.findings);
  const targets: Target[] = [];
  const under = (
    name: string,
    limit: number,
    measured: number | null,
    text: string,
    limitText: string,
  ): void => {
    if (measured !== null && !Number.isNaN(measured))
      targets.push({ name, target: `under ${limitText}`, measured: text, met: measured < limit });
  };
  under("Mean response time", 200, meanMs, formatMs(meanMs), "200 ms");
  under("Response time, 95th percentile", 200, p95Ms, formatMs(p95Ms), "200 ms");
  under(
    "Failed requests",
    0.001,
    completed > 0 ? failed / completed : null,
    formatErrors(failed, completed),
    "0.1 %",
  );
  under(`${pageFigure}, 95th percentile in calm`, 3_000, pageMs, formatMs(pageMs), "3 s");
  if (recoveries.count > 0) {
    under("Mean time to recover", 15 * 60_000, recoveries.meanMs, recoveryText(recoveries.meanMs), "15 min");
    under(
      "Longest automated recovery",
      5 * 60_000,
      recoveries.worstMs,
      recoveryText(recoveries.worstMs),
      "5 min",
    );
  }
  return [...targets, ...drillTargets(verdict)];
}

function formatErrors(failed: number, completed: number): string {
  // Rounded up: an error rate must not look smaller than it is.
  return completed === 0 ? "–" : `${(Math.ceil((failed / completed) * 100_000) / 1_000).toString()} %`;
}

const pageFigure = "Page load time";
const unmeasured = [
  ["Database query time (target: mean under 50 ms)", "no query is timed in this version"],
  ["Alert response (target: under 5 min)", "alerts are not judged in this version"],
] as const;

export function buildNeverTested(plan: Plan, verdict: Verdict, faults: readonly FaultRow[]): NeverTested[] {
  const list: NeverTested[] = [];
  for (const { record, skipped } of faults) {
    if (skipped !== null)
      list.push({ what: `Fault ${record.id} on ${record.target}`, why: `not run: ${skipped}` });
    else if (record.confirmed === "no")
      list.push({
        what: `Fault ${record.id} on ${record.target}`,
        why: `injected, but never seen to bite: ${record.saw}`,
      });
  }
  if (plan.faults.length === 0) list.push({ what: "Behaviour under faults", why: "the plan holds no fault" });
  const { objectives } = plan;
  const unset: readonly (readonly [string, unknown])[] = [
    ["Availability over the whole run", objectives.availability],
    ["Availability outside fault windows", objectives.calmAvailability],
    ["Latency (95th percentile in calm)", objectives.p95Ms],
    ["Recovery time", objectives.recoveryMs],
    ["Memory drift", objectives.memoryDrift],
    ["Configuration integrity", objectives.configCorruptions],
    ["Completeness of monitoring", objectives.completeMonitoring],
  ];
  for (const [what, value] of unset)
    if (value === undefined || value === false) list.push({ what, why: whyUnset(what, plan) });
  for (const choice of plan.notDrawn ?? [])
    list.push({ what: `Fault ${choice}`, why: "the chaos windows have no room for it" });
  if (plan.stack.watchdog === undefined) list.push({ what: "Watchdog", why: "the stack describes none" });
  if (plan.load.segments.every(({ kind }) => kind === "steady"))
    list.push({ what: "Load spikes", why: "the plan holds none" });
  const hours48 = 48 * 3_600_000;
  if (verdict.summary.loadMs < hours48)
    list.push({
      what: "Endurance of 48 h",
      why: `this run had ${formatDuration(Math.round(verdict.summary.loadMs / 1_000) * 1_000)} of load`,
    });
  for (const [what, why] of unmeasured) list.push({ what, why });
  list.push(...drillsNeverRun(plan, verdict));
  if ((verdict.journeys?.page ?? null) === null)
    list.push({ what: `${pageFigure} (target: under 3 s)`, why: whyNoPage(plan, verdict) });
  return list;
}

function whyNoPage({ journeys }: Plan, verdict: Verdict): string {
  if (journeys === undefined) return "the scenario sends no browser to the stack";
  return verdict.journeys?.why ?? "no browser loaded the page in calm";
}

function whyUnset(what: string, { condensed }: Plan): string {
  const drift = condensed !== undefined && what === "Memory drift";
  return drift ? "drift takes hours, and the run was condensed" : "the scenario sets no objective";
}

const noteLimit = 100;

export function buildHow(plan: Plan, verdict: Verdict, evidence: Evidence): HowItWasRun {
  const { header } = evidence;
  const notes = [...readNotes(evidence)];
  const pairs = (record: Readonly<Record<string, string | number>>): { name: string; value: string }[] =>
    Object.entries(record).map(([name, value]) => ({ name, value: String(value) }));
  return {
    command: `npx kiln run ${shellWord(plan.condensed?.of ?? plan.scenario)} --seed ${shellWord(plan.seed)}${plan.condensed === undefined ? "" : " --condense"}`,
    startedWall: header.wallStart,
    commandLine: header.commandLine.join(" "),
    tools: pairs(header.tools),
    machine: pairs(header.machine),
    preflight: evidence.eventsOf("preflight").flatMap(({ checks }) => checks),
    outcome: outcomeText(verdict, evidence),
    notes: notes.slice(0, noteLimit),
    notesLeftOut: Math.max(0, notes.length - noteLimit),
  };
}

function shellWord(text: string): string {
  return /^[\w.,:/@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function outcomeText(verdict: Verdict, evidence: Evidence): string {
  const { ended } = evidence;
  if (ended === null) {
    const how = verdict.partial
      ? "no end is recorded: still going, or its harness died"
      : "no end is recorded";
    return `${how}${attemptsText(evidence)}`;
  }
  const reason = ended.reason === undefined ? "" : `: ${ended.reason}`;
  return `${ended.outcome}${reason}, availability ${formatShare(verdict.summary.availability)}${attemptsText(evidence)}`;
}

/** How many harnesses it took, where it took more than one. */
function attemptsText(evidence: Evidence): string {
  const resumed = evidence.eventsOf("resumed");
  if (resumed.length === 0) return "";
  const byHand = resumed.filter(({ by }) => by === "user").length;
  const lostMs = missingMsOf(missingStretches(evidence), Infinity);
  const how =
    byHand === 0 ? "by its reaper" : byHand === resumed.length ? "by hand" : `${byHand} times by hand`;
  return `; its harness died and the run was resumed ${how} (${plural(resumed.length + 1, "attempt")}), ${formatMs(lostMs)} of it without evidence`;
}

function sleptText(suspendedMs: number | undefined): string {
  return suspendedMs === undefined ? "" : `: the machine was suspended for ${formatMs(suspendedMs)}`;
}

/** With the time from there until the last fault was out of the stack. */
function stoppingText({ reason, atMs }: EventOf<"stopping">, evidence: Evidence): string {
  const healed = evidence.eventsOf("fault").filter((event) => event.state === "healed" && event.atMs >= atMs);
  const last = healed.at(-1);
  const after =
    last === undefined ? "no fault was in force" : `all faults healed ${formatMs(last.atMs - atMs)} later`;
  return `stopping: ${reason}; ${after}`;
}

function* readNotes(evidence: Evidence): Generator<Note> {
  for (const event of evidence.events()) {
    const { atMs } = event;
    if (event.type === "note" && event.level !== "info")
      yield { atMs, text: `${event.level}: ${event.text}` };
    else if (event.type === "resumed")
      yield {
        atMs,
        text: `resumed ${event.by === "reaper" ? "by the reaper" : "by hand"}, number ${event.attempt}${event.bootChanged ? `, after a restart of the machine (clock uncertain by ${formatMs(event.uncertaintyMs)})` : ""}: no evidence for ${formatMs(event.gapToMs - event.gapFromMs)}`,
      };
    else if (event.type === "gap") yield { atMs, text: `gap of ${formatMs(event.lengthMs)}: ${event.what}` };
    else if (event.type === "rescued")
      yield { atMs, text: `${event.service} was rescued by Kiln after ${event.fault}` };
    else if (event.type === "revived")
      yield { atMs, text: `${event.service} was started again by its driver after ${event.fault}` };
    else if (event.type === "control-plane") yield { atMs, text: `control plane: ${event.what}` };
    else if (event.type === "stopping") yield { atMs, text: stoppingText(event, evidence) };
    else if (event.type === "interrupted") yield { atMs, text: `interrupted by ${event.signal}` };
    else if (event.type === "clock" && event.stepMs !== undefined)
      yield {
        atMs,
        text: `the wall clock jumped by ${formatMs(event.stepMs)}${sleptText(event.suspendedMs)}`,
      };
    else if (event.type === "clock" && event.suspendedMs !== undefined)
      yield { atMs, text: `the machine was suspended for ${formatMs(event.suspendedMs)}` };
    else if (event.type === "fault" && event.error !== undefined)
      yield { atMs, text: `${event.id} ${event.state}: ${event.error}` };
  }
}
