// Progress while a run goes on. In a terminal one live block; in CI, or where the output is no terminal, plain lines at a steady pace and
// one for each important event. It starts no timer: whoever runs calls `update`, about once a second.
import { createLogUpdate } from "log-update";
import type { Clock } from "../harness/support/clock.ts";
import { renderBlock, renderLine, type ProgressEvent, type ProgressState } from "./progress-block.ts";
import { formatOffset } from "../harness/support/duration.ts";
import { oneLine } from "../harness/support/plain-text.ts";

export type { ProgressEvent, ProgressState } from "./progress-block.ts";

/** What progress needs of a stream; standard output and a test's collector both are one. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  readonly stream: ProgressStream;
  readonly clock: Pick<Clock, "nowMs">;
  /** CI, NO_COLOR and TERM are read from here; nothing else. Default: empty. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Progress {
  update(state: ProgressState): void;
  /** Leaves the last block standing. Nothing may follow. */
  close(): void;
}

const shortRunMs = 600_000;
const blockEveryMs = 100;

export function createProgress({ stream, clock, env = {} }: ProgressOptions): Progress {
  const live = stream.isTTY === true && !isSet(env["CI"]) && env["TERM"] !== "dumb";
  return live ? liveProgress(stream, clock, !isSet(env["NO_COLOR"])) : lineProgress(stream, clock);
}

/** no-color.org: present and not empty. The same rule serves CI, where "false" is no. */
function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "false";
}

function liveProgress(stream: ProgressStream, clock: Pick<Clock, "nowMs">, colour: boolean): Progress {
  // log-update reads columns, rows and isTTY and calls write: that is all it needs of a stream.
  const show = createLogUpdate(stream as NodeJS.WriteStream, { showCursor: true });
  let drawnAtMs = -Infinity;
  let waiting: ProgressState | undefined;
  const draw = (state: ProgressState): void => {
    drawnAtMs = clock.nowMs();
    waiting = undefined;
    show(renderBlock(state, (stream.columns ?? 80) - 1, colour).join("\n"));
  };
  return {
    update(state) {
      if (clock.nowMs() - drawnAtMs >= blockEveryMs) draw(state);
      else waiting = state;
    },
    close() {
      if (waiting !== undefined) draw(waiting);
      show.done();
    },
  };
}

function lineProgress(stream: ProgressStream, clock: Pick<Clock, "nowMs">): Progress {
  let lastSeq = -Infinity;
  let lastLine = "";
  // The first steady line comes after one period: at the start the events say it all.
  let lastAtMs = clock.nowMs();
  const say = (line: string): unknown => stream.write(`${line}\n`);
  const fresh = (events: readonly ProgressEvent[]): ProgressEvent[] => {
    const unseen = events.filter(({ seq }) => seq > lastSeq);
    lastSeq = Math.max(lastSeq, ...unseen.map(({ seq }) => seq));
    return unseen.filter(({ important }) => important);
  };
  return {
    update(state) {
      for (const { atMs, text } of fresh(state.events)) say(`${formatOffset(atMs)}  ${oneLine(text)}`);
      const everyMs = state.durationMs < shortRunMs ? 10_000 : 60_000;
      const line = renderLine(state);
      if (clock.nowMs() - lastAtMs < everyMs || line === lastLine) return;
      lastLine = line;
      lastAtMs = clock.nowMs();
      say(line);
    },
    close() {},
  };
}
