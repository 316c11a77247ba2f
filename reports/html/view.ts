// What the template sees: every text already in words, every choice already made, nothing missing (the template is strict). Text only:
// the template escapes all of it.
import type { Finding, Status } from "../../harness/judge/verdict.ts";
import { formatDuration, formatOffset } from "../../harness/support/duration.ts";
import type { FaultRow, ReportModel, WatchdogEntry } from "../model-types.ts";
import { faultWord, keyNumbers, recoveryText } from "../phrases.ts";
import {
  formatBytes,
  formatChange,
  formatCount,
  formatMs,
  formatRange,
  formatValue,
  glue,
  plural,
  shapes,
  statusWords,
} from "../words.ts";
import { drillsView } from "./drills-view.ts";
import { drawStrip, spanOf } from "./fault-strip.ts";
import { journeysView } from "./journeys-view.ts";

export type View = ReturnType<typeof buildView>;

function emptyText(model: ReportModel): string {
  if (model.findings.length === 0) return "There is no finding: nothing was judged.";
  if (model.status === "pass") return "No check failed and none was left without an answer.";
  return "No check failed, but the evidence is not enough for a pass; the reason stands above.";
}

export function buildView(model: ReportModel) {
  const findings = model.findings.map(findingView);
  const bad = findings.filter(({ status }) => status !== "pass");
  const passed = findings.filter(({ status }) => status === "pass");
  return {
    ...statusView(model.status),
    headline: model.headline,
    because: glue(model.because),
    emptyText: emptyText(model),
    partial: model.partial,
    scenario: model.scenario,
    description: model.description,
    seed: model.seed,
    runId: model.runId,
    duration: formatDuration(model.durationMs),
    started: wallText(model.how.startedWall),
    generated: wallText(model.generatedAt),
    numbers: keyNumbers(model),
    bad,
    passed,
    passedText: `${plural(passed.length, "check")} passed`,
    resolution:
      model.axis.widestMs <= 1_000
        ? "Each point is one second."
        : `Each point stands for up to ${formatDuration(model.axis.widestMs)}, with the lowest and highest value in it; stretches around faults and findings are finer.`,
    charts: model.charts.map(({ id, title, unit, scale, sentence }) => ({
      id,
      title,
      sentence: glue(sentence),
      unit: `${unitWords[unit] ?? unit}${scale === "log" ? ", log scale" : ""}`,
    })),
    ...faultsView(model),
    ...drillsView(model.drills),
    ...trendsView(model),
    journeys: model.journeys === null ? null : journeysView(model.journeys),
    neverTested: model.neverTested,
    how: howView(model),
    planHash: model.planHash,
    accounts: accountsView(model),
  };
}

const unitWords: Readonly<Record<string, string>> = {
  "1/s": "requests/s",
  bytes: "MiB",
  ratio: "% of one core",
};

function statusView(status: Status) {
  return { status, word: statusWords[status], shape: shapes[status] };
}

