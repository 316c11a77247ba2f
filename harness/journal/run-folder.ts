// Opens a run folder for judge and reports: the plan, and the journal as Evidence with every time shifted to plan time. A folder that is
// damaged is still read as far as it goes; what could not be read is listed in `damage`. Without a plan or a header there is no run.
import { join } from "node:path";
import type { Plan } from "../plan/plan.ts";
import { messageOf, usageError } from "../support/errors.ts";
import { journalFileName, readJournal } from "./journal-reader.ts";
import type { EventOf, JournalEvent } from "./events.ts";
import type { Evidence, Sample } from "./evidence.ts";
import { planFileName, readPlanFile } from "./plan-file.ts";
import { openSampleReader, sampleFileName, type SampleReader } from "./sample-store.ts";

export interface OpenRun {
  readonly runDir: string;
  readonly plan: Plan;
  readonly evidence: Evidence;
  close(): void;
}

/** Opens a run folder. Throws a usage error that says what is missing when it is none, or was killed before the run began. */
export function openRun(runDir: string): OpenRun {
  const { plan, planFileHash } = readPlanFile(runDir);
  const { events, unreadableLines, damage } = readJournal(runDir);
  const header = events.find((event): event is EventOf<"run-started"> => event.type === "run-started");
  if (header === undefined) {
    const hint =
      "the run ended before it began, or the journal was cut off at its start; choose another run (`kiln runs`)";
    throw usageError(
      "run-folder-no-header",
      `${join(runDir, journalFileName)}: no readable run-started event`,
      { hint },
    );
  }
  if (header.planFileHash !== undefined && header.planFileHash !== planFileHash)
    damage.push(`${planFileName} is not the plan that was run: it was changed afterwards`);
  const samples = openSamples(runDir, damage);
  const evidence = buildEvidence(header, events, unreadableLines, damage, samples);
  return { runDir, plan, evidence, close: () => samples?.close() };
}

function openSamples(runDir: string, damage: string[]): SampleReader | undefined {
  try {
    return openSampleReader(runDir);
  } catch (error) {
    damage.push(`${sampleFileName} cannot be read: ${messageOf(error)}`);
    return undefined;
  }
}

function buildEvidence(
  header: EventOf<"run-started">,
  rawEvents: readonly JournalEvent[],
  unreadableLines: number,
  damage: string[],
  samples: SampleReader | undefined,
): Evidence {
  const loadStarted = rawEvents.find(
    (event): event is EventOf<"load-started"> => event.type === "load-started",
  );
  const zeroMs = loadStarted?.zeroAtMs ?? rawEvents.at(-1)?.atMs ?? 0;
  const events = rawEvents
    .map((event) => shift(event, zeroMs))
    .toSorted((a, b) => a.atMs - b.atMs || a.seq - b.seq);
  const [lastSampleMs = null] = asFarAsItGoes(() => [samples?.lastSampleMs() ?? null], damage);
  const [lastSecond = null] = asFarAsItGoes(() => [samples?.lastSecond() ?? null], damage);
  const endMs = Math.max(
    events.at(-1)?.atMs ?? 0,
    lastSampleMs === null ? -Infinity : lastSampleMs - zeroMs,
    lastSecond === null ? -Infinity : (lastSecond + 1) * 1_000,
  );
  const ended = events.findLast((event): event is EventOf<"run-ended"> => event.type === "run-ended") ?? null;
  return {
    header,
    loadStarted: loadStarted !== undefined,
    endMs,
    ended,
    unreadableLines,
    damage,
    events: () => events,
    eventsOf: <T extends JournalEvent["type"]>(type: T) =>
      events.filter((event): event is EventOf<T> => event.type === type),
    cells: (fromMs, toMs) => asFarAsItGoes(() => samples?.cells(fromMs, toMs) ?? [], damage),
    seconds: (fromMs, toMs) => asFarAsItGoes(() => samples?.seconds(fromMs, toMs) ?? [], damage),
    series: () => [...asFarAsItGoes(() => samples?.series() ?? [], damage)],
    *samples(name, fromMs = -Infinity, toMs = Infinity) {
      const rows = (): Iterable<Sample> => samples?.samples(name, fromMs + zeroMs, toMs + zeroMs) ?? [];
      for (const { atMs, value } of asFarAsItGoes(rows, damage)) yield { atMs: atMs - zeroMs, value };
    },
  };
}

/** Rows of a database that may break off in the middle: they end there, and the damage is noted once. */
function* asFarAsItGoes<T>(rows: () => Iterable<T>, damage: string[]): Generator<T, void> {
  try {
    yield* rows();
  } catch (error) {
    const text = `${sampleFileName} cannot be read to its end: ${messageOf(error)}`;
    if (!damage.includes(text)) damage.push(text);
  }
}

function shift(event: JournalEvent, zeroMs: number): JournalEvent {
  const atMs = event.atMs - zeroMs;
  if (event.type === "process" && event.startedAtMs !== undefined)
    return { ...event, atMs, startedAtMs: event.startedAtMs - zeroMs };
  if (event.type === "control-plane" && event.fromMs !== undefined)
    return { ...event, atMs, fromMs: event.fromMs - zeroMs };
  if (event.type === "resumed")
    return { ...event, atMs, gapFromMs: event.gapFromMs - zeroMs, gapToMs: event.gapToMs - zeroMs };
  return { ...event, atMs };
}
