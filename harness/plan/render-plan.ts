// A plan as text, for `kiln plan`: what will happen when, and what it may cost. The same plan gives the same bytes on every machine; there are
// no paths, ports or clock times in it.
import { basename } from "node:path";
import type { Expectation } from "../faults/fault.ts";
import type { Journeys } from "../scenario/scenario.ts";
import { formatBytes } from "../support/bytes.ts";
import { formatDuration, formatOffset } from "../support/duration.ts";
import type { Json } from "../support/json.ts";
import { costliest, percent, seconds } from "./budget.ts";
import type { DrillStep, FaultStep, LoadSegment, Plan, PlannedDuty } from "./plan.ts";
import { renderLanes } from "./render-lanes.ts";

/** Ends with a line break. */
export function renderPlan(plan: Plan): string {
  const parts = [
    header(plan),
    load(plan),
    faults(plan),
    drills(plan),
    leftOut(plan),
    plan.faults.length === 0 && plan.drills === undefined ? [] : renderLanes(plan),
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.trimEnd()).join("\n"))
    .join("\n\n")}\n`;
}

function header(plan: Plan): string[] {
  const { stack, preflightMs, warmUpMs } = plan;
  const before = preflightMs === 0 ? "" : ` after a preflight of ${formatDuration(preflightMs)}`;
  const warmUp = warmUpMs === 0 ? "" : `; the first ${formatDuration(warmUpMs)} are warm-up and not judged`;
  return [
    `Plan of ${plan.scenario}, seed ${plan.seed}`,
    ...(plan.description === "" ? [] : [plan.description]),
    "",
    `hash       ${plan.hash}`,
    ...condensedText(plan),
    `duration   ${formatDuration(plan.durationMs)} of load${before}${warmUp}`,
    `stack      ${stack.name}: ${stack.services.map(({ name }) => name).join(", ")}`,
    `budget     ${budgetText(plan)}`,
    ...(plan.duty === undefined ? [] : [`duty       ${dutyText(plan.duty)}`]),
    ...(plan.journeys === undefined ? [] : [`journeys   ${journeysText(plan.journeys)}`]),
  ];
}

function condensedText({ condensed }: Plan): string[] {
  if (condensed === undefined) return [];
  const { of, ofDurationMs, ofHash, factor } = condensed;
  return [
    `condensed  from ${formatDuration(ofDurationMs)} of ${of}, plan ${ofHash.slice(0, 12)}: holds divided by ${factor}, calm cut`,
  ];
}

function dutyText({ asked, planned }: PlannedDuty): string {
  const share = (value: number): string => `${(value * 100).toFixed(1)} %`;
  return `faults are in force for ${share(planned)} of the windows' time; ${share(asked)} asked`;
}

function journeysText({ script, service, everyMs, succeed }: Journeys): string {
  const needed = `${percent(succeed)} of those outside fault spans must succeed`;
  return `a browser visits ${service} every ${formatDuration(everyMs)}, ${basename(script)}; ${needed}`;
}

/** "faults may cost 6.0 s of the 172.8 s that 99.9 % of 48h allows". */
function budgetText({ budget, objectives, durationMs, faults }: Plan): string {
  const costs = costliest(faults.filter(({ skipped }) => skipped === undefined));
  const which = costs === "" ? "" : ` (${costs})`;
  if (budget.allowedMs === null || objectives.availability === undefined) {
    return `faults may cost ${seconds(budget.plannedMs)}${which}; the scenario sets no availability to hold that against`;
  }
  const allowed = `${seconds(budget.allowedMs)} that ${percent(objectives.availability)} of ${formatDuration(durationMs)} allows`;
  return `faults may cost ${seconds(budget.plannedMs)} of the ${allowed}${which}`;
}

function load({ load: { segments, script, timeoutMs } }: Plan): string[] {
  const rows = stretchesOf(segments).map((stretch) => [
    stretch.kind,
    `${stretch.rps}/s`,
    formatOffset(stretch.startMs),
    formatOffset(stretch.endMs),
    count(stretch.segments),
    count(stretch.starts),
    stretch.users < stretch.usersNeeded
      ? `${stretch.users} (needs ${stretch.usersNeeded})`
      : count(stretch.users),
  ]);
  const starts = segments.reduce((sum, segment) => sum + segment.starts, 0);
  return [
    `Load: ${count(starts)} requests in ${plural(segments.length, "segment")}, ${basename(script)}, time-out ${formatDuration(timeoutMs)}`,
    ...table(["kind", "rate", "from", "to", ">segments", ">requests", "users"], rows),
  ];
}

interface LoadStretch extends Omit<LoadSegment, "index"> {
  readonly segments: number;
}

