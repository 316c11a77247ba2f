// Journal events of whole stories: a fault's life, a gateway killed and restarted, a reading of a configuration file.
import type { JournalBody } from "../../journal/events.ts";

export type TimedBody = { readonly atMs: number } & JournalBody;

export const gatewayIdentity = { pid: 100, startTicks: 1, bootId: "b" };

export function configReading(
  atMs: number,
  changes: Partial<Extract<JournalBody, { type: "config" }>> = {},
): TimedBody {
  return {
    atMs,
    type: "config",
    file: "settings",
    fileHash: "f1",
    fileValid: true,
    served: { version: 1, valuesHash: "v1", checksumMatches: true },
    sincePreviousMs: 500,
    ...changes,
  };
}

export interface KillStory {
  readonly id?: string;
  readonly atMs?: number;
  readonly effective?: boolean;
  /** When the watchdog acted; null: never. */
  readonly actedMs?: number | null;
  readonly level?: "soft" | "medium" | "hard" | "emergency";
  /** When the new process started; null: never. */
  readonly backMs?: number | null;
}

/** A gateway killed, noticed and restarted: what the journal holds of it. */
export function killEvents({
  id = "f01-kill",
  atMs = 40_000,
  effective = true,
  actedMs = 40_300,
  level = "hard",
  backMs = 40_500,
}: KillStory = {}): TimedBody[] {
  const line = { type: "watchdog", wallTime: "2026-01-01T00:01:00.000Z" } as const;
  return [
    ...faultEvents(id, { atMs, effective, healedMs: (backMs ?? atMs) + 3_000 }),
    { atMs: atMs + 200, type: "process", service: "gateway", change: "gone", identity: gatewayIdentity },
    ...(actedMs === null
      ? []
      : ([
          {
            ...line,
            atMs: actedMs - 100,
            line: { event: "detected", target: "gateway", condition: "process-gone" },
          },
          {
            ...line,
            atMs: actedMs,
            line: {
              event: "action",
              target: "gateway",
              condition: "process-gone",
              level,
              attempt: 1,
              backoffMs: 0,
            },
          },
        ] satisfies TimedBody[])),
    ...(backMs === null
      ? []
      : ([
          {
            atMs: backMs + 700,
            type: "process",
            service: "gateway",
            change: "appeared",
            identity: { ...gatewayIdentity, pid: 101 },
            startedAtMs: backMs,
          },
        ] satisfies TimedBody[])),
  ];
}

export interface FaultStory {
  readonly atMs: number;
  readonly effective?: boolean;
  readonly healedMs?: number | null;
  readonly magnitude?: { readonly asked: number; readonly measured: number; readonly unit: string };
}

/** The life of one fault in the journal: 20 ms to inject, confirmed after 50 ms, 20 ms to heal. */
export function faultEvents(
  id: string,
  { atMs, effective = true, healedMs = null, magnitude }: FaultStory,
): TimedBody[] {
  const confirmation = {
    effective,
    saw: effective ? "it bites" : "the old process still serves",
    ...(magnitude === undefined ? {} : { magnitude }),
  };
  return [
    { atMs, type: "fault", id, state: "injecting" },
    { atMs: atMs + 20, type: "fault", id, state: "active" },
    { atMs: atMs + 50, type: "fault-confirmed", id, confirmation },
    ...(healedMs === null
      ? []
      : ([
          { atMs: healedMs - 20, type: "fault", id, state: "healing" },
          { atMs: healedMs, type: "fault", id, state: "healed" },
        ] satisfies TimedBody[])),
  ];
}
