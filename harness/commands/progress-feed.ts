// Turns what a run says (journal events, the load's last second) into the state that progress shows.
import { formatDuration } from "../support/duration.ts";
import type { Progress, ProgressEvent, ProgressState } from "../../reports/progress.ts";
import type { JournalEvent, JourneyRecord, Phase } from "../journal/events.ts";
import type { Plan } from "../plan/plan.ts";
import type { RunRequest } from "../run/run-request.ts";

export interface ProgressFeed {
  readonly listeners: Pick<RunRequest, "onEvent" | "onPulse" | "onFolder">;
  /** Once the folder exists. */
  runDir(): string | undefined;
  /** What happened before anybody looked, and how many requests had failed by then: taken in without showing it step by step. */
  replay(events: readonly JournalEvent[], failedSoFar: number): void;
}

const keptEvents = 20;

export function createProgressFeed(plan: Plan, progress: Progress): ProgressFeed {
  const events: ProgressEvent[] = [];
  const inForce = new Set<string>();
  let folder: string | undefined;
  let phase: Phase = "bring-up";
  let zeroAtMs = 0;
  let failed = 0;
  let lastSecond = -1;
  let load: Pick<ProgressState, "atMs" | "plannedRps" | "deliveredRps" | "p95Ms"> = {
    atMs: null,
    plannedRps: null,
    deliveredRps: null,
    p95Ms: null,
  };
  const title = `${plan.scenario}, seed ${plan.seed}, ${formatDuration(plan.durationMs)}`;

  const show = (): void =>
    progress.update({
      title,
      phase,
      durationMs: plan.durationMs,
      failed,
      faults: [...inForce],
      events,
      ...load,
    });

  const takeIn = (event: JournalEvent): boolean => {
    if (event.type === "phase" && event.state === "begin") phase = event.phase;
    if (event.type === "load-started") zeroAtMs = event.zeroAtMs;
    if (event.type === "fault") {
      if (event.state === "active") inForce.add(event.id);
      if (event.state === "healed") inForce.delete(event.id);
    }
    const told = describeEvent(event, plan);
    if (told === undefined) return false;
    events.push({ seq: event.seq, atMs: event.atMs - zeroAtMs, ...told });
    if (events.length > keptEvents) events.shift();
    return true;
  };
  const onEvent = (event: JournalEvent): void => {
    if (takeIn(event)) show();
  };

  const onPulse: RunRequest["onPulse"] = (live, planMs) => {
    if (live !== null) {
      if (live.second > lastSecond) failed += live.failedLastSecond;
      lastSecond = live.second;
      const p95Ms = Number.isNaN(live.p95Ms) ? null : live.p95Ms;
      load = { atMs: planMs, plannedRps: live.plannedRps, deliveredRps: live.startedLastSecond, p95Ms };
    }
    show();
  };

  return {
    runDir: () => folder,
    replay(past, failedSoFar) {
      for (const event of past) takeIn(event);
      failed = failedSoFar;
    },
    listeners: { onEvent, onPulse, onFolder: (runDir) => void (folder = runDir) },
  };
}

/** What people want to hear of an event; undefined for the many that they do not. */
export function describeEvent(
  event: JournalEvent,
  plan: Plan,
): { text: string; important: boolean } | undefined {
  switch (event.type) {
    case "run-started":
      return { text: `run ${event.runId}, plan ${event.planHash.slice(0, 12)}`, important: true };
    case "phase":
      return event.state === "begin" ? { text: phaseText(event.phase), important: true } : undefined;
    case "preflight":
      return {
        text: event.checks.map(({ ok, text }) => `${ok ? "" : "NOT OK: "}${text}`).join("; "),
        important: true,
      };
    case "fault":
      return faultText(event, plan);
    case "fault-confirmed":
      return {
        text: `${event.id} ${event.confirmation.effective ? "confirmed" : "NOT confirmed"}: ${event.confirmation.saw}`,
        important: true,
      };
    case "fault-skipped":
      return { text: `${event.id} skipped: ${event.reason}`, important: true };
    case "watchdog": {
      const { event: what, condition, level, detail } = event.line;
      return {
        text: ["watchdog:", what, condition, level, detail].filter(Boolean).join(" "),
        important: what === "action" || what === "gave-up" || what === "operator-called",
      };
    }
    case "rescued":
      return {
        text: `${event.service} was not mended in time: rescued by Kiln (${event.fault})`,
        important: true,
      };
    case "revived":
      return { text: `${event.service} was started again by its driver (${event.fault})`, important: true };
    case "resumed": {
      const gap = formatDuration(Math.round(event.gapToMs - event.gapFromMs));
      const how = event.bootChanged ? "after a restart of the machine" : "after its harness had died";
      return { text: `resumed (number ${event.attempt}) ${how}: ${gap} without evidence`, important: true };
    }
    case "journey":
      return event.outcome === "ok"
        ? undefined
        : { text: `journey ${event.number} ${journeyText(event)}`, important: event.outcome === "failed" };
    case "gap":
      return { text: `${event.what} for ${formatDuration(Math.round(event.lengthMs))}`, important: true };
    case "stopping":
      return { text: `stopping, all faults are being healed: ${event.reason}`, important: true };
    case "clock":
      return event.suspendedMs === undefined
        ? undefined
        : {
            text: `the machine was suspended for ${formatDuration(Math.round(event.suspendedMs))}`,
            important: true,
          };
    case "control-plane":
      return { text: event.what, important: true };
    case "note":
      return event.level === "info" ? undefined : { text: `${event.level}: ${event.text}`, important: true };
    default:
      return undefined;
  }
}

function journeyText({ outcome, failedAt, error }: JourneyRecord): string {
  const what = outcome === "failed" ? `failed at "${failedAt ?? "?"}"` : "was not made";
  return `${what}: ${error ?? "no reason given"}`;
}

function phaseText(phase: Phase): string {
  const words: Record<Phase, string> = {
    "bring-up": "bringing the stack up",
    preflight: "preflight",
    load: "load begins",
    settle: "load ended, settling",
    teardown: "taking the stack down",
  };
  return words[phase];
}

function faultText(
  event: Extract<JournalEvent, { type: "fault" }>,
  plan: Plan,
): { text: string; important: boolean } | undefined {
  const step = plan.faults.find(({ id }) => id === event.id);
  const isDrill = plan.drills?.some(({ id }) => id === event.id) === true;
  if (event.state === "active")
    return {
      text: isDrill ? `${event.id} carried out` : `${event.id} injected into ${step?.target ?? "?"}`,
      important: true,
    };
  if (event.state === "healed")
    return {
      text: `${event.id} ${isDrill ? "undone" : step?.kind === "momentary" ? "over" : "healed"}${event.by === undefined ? "" : ` by ${event.by === "reaper" ? "the reaper" : "hand"}`}`,
      important: true,
    };
  if (event.state === "broken")
    return { text: `${event.id} BROKEN: ${event.error ?? "no reason given"}`, important: true };
  return undefined;
}
