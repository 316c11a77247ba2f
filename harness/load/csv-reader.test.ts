import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createCsvReader, type LoadRow } from "./csv-reader.ts";

const header = "metric_name,timestamp,metric_value,extra_tags,metadata";
const stream = [
  header,
  "vus,2026-11-21T03:34:05.5Z,163.000000,,",
  "kiln_start,2026-11-21T03:34:06.213539692Z,1.000000,,i=0",
  "http_req_duration,2026-11-21T03:34:06.220134994Z,4.077105,,i=0",
  "kiln_request,2026-11-21T03:34:06.220274163Z,6.675562,outcome=ok&essential=1&route=create&priority=high,i=0",
  "data_sent,2026-11-21T03:34:06.220296465Z,248.000000,,i=0",
  "dropped_iterations,2026-11-21T03:34:06.9Z,1.000000,scenario=load,",
  "kiln_start,2026-11-21T03:34:07Z,1.000000,,i=17",
  "iterations,2026-11-21T03:34:07Z,1.000000,,i=0",
  "kiln_request,2026-11-21T03:34:07.25Z,250.000000,priority=low&route=enrich&essential=0&outcome=degraded,i=17",
  "",
].join("\n");

const second6 = Date.parse("2026-11-21T03:34:06Z");
const rows: LoadRow[] = [
  { kind: "start", wallMs: second6 + 213.539692, iteration: 0 },
  {
    kind: "request",
    wallMs: second6 + 220.274163,
    iteration: 0,
    lengthMs: 6.675562,
    route: "create",
    priority: "high",
    essential: true,
    outcome: "ok",
  },
  { kind: "dropped", wallMs: second6 + 900, count: 1 },
  { kind: "start", wallMs: second6 + 1_000, iteration: 17 },
  {
    kind: "request",
    wallMs: second6 + 1_250,
    iteration: 17,
    lengthMs: 250,
    route: "enrich",
    priority: "low",
    essential: false,
    outcome: "degraded",
  },
];

function read(chunks: readonly Uint8Array[]): { rows: LoadRow[]; malformed: number } {
  const found: LoadRow[] = [];
  const reader = createCsvReader((row) => found.push(row));
  for (const chunk of chunks) {
    // k6's pipe hands over buffers that are used again.
    const reused = Uint8Array.from(chunk);
    reader.push(reused);
    reused.fill(0);
  }
  reader.end();
  return { rows: found, malformed: reader.malformed };
}

function cut(text: string, at: readonly number[]): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const marks = [0, ...at.map((mark) => mark % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return marks.slice(1).map((to, n) => bytes.subarray(marks[n], to));
}

describe("k6's CSV", () => {
  test("yields starts, requests and drops with their stamps to a microsecond", () => {
    const found = read(cut(stream, []));
    expect(found.malformed).toBe(0);
    expect(found.rows).toHaveLength(rows.length);
    for (const [n, row] of rows.entries()) {
      const { wallMs, ...rest } = found.rows[n]!;
      expect(Math.abs(wallMs - row.wallMs)).toBeLessThan(0.001);
      expect({ ...rest, wallMs: row.wallMs }).toEqual(row);
    }
  });

  test("reads the same rows whatever the chunks", () => {
    const whole = read(cut(stream, [])).rows;
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 60 }), (at) => {
        expect(read(cut(stream, at)).rows).toEqual(whole);
      }),
    );
    expect(
      read(
        cut(
          stream,
          Array.from({ length: stream.length }, (_, at) => at),
        ),
      ).rows,
    ).toEqual(whole);
  });

  test("takes the columns from the header and understands quotes and time zones", () => {
    const text = [
      "metric_name,timestamp,metric_value,error,extra_tags,metadata",
      'kiln_request,2026-11-21T04:34:06.5+01:00,1.5,"a ""quoted"", error",outcome=failed&essential=1&route=read&priority=high,i=3',
      "",
    ].join("\n");
    expect(read(cut(text, [])).rows).toEqual([
      {
        kind: "request",
        wallMs: second6 + 500,
        iteration: 3,
        lengthMs: 1.5,
        route: "read",
        priority: "high",
        essential: true,
        outcome: "failed",
      },
    ]);
  });

  test.each([
    "kiln_start,yesterday,1,,i=0",
    "kiln_start,2026-11-21T03:34:06Z,1,,",
    "kiln_request,2026-11-21T03:34:06Z,1,outcome=splendid&essential=1&route=read&priority=high,i=0",
    "kiln_request,2026-11-21T03:34:06Z,1,outcome=ok&essential=yes&route=read&priority=high,i=0",
    "kiln_request,2026-11-21T03:34:06Z,x,outcome=ok&essential=1&route=read&priority=high,i=0",
    "kiln_other,2026-11-21T03:34:06Z,1,,i=0",
  ])("counts a line that breaks the contract: %s", (line) => {
    expect(read(cut(`${header}\n${line}\n`, []))).toEqual({ rows: [], malformed: 1 });
  });

  test("drops a torn last line and refuses a stream without its columns", () => {
    expect(read(cut(stream.slice(0, -3), [])).rows).toHaveLength(rows.length - 1);
    expect(() => read(cut("metric,time\n", []))).toThrow(/no column metric_name/);
  });
});
