// Did browsers get through? Judged by the share of visits in calm that succeeded; those under a fault on what a visit needs are counted apart,
// times are reported. Without a browser nothing is known, and that is said. Definitions: docs/verdict.md.
import type { Checker } from "./checker.ts";
import { countOf, finding, measure, percent } from "./finding.ts";
import type { Finding, JourneySummary, Measure } from "./verdict.ts";

/** With fewer of the visits that the plan asks for, those that were made do not stand for the run. */
const smallestShareMade = 0.5;

export const journeys: Checker = {
  name: "journeys",
  check(plan, evidence, { journeys: summary }) {
    const asked = plan.journeys;
    if (asked === undefined || summary === undefined) return [];
    const events = evidence.eventsOf("journey").filter(({ outcome }) => outcome !== "ok");
    return [judge(summary, asked.succeed, { toMs: evidence.endMs, events: events.map(({ seq }) => seq) })];
  },
};

interface Cited {
  readonly toMs: number;
  readonly events: readonly number[];
}

function judge(summary: JourneySummary, objective: number, { toMs, events }: Cited): Finding {
  const { calm, underFault, leftOut, owed, service } = summary;
  const base = {
    id: "journeys/calm",
    fromMs: 0,
    toMs,
    events: events.slice(0, 20),
    series: [`journey.${service}.page`, `journey.${service}.total`],
    measures: measuresOf(summary, objective),
  };
  const made = calm.made + underFault.made + leftOut;
  const right = calm.made - calm.failed;
  const numbers = `${right} of ${countOf(calm.made, "browser journey")} to ${service} in calm succeeded (objective ${percent(objective)})`;
  if (calm.made > 0 && right / calm.made < objective) {
    const first = summary.failures.find(({ fault }) => fault === null);
    const why =
      first === undefined ? {} : { detail: `The first failed at "${first.failedAt}": ${first.error}` };
    return finding({ ...base, about: "stack", status: "fail", title: `${numbers}.`, ...why });
  }
  if (calm.made === 0 || made < smallestShareMade * owed) {
    const why = summary.why === null ? "" : `: ${summary.why.replace(/\.$/, "")}`;
    const what = calm.made === 0 ? "no browser journey was made in calm" : `${made} of ${owed} were made`;
    const title = `Whether browsers get through to ${service} cannot be told: ${what}${why}.`;
    return finding({ ...base, about: "harness", status: "inconclusive", title });
  }
  return finding({ ...base, about: "stack", status: "pass", title: `Browsers got through: ${numbers}.` });
}

function measuresOf(summary: JourneySummary, objective: number): Measure[] {
  const { calm, underFault, leftOut, withoutBrowser, owed, page } = summary;
  return [
    ...(calm.made === 0
      ? []
      : [measure("succeeded in calm", (calm.made - calm.failed) / calm.made, "ratio", objective)]),
    measure("planned", owed, "count"),
    measure("made in calm", calm.made, "count"),
    measure("failed in calm", calm.failed, "count"),
    measure("made under fault", underFault.made, "count"),
    measure("failed under fault", underFault.failed, "count"),
    ...(leftOut === 0 ? [] : [measure("left out", leftOut, "count")]),
    ...(withoutBrowser === 0 ? [] : [measure("without a browser", withoutBrowser, "count")]),
    ...(page === null
      ? []
      : [measure("page, 95th percentile", page.p95Ms, "ms"), measure("page, slowest", page.maxMs, "ms")]),
  ];
}
