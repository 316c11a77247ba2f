// The verdict's reason in one or two sentences that can stand alone.
import { percent, milliseconds, seconds } from "./finding.ts";
import type { FaultRecord, Finding, Status, Summary } from "./verdict.ts";

export function becauseOf(
  status: Status,
  findings: readonly Finding[],
  faults: readonly FaultRecord[],
  summary: Summary,
): string {
  const failed = findings.filter((each) => each.status === "fail");
  const doubtful = findings.filter((each) => each.status === "inconclusive");
  if (status === "fail") {
    const doubt = doubtful.length === 0 ? "" : ` Besides, ${doubtful.length} more could not be told.`;
    return `${firstOf(failed)}${doubt}`;
  }
  if (status === "inconclusive") {
    if (doubtful.length === 0)
      return "The scenario sets no objective that could be judged: nothing failed, and nothing was shown.";
    const blame = doubtful.some(({ about }) => about === "harness")
      ? "Nothing failed, but the evidence does not carry a verdict: "
      : "Nothing failed, but not everything could be told: ";
    return `${blame}${firstOf(doubtful)}`;
  }
  return `Every objective was met: ${met(findings, faults, summary).join(", ")}.`;
}

/** The first finding in full and how many more; the evidence comes first in the table, so causes stand before consequences. */
function firstOf(findings: readonly Finding[]): string {
  const [first, ...rest] = findings;
  const more =
    rest.length === 0
      ? ""
      : ` (and ${rest.length} more: ${rest
          .slice(0, 3)
          .map(({ id }) => id)
          .join(", ")}${rest.length > 3 ? ", …" : ""})`;
  return `${first?.title ?? "No finding."}${more}`;
}

function met(findings: readonly Finding[], faults: readonly FaultRecord[], summary: Summary): string[] {
  const judged = new Set(findings.map(({ checker }) => checker));
  const parts: string[] = [];
  if (judged.has("availability") && summary.availability !== null)
    parts.push(`${percent(summary.availability)} of essential requests succeeded`);
  const p95 = findings
    .find(({ id }) => id === "latency/p95")
    ?.measures.find(({ name }) => name === "p95")?.value;
  if (p95 !== undefined) parts.push(`p95 in calm ${milliseconds(p95)}`);
  const slowest = Math.max(...faults.map(({ recoveryMs }) => recoveryMs?.high ?? 0), 0);
  if (judged.has("recovery"))
    parts.push(
      slowest === 0 ? "no fault took recovering from" : `slowest recovery at most ${seconds(slowest)}`,
    );
  if (judged.has("watchdog")) parts.push("the watchdog acted when it should and not otherwise");
  if (judged.has("config-integrity")) parts.push("no corrupt configuration was served");
  if (judged.has("drill")) parts.push("every drill was carried out, seen and undone");
  if (judged.has("memory-drift")) parts.push("memory did not drift");
  if (judged.has("journeys")) parts.push("browsers got through");
  if (judged.has("monitoring")) parts.push("monitoring was complete");
  return parts;
}
