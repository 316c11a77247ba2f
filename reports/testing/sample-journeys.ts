// A made-up account of a browser's visits, with a failure in calm and one under a fault.
import type { JourneySummary } from "../../harness/judge/verdict.ts";

export const sampleJourneys: JourneySummary = {
  service: "web",
  everyMs: 10_000,
  owed: 17,
  calm: { made: 13, failed: 1 },
  underFault: { made: 3, failed: 1 },
  leftOut: 0,
  withoutBrowser: 1,
  why: "no page could be had of the browser: it had crashed",
  page: { p50Ms: 340, p95Ms: 810, maxMs: 810 },
  steps: [
    { name: "load the page", p50Ms: 340, p95Ms: 810, maxMs: 810 },
    { name: "see a live update", p50Ms: 260, p95Ms: 420, maxMs: 510 },
  ],
  failures: [
    {
      atMs: 20_000,
      number: 2,
      failedAt: "create",
      error: "<b>timeout</b> of 12 s",
      screenshot: "journeys/journey-0002.png",
      fault: null,
    },
    {
      atMs: 140_500,
      number: 14,
      failedAt: "load the page",
      error: "no connection",
      screenshot: null,
      fault: "f07-kill",
    },
  ],
};
