// The last words of a run in a terminal: verdict, reason, what failed, the numbers. Returns text; whoever calls it writes it.
import { styleText } from "node:util";
import type { Status } from "../harness/judge/verdict.ts";
import type { ReportModel } from "./model-types.ts";
import { oneLine as clean } from "../harness/support/plain-text.ts";
import { keyNumbers, measureText } from "./phrases.ts";
import { formatRange, plural, shapes, statusWords } from "./words.ts";

export interface TerminalOptions {
  /** Colours are used when this stream is a terminal and NO_COLOR is not set. Default: standard output. */
  readonly stream?: NodeJS.WritableStream;
}

const colours = { pass: "green", fail: "red", inconclusive: "yellow" } as const;
const shownFindings = 20;

/** Plain lines, ending with a line feed. */
export function terminalSummary(
  model: ReportModel,
  { stream = process.stdout }: TerminalOptions = {},
): string {
  const paint = (status: Status, text: string): string =>
    styleText(["bold", colours[status]], text, { stream });
  const faint = (text: string): string => styleText("dim", text, { stream });
  const bad = model.findings.filter(({ status }) => status !== "pass");
  const lines = [
    "",
    `${paint(model.status, `${shapes[model.status]} ${statusWords[model.status].toUpperCase()}`)}  ${clean(model.scenario)}, seed ${clean(model.seed)}. ${model.headline}`,
    `  ${clean(model.because)}`,
    ...(model.partial === null ? [] : [`  ${clean(model.partial)}`]),
    "",
  ];
  for (const { status, title, measures, evidence } of bad.slice(0, shownFindings)) {
    lines.push(`  ${paint(status, shapes[status])} ${clean(title)}`);
    const facts = measures.map(measureText);
    if (evidence.fromMs !== undefined)
      facts.push(formatRange(evidence.fromMs, evidence.toMs ?? evidence.fromMs));
    if (facts.length > 0) lines.push(faint(`    ${clean(facts.join("; "))}`));
  }
  if (bad.length > shownFindings)
    lines.push(`  and ${plural(bad.length - shownFindings, "more finding")} in the report`);
  lines.push(
    `  ${paint("pass", shapes.pass)} ${plural(model.findings.length - bad.length, "check")} passed`,
    "",
  );
  const numbers = keyNumbers(model);
  const wide = Math.max(...numbers.map(({ name }) => name.length));
  for (const { name, value, note } of numbers) lines.push(`  ${name.padEnd(wide)}  ${value}  ${faint(note)}`);
  lines.push(`  ${"Again".padEnd(wide)}  ${clean(model.how.command)}`, "");
  return `${lines.join("\n")}\n`;
}
