import { describe, expect, test } from "vitest";
import type { JournalBody, JournalEvent } from "../journal/events.ts";
import { axisOf } from "./axis.ts";

const hourMs = 3_600_000;
const started = Date.parse("2026-11-21T03:00:00.000Z");

function journal(...bodies: ({ atMs: number } & JournalBody)[]): JournalEvent[] {
  const header: { atMs: number } & JournalBody = {
    atMs: 0,
    type: "run-started",
    runId: "r",
    scenario: "48h",
    seed: "1",
    planHash: "h",
    wallStart: new Date(started).toISOString(),
    monotonicZeroMs: 500_000,
    bootId: "first",
    tools: {},
    machine: {},
    commandLine: [],
  };
  return [header, ...bodies].map((body, index) => ({ seq: index + 1, ...body }));
}
const now = (bootId: string, monotonicMs: number, wallMs = 0) => ({ bootId, monotonicMs, wallMs });

describe("the journal's axis for another process", () => {
  test("is the same number in the same boot, whatever the wall clock says", () => {
    const axis = axisOf(journal(), now("first", 700_000, 17));
    expect(axis).toEqual({ zeroMonotonicMs: 500_000, bootChanged: false, uncertaintyMs: 0 });
  });

  test("goes on by the wall clock after a restart of the machine, from the last pair that joins the two", () => {
    const events = journal(
      { atMs: hourMs, type: "clock", wallMs: started + hourMs + 40 },
      { atMs: hourMs + 9_000, type: "note", level: "info", text: "the last words" },
    );
    // Ten minutes later; the new boot is 30 s old.
    const axis = axisOf(events, now("second", 30_000, started + hourMs + 40 + 600_000));
    expect(axis?.zeroMonotonicMs).toBe(30_000 - (hourMs + 600_000));
    expect(axis).toMatchObject({ bootChanged: true, uncertaintyMs: 2_000 });
  });

  test("is uncertain by the steps of that clock, and never goes back", () => {
    const stepped = journal({ atMs: 1_000, type: "clock", wallMs: started + 1_000, stepMs: -700 });
    expect(axisOf(stepped, now("second", 0, started + 2_000))?.uncertaintyMs).toBe(2_700);
    const back = journal({ atMs: hourMs, type: "clock", wallMs: started + hourMs });
    const axis = axisOf(back, now("second", 10_000, started));
    expect(axis?.zeroMonotonicMs).toBe(10_000 - hourMs);
    expect(axis?.uncertaintyMs).toBe(2_000 + hourMs);
  });

  test("is that of the last resuming, where the machine was started anew before", () => {
    const resumed = {
      atMs: hourMs,
      type: "resumed",
      attempt: 1,
      by: "user",
      gapFromMs: 0,
      gapToMs: hourMs,
      bootChanged: true,
      uncertaintyMs: 2_000,
      bootId: "second",
      monotonicZeroMs: -3_000_000,
    } as const;
    expect(axisOf(journal(resumed), now("second", 99))).toMatchObject({
      zeroMonotonicMs: -3_000_000,
      bootChanged: false,
    });
  });

  test("is not known without a header", () => {
    expect(axisOf([], now("first", 1))).toBeUndefined();
  });
});
