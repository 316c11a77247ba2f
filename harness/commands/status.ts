// `kiln status [run]`: one screen about a run, also one that is still going: where it is, what is in force, who works on it, what can be said
// so far. Only looks; nothing in the run folder is changed.
import { formatCount, formatMs } from "../../reports/words.ts";
import { eventsIn } from "../journal/journal-reader.ts";
import { type SeenLoad, watchLoad } from "../journal/live-load.ts";
import { openRun, type OpenRun } from "../journal/run-folder.ts";
import type { LoadTotals } from "../journal/sample-store.ts";
import { judge } from "../judge/judge.ts";
import { plannedBefore } from "../load/grid.ts";
import type { Plan } from "../plan/plan.ts";
import { mostResumes } from "../run/after-death.ts";
import { axisOf } from "../run/axis.ts";
import { isLive, runState, type RunState } from "../run/run-state.ts";
import { monotonicMs, systemClock } from "../support/clock.ts";
import { formatDuration, formatOffset } from "../support/duration.ts";
import { exitCode, type ExitCode } from "../support/errors.ts";
import { bootId } from "../support/process-identity.ts";
import { findRunOrCurrent } from "./find-run.ts";
import { describeEvent } from "./progress-feed.ts";
import { say } from "./say.ts";
import { deadText } from "./watch.ts";

const shownEvents = 8;

export function statusCommand(text: string | undefined): ExitCode {
  const runDir = findRunOrCurrent(text);
  const run = openRun(runDir);
  const load = watchLoad(runDir);
  try {
    say(screen(run, runState(runDir), load.look(), load.totals()).join("\n"));
    return exitCode.pass;
  } finally {
    load.close();
    run.close();
  }
}

function screen(run: OpenRun, state: RunState, seen: SeenLoad | null, totals: LoadTotals): string[] {
  const { plan } = run;
  const nowMs = planTime(state, plan);
  const last = state.events
    .flatMap((event) => {
      const told = describeEvent(event, plan);
      return told === undefined ? [] : [`  ${formatOffset(event.atMs - zeroAtMs(state))}  ${told.text}`];
    })
    .slice(-shownEvents);
  return [
    `run ${state.runId}: ${plan.scenario}, seed ${plan.seed}, ${formatDuration(plan.durationMs)}, plan ${plan.hash.slice(0, 12)}`,
    `phase    ${phaseText(state, plan, nowMs)}`,
    `load     ${loadText(plan, seen, totals, nowMs, state)}`,
    `faults   ${faultsText(plan, state)}`,
    `harness  ${workersText(state)}`,
    `verdict  ${verdictText(run, state)}`,
    ...(isLive(state) || state.ended !== undefined ? [] : [deadText(state)]),
    "last events",
    ...last,
  ];
}

function zeroAtMs({ events }: RunState): number {
  return eventsIn(events, "load-started")[0]?.zeroAtMs ?? 0;
}

/** Of now while somebody works on it, else of the last event; null before the load. */
function planTime(state: RunState, plan: Plan): number | null {
  const { events } = state;
  if (eventsIn(events, "load-started").length === 0) return null;
  const now = { bootId: bootId(), monotonicMs: monotonicMs(), wallMs: systemClock.wallMs() };
  const axis = axisOf(events, now);
  const lastMs = events.reduce((last, { atMs }) => Math.max(last, atMs), 0);
  const goesOn = state.ended === undefined && isLive(state) && axis !== undefined;
  const atMs = goesOn ? now.monotonicMs - axis.zeroMonotonicMs : lastMs;
  return Math.min(plan.durationMs, Math.max(0, atMs - zeroAtMs(state)));
}

function phaseText({ ended, events, stopping }: RunState, plan: Plan, nowMs: number | null): string {
  if (ended !== undefined)
    return `ended: ${ended.outcome}${ended.reason === undefined ? "" : ` (${ended.reason})`}`;
  const phase = eventsIn(events, "phase").findLast(({ state }) => state === "begin")?.phase ?? "bring-up";
  const whole = (ms: number): string => formatDuration(Math.round(ms / 1_000) * 1_000);
  const at =
    nowMs === null
      ? ""
      : `, ${whole(nowMs)} of ${whole(plan.durationMs)}, ${whole(plan.durationMs - nowMs)} left`;
  return `${phase}${at}${stopping === undefined ? "" : `, stopping: ${stopping}`}`;
}

function loadText(
  plan: Plan,
  seen: SeenLoad | null,
  totals: LoadTotals,
  nowMs: number | null,
  state: RunState,
): string {
  if (nowMs === null || seen === null) return "none yet";
  const due = plan.load.segments.reduce((sum, segment) => sum + plannedBefore(segment, nowMs), 0);
  const p95 = formatMs(Number.isNaN(seen.p95Ms) ? null : seen.p95Ms);
  const now = isLive(state)
    ? `, ${formatCount(seen.startedLastSecond)} of ${formatCount(seen.plannedRps)} requests/s, p95 ${p95}`
    : "";
  return `${formatCount(totals.completed)} of ${formatCount(due)} planned requests so far, ${formatCount(totals.failed)} failed${now}`;
}

function faultsText(plan: Plan, { events }: RunState): string {
  const states = new Map(eventsIn(events, "fault").map(({ id, state }) => [id, state]));
  const skipped = new Set(eventsIn(events, "fault-skipped").map(({ id }) => id));
  const inForce = [...states]
    .filter(([, state]) => state !== "healed")
    .map(([id, state]) => `${id} (${state})`);
  const over = [...states.values()].filter((state) => state === "healed").length;
  const { length: drills } = plan.drills ?? [];
  const planned = plan.faults.length + drills;
  const left = planned - states.size - skipped.size;
  const counts = `${over} over, ${skipped.size} skipped, ${Math.max(0, left)} to come`;
  const which = drills === 0 ? "planned" : `planned, ${drills} of them drills,`;
  return `${inForce.length === 0 ? "none in force" : `in force: ${inForce.join(", ")}`}; of ${planned} ${which} ${counts}`;
}

function workersText({
  opened,
  harnessLives,
  reapers,
  mode,
  resumes,
  resumesByReaper,
  ended,
}: RunState): string {
  const how = harnessLives ? "lives" : ended === undefined ? "is dead" : "has ended";
  const harness = opened === undefined ? "never began" : `process ${opened.harness.pid} ${how}`;
  const reaper = reapers.length === 0 ? "no reaper" : `reaper ${reapers.map((one) => one.pid).join(", ")}`;
  const times = resumes === 1 ? "once" : `${resumes} times`;
  const itself = `${resumesByReaper} of at most ${mostResumes} by itself`;
  return `${harness}, ${reaper}; ${mode}${resumes === 0 ? "" : `; resumed ${times}, ${itself}`}`;
}

function verdictText(run: OpenRun, state: RunState): string {
  const { status, because } = judge(run.plan, run.evidence);
  return `${state.ended === undefined ? "so far " : ""}${status}: ${because}`;
}
