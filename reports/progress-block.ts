// The live block of a run, as lines of text. Pure: state and width in, lines out; it draws something sensible however small the terminal.
import { styleText } from "node:util";
import type { Phase } from "../harness/journal/events.ts";
import { formatDuration, formatOffset } from "../harness/support/duration.ts";
import { oneLine as clean } from "../harness/support/plain-text.ts";
import { formatCount, formatMs } from "./words.ts";

/** One thing that happened, in words. `seq` rises; a progress never shows one twice. */
export interface ProgressEvent {
  readonly seq: number;
  /** Plan time. */
  readonly atMs: number;
  readonly text: string;
  /** Worth a line of its own where lines are scarce: a phase or a fault began or ended. */
  readonly important: boolean;
}

export interface ProgressState {
  readonly title: string;
  readonly phase: Phase;
  /** Plan time; negative before the load. Null while it is not known when the load will start. */
  readonly atMs: number | null;
  readonly durationMs: number;
  /** Over the last second; null before the load. */
  readonly plannedRps: number | null;
  readonly deliveredRps: number | null;
  /** Over the last ten seconds; null where there is none. */
  readonly p95Ms: number | null;
  /** Essential requests that failed so far. */
  readonly failed: number;
  /** Ids of the faults in force. */
  readonly faults: readonly string[];
  /** The latest events, oldest first. */
  readonly events: readonly ProgressEvent[];
}

const shownEvents = 3;
const phaseWords: Readonly<Record<Phase, string>> = {
  "bring-up": "bringing the stack up",
  preflight: "preflight: is the machine quiet enough?",
  load: "load",
  settle: "settling",
  teardown: "taking the stack down",
};

/** Lines of at most `width` characters, without a final line feed. `colour` is for terminals only. */
export function renderBlock(state: ProgressState, width: number, colour = false): string[] {
  const room = Math.max(1, Math.floor(Number.isFinite(width) ? width : 80));
  const faint = (text: string): string => (colour ? styleText("dim", text, { validateStream: false }) : text);
  const lines = [cut(`${state.title}: ${phaseWords[state.phase]}`, room)];
  if (state.phase === "load") lines.push(bar(state, room), cut(numbers(state), room));
  const fault = state.faults.length > 0 ? `fault in force: ${state.faults.join(", ")}` : "";
  if (fault !== "")
    lines.push(colour ? styleText("yellow", cut(fault, room), { validateStream: false }) : cut(fault, room));
  for (const { atMs, text } of state.events.slice(-shownEvents))
    lines.push(faint(cut(`${formatOffset(atMs)}  ${text}`, room)));
  return lines;
}

/** Everything in one line, for logs. */
export function renderLine(state: ProgressState): string {
  const faults = state.faults.length > 0 ? `, fault in force: ${state.faults.join(", ")}` : "";
  if (state.phase !== "load") return clean(`${phaseWords[state.phase]}${faults}`);
  return clean(
    `${formatOffset(state.atMs ?? 0)} of ${formatOffset(state.durationMs)}, ${numbers(state)}${faults}`,
  );
}

function numbers({ plannedRps, deliveredRps, p95Ms, failed }: ProgressState): string {
  const rate =
    plannedRps === null || deliveredRps === null
      ? "no load yet"
      : `${formatCount(deliveredRps)} of ${formatCount(plannedRps)} requests/s`;
  return `${rate}, p95 ${formatMs(p95Ms)}, ${formatCount(failed)} failed`;
}

function bar({ atMs, durationMs }: ProgressState, room: number): string {
  const doneMs = Math.min(Math.max(0, atMs ?? 0), durationMs);
  const share = durationMs > 0 ? doneMs / durationMs : 0;
  const left = ` ${Math.floor(share * 100)} %, ${formatDuration(Math.ceil((durationMs - doneMs) / 1_000) * 1_000)} left`;
  const cells = Math.min(40, room - left.length - 2);
  if (cells < 5) return cut(left.trim(), room);
  const full = Math.floor(share * cells);
  return `[${"#".repeat(full)}${"-".repeat(cells - full)}]${left}`;
}

function cut(text: string, room: number): string {
  const characters = Array.from(clean(text));
  return characters.length <= room ? characters.join("") : `${characters.slice(0, room - 1).join("")}…`;
}
