// Reads journal.ndjson as it lies on the disk: every whole line, in the file's order, on the journal's own axis. What cannot be read is
// counted, never thrown: the file may be of a dead writer, of a damaged disk, or still be written to.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../support/errors.ts";
import type { EventOf, JournalEvent, JournalType } from "./events.ts";

export const journalFileName = "journal.ndjson";

export interface JournalText {
  readonly events: JournalEvent[];
  readonly unreadableLines: number;
  /** What is wrong with the file, in words. */
  readonly damage: string[];
}

export function readJournal(runDir: string): JournalText {
  const file = join(runDir, journalFileName);
  if (!existsSync(file)) return { events: [], unreadableLines: 0, damage: [`${journalFileName} is missing`] };
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const damage = [`${journalFileName} cannot be read: ${messageOf(error)}`];
    return { events: [], unreadableLines: 0, damage };
  }
  const lines = text.split("\n");
  // After a kill the last line may be torn; that is expected and loses nothing that was acknowledged.
  const torn = lines.pop();
  const events: JournalEvent[] = [];
  let unreadableLines = 0;
  for (const line of lines) {
    const event = parseEvent(line);
    if (event === undefined) unreadableLines++;
    else events.push(event);
  }
  const last = torn === undefined || torn === "" ? undefined : parseEvent(torn);
  if (last !== undefined) events.push(last);
  const damage = unreadableLines > 0 ? [`${unreadableLines} lines of ${journalFileName} cannot be read`] : [];
  return { events, unreadableLines, damage: [...damage, ...sequenceDamage(events)] };
}

/** The events of one type among those of a file, in its order. */
export function eventsIn<T extends JournalType>(events: readonly JournalEvent[], type: T): EventOf<T>[] {
  return events.filter((event): event is EventOf<T> => event.type === type);
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

/** One line as an event; undefined when it is none. */
export function parseEvent(line: string): JournalEvent | undefined {
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
