// What the template sees of a browser's journeys: text only.
import type { JourneySummary } from "../../harness/judge/verdict.ts";
import { formatDuration, formatOffset } from "../../harness/support/duration.ts";
import { formatCount, formatMs, glue, plural } from "../words.ts";

/** So many failures are listed; the journal has them all. */
const shownFailures = 40;

export function journeysView({ calm, underFault, page, steps, failures, ...rest }: JourneySummary) {
  const { service, everyMs, owed, leftOut, withoutBrowser, why } = rest;
  const failed = calm.failed + underFault.failed;
  const parts = [
    `A browser visited ${service} every ${formatDuration(everyMs)}: ${formatCount(calm.made - calm.failed)} of ${formatCount(calm.made)} visits in calm succeeded`,
    `${formatCount(underFault.made - underFault.failed)} of ${formatCount(underFault.made)} under a fault on what a visit needs`,
  ];
  if (leftOut > 0)
    parts.push(`${formatCount(leftOut)} were left out (missing evidence, or a machine that stood still)`);
  const notMade =
    withoutBrowser > 0 ? ` ${plural(withoutBrowser, "time")} there was no browser: ${why ?? ""}` : "";
  const slowest = page === null ? "" : ` The slowest page took ${formatMs(page.maxMs)}.`;
  return {
    text: glue(`${parts.join(", ")}; ${formatCount(owed)} were due.${slowest}${notMade}`),
    steps: steps.map(({ name, p50Ms, p95Ms, maxMs }) => ({
      name,
      p50: formatMs(p50Ms),
      p95: formatMs(p95Ms),
      max: formatMs(maxMs),
    })),
    failures: failures
      .slice(0, shownFailures)
      .map(({ atMs, number, failedAt, error, screenshot, fault }) => ({
        at: formatOffset(atMs),
        number: formatCount(number),
        failedAt,
        error,
        // A link only to where pictures lie: the journal may have been written by anybody.
        screenshot: /^journeys\/[\w.-]+\.png$/.test(screenshot ?? "") ? (screenshot ?? "") : "",
        fault: fault ?? "",
      })),
    failuresLeftOut:
      failed > shownFailures ? `${plural(failed - shownFailures, "more failure")} in the journal.` : "",
  };
}
