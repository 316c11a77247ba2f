// report.md: the job summary of CI. Verdict, findings, faults, numbers; short enough to be read on a page of a code host.
import type { Finding, JourneyCount, JourneySummary } from "../harness/judge/verdict.ts";
import type { DrillRow, FaultRow, ReportModel } from "./model-types.ts";
import type { Renderer } from "./renderer.ts";
import { faultWord, keyNumbers, measureText, recoveryText } from "./phrases.ts";
import { formatDuration, formatOffset } from "../harness/support/duration.ts";
import { formatAfter, formatCount, formatMs, formatRange, plural, shapes, statusWords } from "./words.ts";

/** Code hosts cut job summaries at 1 MiB; the rows of a long run's faults are what grows. */
const faultLimit = 60;

export const markdownRenderer: Renderer = { name: "markdown", file: "report.md", render: renderMarkdown };

function renderMarkdown(model: ReportModel): string {
  const bad = model.findings.filter(({ status }) => status !== "pass");
  const passed = model.findings.length - bad.length;
  const parts = [
    `# ${shapes[model.status]} ${statusWords[model.status].toUpperCase()}: ${escape(model.scenario)}`,
    `**${escape(model.headline)}** ${escape(model.because)}`,
    ...(model.partial === null ? [] : [`> ${escape(model.partial)}`]),
    table(
      ["Number", "Value", "Held against"],
      keyNumbers(model).map(({ name, value, note }) => [name, value, note]),
    ),
    `## Findings\n\n${findingTable(bad)}${bad.length === 0 ? "" : "\n\n"}${plural(passed, "check")} passed.`,
    ...(passed === 0
      ? []
      : [
          `<details><summary>Passed</summary>\n\n${findingTable(model.findings.filter(({ status }) => status === "pass"))}\n\n</details>`,
        ]),
    `## Faults\n\n${faultTable(model.faults)}`,
    ...(model.drills.length === 0 ? [] : [`## Drills\n\n${drillTable(model.drills)}`]),
    ...(model.journeys === null ? [] : [`## Browser journeys\n\n${journeys(model.journeys)}`]),
    `## Never tested\n\n${model.neverTested.map(({ what, why }) => `- ${escape(what)}: ${escape(why)}`).join("\n")}`,
    `## How it was run\n\n${how(model)}`,
  ];
  return `${parts.join("\n\n")}\n`;
}

function findingTable(findings: readonly Finding[]): string {
  if (findings.length === 0) return "";
  const rows = findings.map(({ status, title, measures, evidence: { fromMs, toMs } }) => [
    `${shapes[status]} ${statusWords[status]}`,
    title,
    measures.map(measureText).join("; "),
    fromMs === undefined ? "" : toMs === undefined ? formatOffset(fromMs) : formatRange(fromMs, toMs),
  ]);
  return table(["Result", "Finding", "Measured", "When"], rows);
}

function faultTable(faults: readonly FaultRow[]): string {
  if (faults.length === 0) return "The plan holds no fault.";
  const rows = faults.slice(0, faultLimit).map((row) => {
    const { record } = row;
    const after = (instant: { readonly atMs: number } | null): string =>
      instant === null || record.injected === null ? "–" : formatAfter(instant.atMs - record.injected.atMs);
    return [
      record.id,
      record.target,
      faultWord(row),
      after(record.detected),
      after(record.acted),
      after(record.recovered),
      recoveryText(record),
      formatCount(record.failedRequests),
    ];
  });
  const left = faults.length - rows.length;
  const rest = left > 0 ? `\n\n${plural(left, "more fault")} in report.html.` : "";
  return `${table(["Fault", "Target", "State", "Detected", "Acted", "Recovered", "Recovery time", "Failed requests"], rows)}${rest}`;
}

function drillTable(drills: readonly DrillRow[]): string {
  const ms = (value: number | null): string => (value === null ? "–" : formatMs(value));
  const rows = drills
    .slice(0, faultLimit)
    .map(({ record, finding, doneInMs, undoneInMs }) => [
      record.id,
      formatOffset(record.beganMs ?? record.plannedMs),
      ms(doneInMs),
      record.confirmed === "yes" ? "yes" : "no",
      ms(undoneInMs),
      formatCount(record.failedRequests),
      finding === null ? "–" : `${shapes[finding.status]} ${statusWords[finding.status]}`,
    ]);
  const head = ["Drill", "At", "Done in", "Seen in force", "Undone in", "Failed requests", "Result"];
  const left = drills.length - rows.length;
  return `${table(head, rows)}${left > 0 ? `\n\n${plural(left, "more drill")} in report.html.` : ""}`;
}

function journeys({ calm, underFault, page, failures, why, withoutBrowser }: JourneySummary): string {
  const counts = ({ made, failed }: JourneyCount): readonly string[] => [
    formatCount(made),
    formatCount(failed),
  ];
  const rows = [
    ["in calm", ...counts(calm)],
    ["under a fault on what a visit needs", ...counts(underFault)],
  ];
  const pages =
    page === null ? "" : `\n\nPage: median ${formatMs(page.p50Ms)}, slowest ${formatMs(page.maxMs)}.`;
  const first = failures[0];
  const failure =
    first === undefined
      ? ""
      : `\n\nFirst failure ${formatOffset(first.atMs)}, at ${escape(`${first.failedAt}: ${first.error}`)}`;
  const without =
    withoutBrowser === 0
      ? ""
      : `\n\n${plural(withoutBrowser, "time")} without a browser: ${escape(why ?? "")}`;
  return `${table(["Journeys", "Made", "Failed"], rows)}${pages}${failure}${without}`;
}

function how(model: ReportModel): string {
  const tools = model.how.tools.map(({ name, value }) => `${name} ${value}`).join(", ");
  return [
    `- Again: \`${model.how.command.replaceAll(/[`\s]+/g, " ")}\``,
    `- Plan ${model.planHash.slice(0, 12)}, seed ${escape(model.seed)}, ${formatDuration(model.durationMs)} of load, started ${escape(model.how.startedWall)}`,
    `- Ended: ${escape(model.how.outcome)}`,
    `- ${escape(tools)}`,
  ].join("\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map((row) => line(row.map(escape)))].join("\n");
}

/** Text that Markdown must not read as markup, on one line. */
function escape(text: string): string {
  return text
    .replaceAll(/\s+/g, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/[\\`*_[\]|#~]/g, (character) => `\\${character}`)
    .replaceAll("@", "&#64;");
}
