// k6's CSV stream, read as bytes. Of some fifteen lines a request only those of the contract (contract.ts) and dropped starts are
// decoded; the rest is skipped at its line end. Limits: a line break inside a quoted field is taken for a line end, which k6 cannot
// produce while its system tags are off and routes have plain names (scenarios/load/kiln.ts).
import { outcomes, type Outcome } from "../journal/evidence.ts";
import { loadMetric } from "./contract.ts";

/** One line that matters. `wallMs` is k6's stamp in milliseconds since the Unix epoch, with a fraction: the instant of `add()`. */
export type LoadRow =
  | { readonly kind: "start"; readonly wallMs: number; readonly iteration: number }
  | {
      readonly kind: "request";
      readonly wallMs: number;
      readonly iteration: number;
      /** Milliseconds from start to judged answer; the stamp is its end. */
      readonly lengthMs: number;
      readonly route: string;
      readonly priority: string;
      readonly essential: boolean;
      readonly outcome: Outcome;
    }
  | { readonly kind: "dropped"; readonly wallMs: number; readonly count: number };

export interface CsvReader {
  push(chunk: Uint8Array): void;
  /** A last line without its end is torn (k6 was killed) and is dropped. */
  end(): void;
  /** Lines of the contract that could not be read; more than none means a script that breaks the contract. */
  readonly malformed: number;
}

interface Columns {
  readonly name: number;
  readonly stamp: number;
  readonly value: number;
  readonly tags: number;
  readonly metadata: number;
}

const lineEnd = 0x0a;
const kilnPrefix = Buffer.from("kiln_");
const droppedPrefix = Buffer.from(loadMetric.dropped);

/** Calls `onRow` for each row in the stream's order, whatever the chunks' boundaries. */
export function createCsvReader(onRow: (row: LoadRow) => void): CsvReader {
  let rest: Buffer | undefined;
  let columns: Columns | undefined;
  let malformed = 0;
  const stampMs = createStampParser();

  const onLine = (bytes: Buffer, from: number, to: number): void => {
    if (columns === undefined) {
      columns = readHeader(bytes.toString("utf8", from, to));
      return;
    }
    if (!matters(bytes, from, to)) return;
    const row = readRow(splitLine(bytes.toString("utf8", from, to)), columns, stampMs);
    if (row === undefined) malformed += 1;
    else onRow(row);
  };

  const push = (chunk: Uint8Array): void => {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    if (rest !== undefined) {
      const end = bytes.indexOf(lineEnd);
      const line = Buffer.concat([rest, end < 0 ? bytes : bytes.subarray(0, end)]);
      if (end < 0) {
        rest = line;
        return;
      }
      rest = undefined;
      onLine(line, 0, line.length);
      from = end + 1;
    }
    for (let end = bytes.indexOf(lineEnd, from); end >= 0; end = bytes.indexOf(lineEnd, from)) {
      onLine(bytes, from, end);
      from = end + 1;
    }
    // A copy: the caller may reuse its buffer.
    if (from < bytes.length) rest = Buffer.from(bytes.subarray(from));
  };

  return {
    push,
    end: () => {
      rest = undefined;
    },
    get malformed() {
      return malformed;
    },
  };
}

/** Whether a line is of the contract, by its first bytes: "kiln_" or "dropped_iterations". */
function matters(bytes: Buffer, from: number, to: number): boolean {
  const prefix = bytes[from] === kilnPrefix[0] ? kilnPrefix : droppedPrefix;
  if (to - from < prefix.length) return false;
  for (let at = 0; at < prefix.length; at++) if (bytes[from + at] !== prefix[at]) return false;
  return true;
}

function readHeader(line: string): Columns {
  const names = line.trimEnd().split(",");
  const column = (name: string): number => {
    const at = names.indexOf(name);
    if (at < 0) throw new RangeError(`k6's CSV has no column ${name}: ${line.slice(0, 200)}`);
    return at;
  };
  return {
    name: column("metric_name"),
    stamp: column("timestamp"),
    value: column("metric_value"),
    tags: column("extra_tags"),
    metadata: column("metadata"),
  };
}

/** Fields of one CSV line (RFC 4180). */
function splitLine(line: string): string[] {
  if (!line.includes('"')) return line.split(",");
  const fields: string[] = [];
  for (const [, quoted, plain] of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)) {
    fields.push(quoted === undefined ? (plain ?? "") : quoted.replaceAll('""', '"'));
  }
  return fields;
}

function readRow(
  fields: readonly string[],
  columns: Columns,
  stampMs: (text: string) => number,
): LoadRow | undefined {
  const name = fields[columns.name];
  const wallMs = stampMs(fields[columns.stamp] ?? "");
  const value = Number(fields[columns.value]);
  if (!Number.isFinite(wallMs) || !Number.isFinite(value)) return undefined;
  if (name === loadMetric.dropped) return { kind: "dropped", wallMs, count: value };
  const iteration = Number(pairOf(fields[columns.metadata] ?? "", "i") ?? Number.NaN);
  if (!Number.isInteger(iteration)) return undefined;
  if (name === loadMetric.start) return { kind: "start", wallMs, iteration };
  if (name !== loadMetric.request) return undefined;
  const tags = fields[columns.tags] ?? "";
  const route = pairOf(tags, "route");
  const priority = pairOf(tags, "priority");
  const essential = pairOf(tags, "essential");
  const outcome = outcomes.find((known) => known === pairOf(tags, "outcome"));
  if (route === undefined || priority === undefined || outcome === undefined) return undefined;
  if (essential !== "0" && essential !== "1") return undefined;
  return {
    kind: "request",
    wallMs,
    iteration,
    lengthMs: value,
    route,
    priority,
    essential: essential === "1",
    outcome,
  };
}

/** Value of a key in "a=1&b=2"; the order is not fixed (k6 walks a map). */
function pairOf(pairs: string, key: string): string | undefined {
  for (const pair of pairs.split("&")) {
    if (pair.startsWith(key) && pair[key.length] === "=") return pair.slice(key.length + 1);
  }
  return undefined;
}

/** RFC 3339 with up to nine decimals to milliseconds since the epoch (NaN when it is none). The date is parsed once a second. */
function createStampParser(): (text: string) => number {
  const secondLength = "2026-01-01T00:00:00".length;
  let knownSecond = "";
  let knownZone = "";
  let knownMs = Number.NaN;
  return (text) => {
    let at = secondLength;
    if (text[at] === ".") for (at += 1; isDigit(text, at);) at += 1;
    const second = text.slice(0, secondLength);
    const zone = text.slice(at);
    if (second !== knownSecond || zone !== knownZone) {
      knownMs = Date.parse(second + zone);
      knownSecond = second;
      knownZone = zone;
    }
    return at === secondLength ? knownMs : knownMs + Number(`0${text.slice(secondLength, at)}`) * 1_000;
  };
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}
