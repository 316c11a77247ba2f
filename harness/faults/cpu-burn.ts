// A thread inside a service burns a share of one core, started by Kiln's agent and pinned to the last core where that can be done.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { sleep } from "../support/clock.ts";
import { hasErrno } from "../support/errors.ts";
import { ticksPerSecond } from "../support/process-identity.ts";
import { recallJob, servingProcess, startJob, stopJob } from "./agent-job.ts";
import { calm } from "./expectations.ts";
import { defineFault } from "./fault.ts";
import { pinToLastCpu } from "./pin-thread.ts";

export interface CpuBurnOptions {
  readonly service: string;
  /** Of one core, 0.1..1. */
  readonly share: number;
}

const lookMs = 2_000;
/** Half way between the asked share and half of it, on a ratio scale: a thread that must share its core gets less than it asks for. */
const leastRatio = Math.SQRT1_2;
/** Ticks are 10 ms: up to 1 % of two seconds at either end, and some overhead. */
const mostExcess = 0.1;

export const cpuBurn = defineFault<CpuBurnOptions>({
  name: "cpu-burn",
  summary: "A thread inside a service burns a share of one core.",
  needs: ["agent", "process"],
  kind: "held",
  options: z.strictObject({ service: z.string().min(1), share: z.number().min(0.1).max(1) }),
  target: ({ service }) => `service:${service}`,
  expect: () => calm,
  confirmWithinMs: 15_000,

  async inject(ctx, { service, share }) {
    const identity = { ...servingProcess(ctx, service) };
    const answer = await startJob(ctx, service, { command: "burn", params: { share }, identity });
    const { tid } = z.object({ tid: z.int() }).parse(answer);
    // Number 0: the system does not say; then confirm has nothing to look at and says so.
    if (tid > 0) {
      await ctx.remember({ identity, tid });
      await pinToLastCpu(tid, ctx.signal);
    }
  },

  /**
   * CPU time that the kernel booked on that one thread of the process that serves now. How long it waited for a core is told beside it: on
   * a saturated machine a share near 1 cannot be had, and then the fault is not as hard as asked, whatever the reason.
   */
  async confirm(ctx, { service, share }) {
    const tid = recallJob(ctx)?.tid;
    if (tid === undefined) return { effective: false, saw: `no burning thread is known in ${service}` };
    const { pid } = servingProcess(ctx, service);
    const before = threadTimes(pid, tid);
    const startedMs = ctx.clock.nowMs();
    await sleep(lookMs, ctx.signal, ctx.clock);
    const after = threadTimes(pid, tid);
    const passedMs = ctx.clock.nowMs() - startedMs;
    if (before === undefined || after === undefined)
      return { effective: false, saw: `${service} (pid ${pid}) has no thread ${tid}` };
    const cpuMs = after.cpuMs - before.cpuMs;
    const waitedMs = Math.round(after.waitedMs - before.waitedMs);
    const measured = cpuMs / passedMs;
    return {
      effective: measured >= leastRatio * share && measured <= share + mostExcess,
      saw: `thread ${tid} of ${service} used ${Math.round(cpuMs)} ms of CPU in ${(passedMs / 1_000).toFixed(1)} s and waited ${waitedMs} ms for a core`,
      magnitude: { asked: share, measured, unit: "cores" },
    };
  },

  async heal(ctx, { service }) {
    await stopJob(ctx, service);
  },
});

/** User and system time of one thread, and its time in the run queue without a core; undefined when there is no such thread. */
function threadTimes(
  pid: number,
  tid: number,
): { readonly cpuMs: number; readonly waitedMs: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/task/${tid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // Fields 14 and 15 of proc(5), counted from the state, which is field 3.
    const ticks = Number(fields[11]) + Number(fields[12]);
    // Second field of schedstat, nanoseconds: sched-stats in the kernel's documentation.
    const waitedNs = Number(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, "utf8").split(" ")[1]);
    return { cpuMs: (ticks / ticksPerSecond) * 1_000, waitedMs: waitedNs / 1e6 };
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH")) return undefined;
    throw error;
  }
}
