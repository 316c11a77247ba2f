// One journey from begin to end: its steps timed, its time bounded, what went wrong in words and as a picture. Knows of the browser only what
// it is handed, so that it can be tried without one.
import { stripVTControlCharacters } from "node:util";
import type { Page } from "playwright-core";
import { deadline, type Clock } from "../../support/clock.ts";
import { messageOf } from "../../support/errors.ts";
import { oneLine } from "../../support/plain-text.ts";
import type { Journey, JourneyResult } from "./contract.ts";

const longestError = 400;
/** A picture of a page that hangs must not take longer than the journey. */
const pictureWithinMs = 5_000;

export interface VisitRequest {
  readonly journey: Journey;
  readonly page: Page;
  readonly url: string;
  readonly id: string;
  readonly number: number;
  readonly withinMs: number;
  /** Takes a picture of the page; where that cannot be had, or not any more, undefined. */
  readonly picture: (signal: AbortSignal) => Promise<string | undefined>;
  readonly clock: Clock;
}

export async function visit(request: VisitRequest): Promise<JourneyResult> {
  const { journey, page, url, id, number, withinMs, picture, clock } = request;
  const startMs = clock.nowMs();
  const steps: { name: string; tookMs: number }[] = [];
  let current = "begin";
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    current = name;
    const beganMs = clock.nowMs();
    const result = await work();
    steps.push({ name, tookMs: since(beganMs, clock) });
    current = `after "${name}"`;
    return result;
  };
  const told = { number, atMonotonicMs: startMs, steps };
  try {
    await within(withinMs, () => journey({ page, url, id, step }));
    return { ...told, outcome: "ok", tookMs: since(startMs, clock), pageMs: steps[0]?.tookMs ?? null };
  } catch (error) {
    // Kept as it is now: what a script that was given up still does belongs to no journey any more.
    const failed = {
      ...told,
      steps: [...steps],
      outcome: "failed" as const,
      tookMs: since(startMs, clock),
      pageMs: steps[0]?.tookMs ?? null,
      failedAt: current,
      error: errorText(error),
    };
    const screenshot = await picture(deadline(pictureWithinMs));
    return {
      ...failed,
      ...(screenshot === undefined ? {} : { screenshot }),
    };
  }
}

/** Rejects when `work` does, or is not over in time; what it still does then is not waited for. */
export async function within<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  const signal = deadline(limitMs);
  const over = Promise.withResolvers<never>();
  const giveUp = (): void => over.reject(new Error(`not over within ${limitMs} ms`));
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([work(), over.promise]);
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** The first lines of what Playwright says, without its colours and its call log. */
function errorText(error: unknown): string {
  const [head = ""] = stripVTControlCharacters(messageOf(error)).split(/\n(?:Call log|=+ logs)/);
  return oneLine(head).replaceAll(/ {2,}/g, " ").trim().slice(0, longestError);
}

function since(beganMs: number, clock: Clock): number {
  return Math.round((clock.nowMs() - beganMs) * 10) / 10;
}
