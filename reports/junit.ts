// junit.xml for CI: one test suite per checker, one test case per finding. A failed finding is a failure; an inconclusive one is an
// error, never "skipped": CI systems show skipped tests as green, and not knowing is not passing. If no finding shows what the verdict
// says (a run without findings), a suite of its own does.
import type { Finding, Status } from "../harness/judge/verdict.ts";
import type { ReportModel } from "./model-types.ts";
import type { Renderer } from "./renderer.ts";
import { formatValue } from "./words.ts";

interface Case {
  readonly name: string;
  readonly status: Status;
  readonly title: string;
  readonly text: string;
}

export const junitRenderer: Renderer = { name: "junit", file: "junit.xml", render: renderJunit };

function renderJunit(model: ReportModel): string {
  const suites = new Map<string, Case[]>();
  for (const finding of model.findings)
    suites.set(finding.checker, [...(suites.get(finding.checker) ?? []), caseOf(finding)]);
  if (!model.findings.some(({ status }) => status === model.status)) {
    suites.set("verdict", [
      { name: "verdict", status: model.status, title: model.because, text: model.headline },
    ]);
  }
  const all = [...suites.values()].flat();
  const seconds = (model.summary.loadMs / 1_000).toFixed(3);
  const head = `<testsuites name="${escape(`kiln ${model.scenario}`)}" ${counts(all)} time="${seconds}">`;
  const body = [...suites].map(([checker, cases]) => suite(model, checker, cases));
  return ['<?xml version="1.0" encoding="UTF-8"?>', head, ...body, "</testsuites>", ""].join("\n");
}

function caseOf({ id, status, title, detail, measures, evidence }: Finding): Case {
  const lines = [title, ...(detail === undefined ? [] : [detail])];
  for (const { name, value, unit, limit } of measures)
    lines.push(
      `${name}: ${formatValue(value, unit)}${limit === undefined ? "" : ` (limit ${formatValue(limit, unit)})`}`,
    );
  if (evidence.events.length > 0) lines.push(`journal events: ${evidence.events.join(", ")}`);
  return { name: id, status, title, text: lines.join("\n") };
}

function counts(cases: readonly Case[]): string {
  const count = (status: Status): number => cases.filter((one) => one.status === status).length;
  return `tests="${cases.length}" failures="${count("fail")}" errors="${count("inconclusive")}" skipped="0"`;
}

function suite(model: ReportModel, checker: string, cases: readonly Case[]): string {
  const className = escape(`kiln.${model.scenario}.${checker}`);
  const head = `  <testsuite name="${escape(checker)}" ${counts(cases)} time="0" timestamp="${escape(model.how.startedWall)}">`;
  const properties = [
    ["seed", model.seed],
    ["plan hash", model.planHash],
    ["run", model.runId],
    ["reproduce", model.how.command],
  ].map(([name = "", value = ""]) => `      <property name="${escape(name)}" value="${escape(value)}"/>`);
  const lines = cases.map((one) => testCase(className, one));
  return [head, "    <properties>", ...properties, "    </properties>", ...lines, "  </testsuite>"].join(
    "\n",
  );
}

function testCase(className: string, { name, status, title, text }: Case): string {
  const open = `    <testcase classname="${className}" name="${escape(name)}" time="0"`;
  if (status === "pass") return `${open}><system-out>${escape(text)}</system-out></testcase>`;
  const tag = status === "fail" ? "failure" : "error";
  return `${open}><${tag} message="${escape(title)}" type="${status}">${escape(text)}</${tag}></testcase>`;
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** Text for XML 1.0: marked-up characters as entities, characters that XML cannot hold as U+FFFD. */
function escape(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "\uFFFD")
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
