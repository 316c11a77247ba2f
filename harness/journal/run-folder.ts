// Opens a run folder for judge and reports: the plan, and the journal as Evidence with every time shifted to plan time. A folder that is
// damaged is still read as far as it goes; what could not be read is listed in `damage`. Without a plan or a header there is no run.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../plan/plan.ts";
import { messageOf, usageError } from "../support/errors.ts";
import { sha256 } from "../support/json.ts";
import { journalFileName } from "./journal-file.ts";
import type { EventOf, JournalEvent } from "./events.ts";
import type { Evidence } from "./evidence.ts";
import { openSampleReader, sampleFileName, type SampleReader } from "./sample-store.ts";

export const planFileName = "plan.json";

export interface OpenRun {
  readonly runDir: string;
  readonly plan: Plan;
  readonly evidence: Evidence;
  close(): void;
}

/** Opens a run folder. Throws a usage error that says what is missing when it is none, or was killed before the run began. */
export function openRun(runDir: string): OpenRun {
  const { plan, planFileHash } = readPlan(runDir);
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

function readPlan(runDir: string): { plan: Plan; planFileHash: string } {
  const file = join(runDir, planFileName);
  const hint = "give the path of a folder under runs/ (`kiln runs` lists them)";
  if (!existsSync(runDir)) throw usageError("run-folder-missing", `${runDir}: no such run folder`, { hint });
  if (!existsSync(file))
    throw usageError("run-folder-no-plan", `${runDir}: not a run folder, ${planFileName} is missing`, {
      hint,
    });
  try {
    const text = readFileSync(file, "utf8");
    const plan = JSON.parse(text) as Plan;
    if (plan?.v !== 1) throw new TypeError(`expected version 1 of the plan format, got ${String(plan?.v)}`);
    return { plan, planFileHash: sha256(text) };
  } catch (error) {
    throw usageError("run-folder-bad-plan", `${file}: not readable as a plan: ${messageOf(error)}`, {
      hint,
      cause: error,
    });
  }
}

function readJournal(runDir: string): { events: JournalEvent[]; unreadableLines: number; damage: string[] } {
  const file = join(runDir, journalFileName);
  if (!existsSync(file)) return { events: [], unreadableLines: 0, damage: [`${journalFileName} is missing`] };
  const text = readFileSync(file, "utf8");
  const lines = text.split("\n");
  // After a kill the last line may be torn; that is expected and loses nothing that was acknowledged.
  const torn = lines.pop();
  const events: JournalEvent[] = [];
  let unreadableLines = 0;
  for (const line of lines) {
    const event = parseLine(line);
    if (event === undefined) unreadableLines++;
    else events.push(event);
  }
  const last = torn === undefined || torn === "" ? undefined : parseLine(torn);
  if (last !== undefined) events.push(last);
  const damage = unreadableLines > 0 ? [`${unreadableLines} lines of ${journalFileName} cannot be read`] : [];
  return { events, unreadableLines, damage: [...damage, ...sequenceDamage(events)] };
}

/** Every line has the next number, so that a line that is gone or doubled shows. */
function sequenceDamage(events: readonly JournalEvent[]): string[] {
  let expected = 1;
  for (const { seq } of events) {
    if (seq !== expected) return [`${journalFileName} goes from line ${expected - 1} to line ${seq}`];
    expected++;
  }
  return [];
}

function parseLine(line: string): JournalEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isEvent =
      typeof value === "object" && value !== null && "type" in value && "seq" in value && "atMs" in value;
    const counted = isEvent && Number.isSafeInteger(value.seq) && Number.isFinite(value.atMs);
    return counted ? (value as JournalEvent) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
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
  damage: readonly string[],
  samples: SampleReader | undefined,
): Evidence {
  const loadStarted = rawEvents.find(
    (event): event is EventOf<"load-started"> => event.type === "load-started",
  );
  const zeroMs = loadStarted?.zeroAtMs ?? rawEvents.at(-1)?.atMs ?? 0;
  const events = rawEvents
    .map((event) => shift(event, zeroMs))
    .toSorted((a, b) => a.atMs - b.atMs || a.seq - b.seq);
  const lastSampleMs = samples?.lastSampleMs() ?? null;
  const lastSecond = samples?.lastSecond() ?? null;
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
    cells: (fromMs, toMs) => samples?.cells(fromMs, toMs) ?? [],
    seconds: (fromMs, toMs) => samples?.seconds(fromMs, toMs) ?? [],
    series: () => samples?.series() ?? [],
    *samples(name, fromMs = -Infinity, toMs = Infinity) {
      if (samples === undefined) return;
      for (const sample of samples.samples(name, fromMs + zeroMs, toMs + zeroMs))
        yield { atMs: sample.atMs - zeroMs, value: sample.value };
    },
  };
}

function shift(event: JournalEvent, zeroMs: number): JournalEvent {
  const atMs = event.atMs - zeroMs;
  return event.type === "process" && event.startedAtMs !== undefined
    ? { ...event, atMs, startedAtMs: event.startedAtMs - zeroMs }
    : { ...event, atMs };
}
