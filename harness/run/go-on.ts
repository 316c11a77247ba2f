// How a resumed run comes back under load: on the plan's own time and grid, from the next whole second that k6 can be ready for. What was
// planned before that second is declared as missed; a fault whose time has passed, or that the ledger names, is not injected any more.
import type { LoadDriver } from "../load/load-driver.ts";
import { accountsOfGap, remainingFrom } from "../load/remaining.ts";
import type { FaultStep, Plan } from "../plan/plan.ts";
import { clockFrom, type Clock } from "../support/clock.ts";
import { environmentError } from "../support/errors.ts";
import { bootId } from "../support/process-identity.ts";
import type { ResumePoint } from "./resume-point.ts";
import type { RunFiles } from "./run-files.ts";
import type { Begun, MakeLoad } from "./run-request.ts";

/** Time that k6 is given to make its users; the next one is tried where it took longer (438 users, a busy machine). */
const readyInMs = [4_000, 10_000, 25_000];
/** It must have been ready this long before its first start, or that would be late. */
const releaseMs = 300;

export async function goOn(
  plan: Plan,
  files: RunFiles,
  resume: ResumePoint & { readonly planZeroMs: number },
  makeLoad: MakeLoad,
): Promise<Begun> {
  const { journal, zeroMonotonicMs } = files;
  const zeroMs = resume.planZeroMs;
  const { load, fromMs } = await readyLoad(plan, clockFrom(zeroMs), resume, makeLoad);
  const lost = accountsOfGap({
    segments: plan.load.segments,
    accounts: resume.accounts,
    totals: resume.totals,
    fromMs: resume.knownToMs,
    toMs: fromMs,
  });
  const zeroAtMs = zeroMs - zeroMonotonicMs;
  journal.write({
    type: "resumed",
    attempt: resume.attempt,
    by: resume.by,
    // Where every start is in the books, nothing is missing.
    gapFromMs: zeroAtMs + (lost.length === 0 ? fromMs : Math.min(fromMs, resume.knownToMs)),
    gapToMs: zeroAtMs + fromMs,
    ...bootOf(resume),
  });
  for (const account of lost) journal.write({ type: "segment-ended", ...account });
  const faults = stepsToCome(plan.faults, files, resume, fromMs);
  const drills = stepsToCome(plan.drills ?? [], files, resume, fromMs);
  return { load, zeroMs, fromMs, plan: { ...plan, faults, drills } };
}

/** What a `resumed` event says of the clock that it counts on. */
export function bootOf({ axis }: Pick<ResumePoint, "axis">): {
  readonly bootChanged: boolean;
  readonly uncertaintyMs: number;
  readonly bootId: string;
  readonly monotonicZeroMs: number;
} {
  const { bootChanged, uncertaintyMs, zeroMonotonicMs } = axis;
  return { bootChanged, uncertaintyMs, bootId: bootId(), monotonicZeroMs: zeroMonotonicMs };
}

async function readyLoad(
  plan: Plan,
  planClock: Clock,
  { totals }: ResumePoint,
  makeLoad: MakeLoad,
): Promise<{ readonly load: LoadDriver | null; readonly fromMs: number }> {
  const { segments } = plan.load;
  for (const inMs of readyInMs) {
    const planMs = Math.max(0, Math.ceil((planClock.nowMs() + inMs) / 1_000) * 1_000);
    if (remainingFrom(segments, planMs).length === 0)
      return { load: null, fromMs: segments.at(-1)?.endMs ?? 0 };
    const load = makeLoad({ planMs, totals });
    await load.prepare();
    if (planClock.nowMs() < planMs - releaseMs) return { load, fromMs: planMs };
    await load.discard();
  }
  throw environmentError("k6-not-ready", "k6 was not ready in time to go on with the load", {
    hint: "the machine is too busy: end other programs, then run `kiln resume`",
  });
}

function stepsToCome<Step extends FaultStep>(
  steps: readonly Step[],
  { journal }: RunFiles,
  { touched, told }: ResumePoint,
  fromMs: number,
): Step[] {
  return steps.filter(({ id, startMs, skipped }) => {
    if (told.has(id)) return false;
    if (skipped !== undefined) return true;
    if (!touched.has(id) && startMs >= fromMs) return true;
    const reason = touched.has(id)
      ? "the harness died when it was about to be injected"
      : "its time passed while the harness was down";
    journal.write({ type: "fault-skipped", id, reason });
    return false;
  });
}
