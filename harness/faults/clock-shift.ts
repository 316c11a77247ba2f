// The clock of one process is wrong: its Date is ahead or behind, by Kiln's agent inside it. The machine's clock, other processes, and what
// the process measures monotonically (performance.now, timers) stay right. What the agent cannot shift is listed in
// harness/agent/shifted-date.mjs.
import { z } from "zod";
import { jobIn, servingProcess, startJob, stopJob } from "./agent-job.ts";
import { calm } from "./expectations.ts";
import { defineFault, type FaultContext } from "./fault.ts";

export interface ClockShiftOptions {
  readonly service: string;
  /** A second to ten days. */
  readonly byMs: number;
  readonly direction: "ahead" | "behind";
}

const dayMs = 24 * 3_600_000;
/** Half way to half the shift; the look itself must be at least that exact. */
const toleranceShare = 0.25;
/** The three ways are asked one right after the other, on a thread that does nothing else between. */
const sameMs = 100;
/** Date() tells whole seconds. */
const textMs = 1_000;

export const clockShift = defineFault<ClockShiftOptions>({
  name: "clock-shift",
  summary: "The clock that a service reads is ahead or behind; all other clocks are right.",
  needs: ["agent", "process"],
  kind: "held",
  options: z.strictObject({
    service: z.string().min(1),
    // Not signed: a range from ahead to behind would pass through a shift of nothing.
    byMs: z
      .int()
      .min(1_000, `expected 1000 or more; direction: "behind" sets the clock back`)
      .max(10 * dayMs),
    direction: z.enum(["ahead", "behind"]).default("ahead"),
  }),
  target: ({ service }) => `service:${service}`,
  expect: () => calm,

  async inject(ctx, { service, byMs, direction }) {
    const identity = servingProcess(ctx, service);
    const params = { byMs: direction === "ahead" ? byMs : -byMs };
    await startJob(ctx, service, { command: "clock", params, identity });
  },

  /** What the program itself reads, asked on its own thread, against this process's clock before and after the question. */
  async confirm(ctx, { service, byMs, direction }) {
    const job = jobIn(ctx, service);
    if (typeof job === "string") return { effective: false, saw: job };
    const { nowMs, newMs, programTextMs, errorMs } = await readClock(ctx, service);
    const measured = direction === "ahead" ? nowMs : -nowMs;
    const toleranceMs = toleranceShare * byMs;
    const agree = Math.abs(newMs - nowMs) <= sameMs && Math.abs(programTextMs - nowMs) <= sameMs + textMs;
    return {
      effective: agree && errorMs <= toleranceMs && Math.abs(measured - byMs) <= toleranceMs,
      saw: `the Date of ${service} (pid ${job.identity.pid}) is ${sideOf(nowMs)} by ${Math.abs(Math.round(nowMs))} ms, give or take ${errorMs.toFixed(1)} ms; its ways of asking ${agree ? "agree" : "do not agree"}`,
      magnitude: { asked: byMs, measured, unit: "ms" },
    };
  },

  async heal(ctx, { service }) {
    await stopJob(ctx, service);
  },
});

const sideOf = (shiftMs: number): string => (shiftMs < 0 ? "behind" : "ahead");

interface ClockReading {
  /** How far each way of asking is ahead of this process's clock. */
  readonly nowMs: number;
  readonly newMs: number;
  readonly programTextMs: number;
  /** The question was answered somewhere within twice this. */
  readonly errorMs: number;
}

const timeAnswer = z.object({ nowMs: z.number(), newMs: z.number(), textMs: z.number() });

async function readClock(ctx: FaultContext, service: string): Promise<ClockReading> {
  const beforeMs = ctx.clock.wallMs();
  const answer = timeAnswer.parse(await ctx.stack.agent(service).call("time", {}, ctx.signal));
  const afterMs = ctx.clock.wallMs();
  const middleMs = (beforeMs + afterMs) / 2;
  return {
    nowMs: answer.nowMs - middleMs,
    newMs: answer.newMs - middleMs,
    programTextMs: answer.textMs - middleMs,
    errorMs: (afterMs - beforeMs) / 2 + 1,
  };
}