function wallText(iso: string): string {
  const time = new Date(iso);
  return Number.isNaN(time.getTime()) ? iso : `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

function findingView(finding: Finding) {
  const { fromMs, toMs, events, series } = finding.evidence;
  const cited = [...series];
  if (events.length > 0)
    cited.push(
      `journal ${events.length === 1 ? "event" : "events"} ${events.slice(0, 12).join(", ")}${events.length > 12 ? ` and ${events.length - 12} more` : ""}`,
    );
  return {
    ...statusView(finding.status),
    id: finding.id,
    checker: finding.checker,
    title: glue(finding.title),
    detail: glue(finding.detail ?? ""),
    harness: finding.about === "harness",
    fault: finding.fault ?? "",
    measures: finding.measures.map(({ name, value, unit, limit }) => ({
      name,
      value: formatValue(value, unit),
      limit: limit === undefined ? "" : `limit ${formatValue(limit, unit)}`,
    })),
    cited: cited.join("; "),
    ranged: fromMs !== undefined,
    fromMs: fromMs ?? 0,
    toMs: toMs ?? fromMs ?? 0,
    range:
      fromMs === undefined
        ? ""
        : toMs === undefined || toMs === fromMs
          ? formatOffset(fromMs)
          : formatRange(fromMs, toMs),
  };
}

/** Up to this many faults stand open; of more, only those that did not go well. */
const openFaults = 24;

function faultsView(model: ReportModel) {
  const spans = model.faults.map(({ record }) => spanOf(record)).filter((span) => span > 0);
  const longest = Math.max(1_000, ...spans);
  const middle = spans.toSorted((a, b) => a - b)[Math.floor(spans.length / 2)] ?? longest;
  // One scale lets faults be compared; where one lasts far longer than the rest it would squeeze the others to nothing.
  const shared = longest <= 6 * middle;
  const faults = model.faults.map((row) => faultView(row, shared ? longest : spanOf(row.record)));
  const folded = faults.length > openFaults;
  const faultsRest = folded ? faults.filter(({ status }) => status === "pass") : [];
  return {
    faultsFirst: folded ? faults.filter(({ status }) => status !== "pass") : faults,
    faultsRest,
    faultsRestText: `${plural(faultsRest.length, "fault")} that went well`,
    scaleText: shared
      ? `All on one scale of ${formatMs(longest)}.`
      : "Each has a scale of its own, written at its end.",
    faultText: model.faults.length === 0 ? "" : faultSentence(model),
  };
}

function faultSentence({ faults, recoveryLimitMs }: ReportModel): string {
  const count = (keep: (row: FaultRow) => boolean): number => faults.filter(keep).length;
  const notRun = count(({ skipped }) => skipped !== null);
  const unconfirmed = count(({ record, skipped }) => skipped === null && record.confirmed === "no");
  const parts = [
    `${plural(faults.length, "fault")} planned, ${formatCount(faults.length - notRun - unconfirmed)} injected and confirmed`,
  ];
  if (unconfirmed > 0) parts.push(`${formatCount(unconfirmed)} not confirmed`);
  if (notRun > 0) parts.push(`${formatCount(notRun)} not run`);
  const limit =
    recoveryLimitMs === null
      ? "No limit is set for recovery."
      : `A recovery may take ${formatMs(recoveryLimitMs)}.`;
  return `${parts.join(", ")}. ${limit}`;
}

function faultView(row: FaultRow, scaleMs: number) {
  const { record } = row;
  const worst = row.findings[0]?.status;
  const status: Status = worst ?? (record.confirmed === "yes" ? "pass" : "inconclusive");
  const { magnitude } = record;
  const strip = drawStrip(record, Math.max(1_000, scaleMs));
  const fromMs = record.injected?.atMs ?? record.plannedMs;
  return {
    ...statusView(status),
    id: record.id,
    kind: record.kind,
    target: record.target,
    asked: magnitude === null ? row.asked : formatValue(magnitude.asked, magnitude.unit),
    measured: magnitude === null ? "" : formatValue(magnitude.measured, magnitude.unit),
    sized: magnitude !== null,
    saw: glue(record.saw),
    state: faultWord(row),
    skipped: row.skipped ?? "",
    at: formatOffset(fromMs),
    fromMs: fromMs - 3_000,
    toMs: (record.recovered ?? record.healed ?? { atMs: fromMs + 10_000 }).atMs + 5_000,
    hasStrip: strip !== null,
    strip: strip ?? {
      marks: [],
      harm: { x: 0, width: 0 },
      mending: { x: 0, width: 0 },
      harmClass: "unproven",
      ends: "",
      label: "",
      missing: "",
    },
    recovery: glue(recoveryText(record)),
    note: record.note,
    episodes: record.episodes > 1 ? `in ${record.episodes} spells` : "",
    level: record.level === "none" ? "watchdog did not act" : `watchdog: ${record.level}`,
    failed: formatCount(record.failedRequests),
    unavailable: formatMs(record.unavailableMs),
    watchdog: row.watchdog.map((line) => ({
      at: formatOffset(line.atMs, true),
      event: line.event,
      text: watchdogText(line),
    })),
    watchdogLeftOut:
      row.watchdogLeftOut > 0 ? `${plural(row.watchdogLeftOut, "more line")} in the run folder` : "",
    watchdogText: plural(row.watchdog.length + row.watchdogLeftOut, "line"),
  };
}

function watchdogText({ target, condition, level, attempt, backoffMs, pid, detail }: WatchdogEntry): string {
  const words = [target, condition, level];
  if (attempt !== undefined) words.push(`attempt ${attempt}`);
  if (backoffMs !== undefined && backoffMs > 0) words.push(`after ${formatMs(backoffMs)}`);
  if (pid !== undefined) words.push(`pid ${pid}`);
  words.push(detail);
  return words.filter((word) => word !== undefined && word !== "").join(", ");
}

function trendsView(model: ReportModel) {
  return {
    trends: model.trends.map((trend) => ({
      series: trend.series,
      first: formatValue(trend.first, trend.unit),
      last: formatValue(trend.last, trend.unit),
      change: trend.change === null ? "–" : formatChange(trend.change),
      peak: formatValue(trend.peak, trend.unit),
      peakAt: formatOffset(trend.peakAtMs),
    })),
    targets: model.targets.map((target) => ({
      ...target,
      word: target.met ? "met" : "missed",
      shape: target.met ? shapes.pass : shapes.fail,
      status: target.met ? "pass" : "fail",
    })),
  };
}

function accountsView(model: ReportModel) {
  return model.accounts.map((segment) => ({
    index: segment.index,
    planned: formatCount(segment.planned),
    completed: formatCount(segment.completed),
    dropped: formatCount(segment.dropped),
    interrupted: formatCount(segment.interrupted),
    unaccounted: formatCount(segment.unaccounted),
    users: `${segment.users} of ${segment.usersNeeded}`,
    cpu: formatMs(segment.cpuMs),
    rss: formatBytes(segment.peakRssBytes),
    exit: segment.exitCode === null ? "signal" : String(segment.exitCode),
  }));
}

function howView(model: ReportModel) {
  return {
    ...model.how,
    startedWall: wallText(model.how.startedWall),
    notes: model.how.notes.map(({ atMs, text }) => ({ at: formatOffset(atMs), text })),
    preflight: model.how.preflight.map((check) => ({
      ...check,
      word: check.ok ? "ok" : "not ok",
      measured: formatValue(check.measured, check.unit),
      limit: `${check.atLeast === true ? "at least" : "at most"} ${formatValue(check.limit, check.unit)}`,
    })),
  };
}