/** Neighbouring segments of one kind as one row. */
function stretchesOf(segments: readonly LoadSegment[]): LoadStretch[] {
  const found: LoadStretch[] = [];
  for (const { index: _index, ...segment } of segments) {
    const last = found.at(-1);
    if (last?.kind !== segment.kind || last.rps !== segment.rps) found.push({ ...segment, segments: 1 });
    else
      found[found.length - 1] = {
        ...last,
        endMs: segment.endMs,
        starts: last.starts + segment.starts,
        segments: last.segments + 1,
      };
  }
  return found;
}

function faults({ faults, windows }: Plan): string[] {
  if (faults.length === 0) return ["Faults: none"];
  const rows = faults.map((step) => {
    const window = windows.findIndex(({ startMs, endMs }) => step.startMs >= startMs && step.startMs < endMs);
    return [
      formatOffset(step.startMs, true),
      window < 0 ? "-" : String(window + 1),
      step.id,
      step.target,
      optionsText(step),
      step.kind === "held" ? formatDuration(step.healMs - step.startMs) : "-",
      step.expect.unavailableMs === 0 || step.skipped !== undefined
        ? "-"
        : seconds(step.expect.unavailableMs),
      reactionText(step),
    ];
  });
  return [
    `Faults: ${count(faults.length)} in ${plural(windows.length, "window")}`,
    ...table(
      ["start", ">window", "fault", "target", "options", ">hold", ">may cost", "expected of the watchdog"],
      rows,
    ),
  ];
}

function drills({ drills: steps = [] }: Plan): string[] {
  if (steps.length === 0) return [];
  const rows = steps.map((step) => [
    formatOffset(step.startMs, true),
    step.id,
    optionsText(step),
    formatOffset(step.healMs, true),
    formatOffset(step.settleUntilMs, true),
    demandsText(step),
  ]);
  return [
    `Drills: ${count(steps.length)}, and nothing else happens beside one`,
    ...table(["start", "drill", "options", "undone from", "settled by", "held to"], rows),
  ];
}

function demandsText({ demands }: DrillStep): string {
  const { noFailedRequest, undoneWithinMs } = demands;
  return [
    "seen in force",
    undoneWithinMs === undefined ? "undone" : `undone in ${formatDuration(undoneWithinMs)}`,
    ...(noFailedRequest === true ? ["no failed request"] : []),
  ].join(", ");
}

/** What a reader might take for tested although it is not, and why. */
function leftOut({ faults, notDrawn = [] }: Plan): string[] {
  const skipped = Map.groupBy(
    faults.filter((step) => step.skipped !== undefined),
    skipText,
  );
  const lines = [
    ...[...skipped].map(([why, steps]) => `  skipped  ${someIds(steps)}: ${why}`),
    ...notDrawn.map((text) => `  never    ${text}: the windows have no room for it beside the others`),
  ];
  return lines.length === 0 ? [] : ["Not tested:", ...lines];
}

/** A long run may skip one choice in each of its windows. */
function someIds(steps: readonly FaultStep[]): string {
  const ids = steps.slice(0, 3).map(({ id }) => id);
  return [...ids, ...(steps.length > ids.length ? [`${steps.length - ids.length} more`] : [])].join(", ");
}

function skipText({ skipped }: FaultStep): string {
  return skipped?.reason ?? `the stack has no ${skipped?.missing.join(", ") ?? ""}`;
}

/** Without the option that only names the target. */
function optionsText({ options, target }: FaultStep): string {
  const name = target.slice(target.indexOf(":") + 1);
  return Object.entries(options)
    .filter(([, value]) => value !== name)
    .map(([key, value]) => `${key} ${valueText(value)}`)
    .join(", ");
}

function valueText(value: Json): string {
  const wholeMib = typeof value === "number" && value > 0 && value % 1_048_576 === 0;
  if (wholeMib) return formatBytes(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

function reactionText({ expect, skipped, pattern }: FaultStep): string {
  const step = pattern === undefined ? "" : `; ${pattern.name} ${pattern.index} of ${pattern.of}`;
  if (skipped !== undefined) return `skipped, see below${step}`;
  return `${expectedText(expect)}${step}`;
}

function expectedText(expect: Expectation): string {
  const { atLeast, atMost } = expect.recovery;
  if (atLeast === "none") return atMost === "none" ? "nothing" : `nothing, at most ${atMost}`;
  const level = atLeast === atMost ? atLeast : `${atLeast} to ${atMost}`;
  const within = expect.actWithinMs === null ? "" : ` within ${seconds(expect.actWithinMs)}`;
  return `${level} recovery${expect.service === null ? "" : ` of ${expect.service}`}${within}`;
}

/** Columns aligned left, or right where the heading begins with ">". */
function table(headings: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const titles = headings.map((heading) => heading.replace(/^>/, ""));
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    `  ${cells.map((cell, column) => (headings[column]?.startsWith(">") === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join("  ")}`;
  return [line(titles), ...rows.map((row) => line(row))];
}

/** With a comma between thousands, the same in every locale. */
function count(value: number): string {
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ",");
}

function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}
