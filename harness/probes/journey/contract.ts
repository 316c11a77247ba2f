// What a journey script is handed and what its process writes down, one JSON object a line. The harness never loads a browser's driver itself:
// journeys run in a process of their own (child.ts), at the lowest priority, and this is all that the two have in common.
import type { Page } from "playwright-core";
import { z } from "zod";

/** One visit of a browser, in a context that has never been anywhere. */
export interface Visit {
  readonly page: Page;
  /** The service's own address, such as "http://127.0.0.1:6780". */
  readonly url: string;
  /** No other visit's: for the names of what it creates. Letters, digits and "-". */
  readonly id: string;
  /** Runs one part of the journey: timed, and named where it fails. The first one has to be the loading of the page. */
  readonly step: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

/** The default export of a journey script. It fails by throwing. */
export type Journey = (visit: Visit) => Promise<void>;

export interface ChildSettings {
  /** Absolute path of the journey script. */
  readonly script: string;
  readonly url: string;
  readonly runId: string;
  /** Absolute path of the browser. */
  readonly chromium: string;
  /** Where results and pictures go; absolute, and there already. */
  readonly outDir: string;
  /** For whatever the browser writes: short, as it makes a socket there. It is made, emptied and removed by the child. */
  readonly browserDir: string;
  /** Journey number n begins at `firstMs + (n - 1) * everyMs` on CLOCK_MONOTONIC, and none at or after `untilMs`. */
  readonly firstMs: number;
  readonly everyMs: number;
  readonly untilMs: number;
  /** A journey that takes longer than this is given up. */
  readonly withinMs: number;
  /** When this process is not the parent any more, the harness is dead. */
  readonly parentPid: number;
}

export const resultsFileName = "journeys.ndjson";

const milliseconds = z.number().min(0);

export const resultSchema = z.object({
  number: z.number().int().min(1),
  /** CLOCK_MONOTONIC of its begin. */
  atMonotonicMs: z.number(),
  outcome: z.enum(["ok", "failed", "no-browser"]),
  tookMs: milliseconds,
  /** Time of its first step; null where that failed. */
  pageMs: milliseconds.nullable(),
  steps: z.array(z.object({ name: z.string(), tookMs: milliseconds })),
  failedAt: z.string().optional(),
  error: z.string().optional(),
  /** File name in `outDir`. */
  screenshot: z.string().optional(),
});

export type JourneyResult = z.output<typeof resultSchema>;
