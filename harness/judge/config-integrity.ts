// Was a corrupt configuration ever served, did a file go bad that nobody made bad, did versions only rise, and did the stack put right what
// was made bad? Any other values than the first good ones are wrong, save those that a fault wrote or a drill put in force (config-planned.ts).
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import type { Checker, Facts } from "./checker.ts";
import { drillStates, judgeHeld, plannedStates, plannedUse, type PlannedState } from "./config-planned.ts";
import { readingsOf, servesOf, type Reading, type Serve } from "./config-serves.ts";
import { countOf, finding, measure, seconds } from "./finding.ts";
import { configFilesOf } from "./instants.ts";
import type { FaultRecord, Finding } from "./verdict.ts";

export const configIntegrity: Checker = {
  name: "config-integrity",
  check(plan, evidence, facts) {
    const allowed = plan.objectives.configCorruptions;
    if (allowed === undefined) return [];
    const files = (plan.stack.configFiles ?? []).map(({ name }) => name);
    if (files.length === 0)
      return [
        finding({
          id: "config-integrity/files",
          about: "harness",
          status: "inconclusive",
          title: "Configuration integrity cannot be told: the stack names no configuration file.",
        }),
      ];
    return files.flatMap((file) => judgeFile(plan, evidence, facts, file, allowed));
  },
};

function judgeFile(plan: Plan, evidence: Evidence, facts: Facts, file: string, allowed: number): Finding[] {
  const readings = readingsOf(evidence, file);
  const serves = servesOf(evidence, file, readings);
  if (serves.length === 0) {
    const why = readings.length === 0 ? "it was never read" : "the service never answered what is in force";
    return [
      finding({
        id: `config-integrity/${file}`,
        about: "harness",
        status: "inconclusive",
        title: `Configuration ${file} cannot be judged: ${why}.`,
        events: readings.map(({ seq }) => seq),
      }),
    ];
  }
  const onFile = facts.faults.filter(
    (record) => configFilesOf(plan, record.target).includes(file) && record.recovery !== "not-run",
  );
  const states = [...plannedStates(evidence, facts, onFile), ...drillStates(plan, evidence, facts, file)];
  const corruptions = [
    ...corruptServes(serves, states),
    ...strayCorruptions(readings, spoilersAmong(onFile, states), facts),
    ...backwardVersions(serves),
  ];
  const status = corruptions.length > allowed ? "fail" : "pass";
  const last = corruptions[0];
  const measures = [
    measure("corruptions", corruptions.length, "count", allowed),
    measure("readings with a change or a fault", readings.length, "count"),
  ];
  const title =
    last === undefined
      ? `Configuration ${file} stayed whole: no corrupt state was served, and only planned corruption touched the file.`
      : `Configuration ${file}: ${countOf(corruptions.length, "corruption")} (${allowed} allowed); ${last.text} at ${seconds(last.atMs)}.`;
  const detail = corruptions
    .map(({ text, atMs }) => `${seconds(atMs)}: ${text}`)
    .slice(0, 20)
    .join("\n");
  const events = corruptions.map(({ seq }) => seq);
  const main = finding({
    id: `config-integrity/${file}`,
    about: "stack",
    status,
    title,
    measures,
    events,
    ...(detail === "" ? {} : { detail }),
  });
  return [
    main,
    ...onFile.flatMap((record) => [
      record.kind === "held"
        ? judgeHeld(
            record,
            file,
            serves,
            states.find(({ fault }) => fault === record.id),
          )
        : restored(record, file),
      ...observed(evidence, facts, record, file),
    ]),
  ];
}

interface Corruption {
  readonly text: string;
  readonly atMs: number;
  /** Of the reading that shows it. */
  readonly seq: number;
}

/** One for each stretch of corrupt answers, not for each reading of it. */
function corruptServes(serves: readonly Serve[], states: readonly PlannedState[]): Corruption[] {
  const good = serves.find(({ served }) => served.checksumMatches)?.served.valuesHash;
  const found: Corruption[] = [];
  let previous: string | null = null;
  for (const serve of serves) {
    const wrong = wrongness(serve, good, states);
    if (wrong !== null && wrong.text !== previous) found.push({ ...wrong, seq: serve.seq });
    previous = wrong?.text ?? null;
  }
  return found;
}

function wrongness(
  serve: Serve,
  goodHash: string | undefined,
  states: readonly PlannedState[],
): { text: string; atMs: number } | null {
  const { served, atMs } = serve;
  if (!served.checksumMatches)
    return { text: "the service served a state that does not match its checksum", atMs };
  if (goodHash === undefined || served.valuesHash === goodHash) return null;
  const planned = plannedUse(serve, states);
  if (planned?.use === "planned") return null;
  if (planned === undefined)
    return {
      text: "the service served other values than the last good ones, without a planned change",
      atMs,
    };
  const text = `the service still served what ${planned.state.fault} had written, although that was healed and its settle time was over`;
  return { text, atMs: Math.max(atMs, planned.state.toMs) };
}

/** A fault that wrote a valid state excuses no invalid file: whoever tore it then, it was not the fault. */
function spoilersAmong(
  onFile: readonly FaultRecord[],
  states: readonly PlannedState[],
): readonly FaultRecord[] {
  return onFile.filter(({ id }) => !states.some(({ fault }) => fault === id));
}

/** A file that is bad outside the span of a corruption that Kiln injected into it. */
function strayCorruptions(
  readings: readonly Reading[],
  spoilers: readonly FaultRecord[],
  facts: Facts,
): Corruption[] {
  const spans = facts.spans.filter(({ fault }) => spoilers.some(({ id }) => id === fault));
  const found: Corruption[] = [];
  let bad = false;
  for (const reading of readings) {
    const planned = spans.some(({ fromMs, toMs }) => reading.atMs >= fromMs && reading.atMs <= toMs);
    if (!reading.fileValid && !planned && !bad)
      found.push({
        text: "the file was corrupt or missing though no fault had spoilt it",
        atMs: reading.atMs,
        seq: reading.seq,
      });
    bad = !reading.fileValid && !planned;
  }
  return found;
}

function backwardVersions(serves: readonly Serve[]): Corruption[] {
  const found: Corruption[] = [];
  let highest = -Infinity;
  for (const { served, atMs, seq } of serves) {
    if (!served.checksumMatches) continue;
    if (served.version < highest)
      found.push({
        text: `the version in force went back from ${highest} to ${served.version}`,
        atMs,
        seq,
      });
    highest = Math.max(highest, served.version);
  }
  return found;
}

function restored(record: FaultRecord, file: string): Finding {
  const base = { id: `config-integrity/${record.id}`, fault: record.id, fromMs: record.plannedMs };
  if (record.confirmed !== "yes")
    return finding({
      ...base,
      about: "harness",
      status: "inconclusive",
      title: `${record.id}: whether ${file} is restored cannot be told: the corruption was not confirmed.`,
    });
  if (record.recovery === "timed")
    return finding({
      ...base,
      about: "stack",
      status: "pass",
      title: `${record.id}: the stack restored ${file} by itself.`,
    });
  if (record.recovery === "censored")
    return finding({
      ...base,
      about: "stack",
      status: "fail",
      title: `${record.id}: the stack did not restore ${file} by itself.`,
    });
  return finding({
    ...base,
    about: "harness",
    status: "inconclusive",
    title: `${record.id}: who restored ${file} cannot be told.`,
    detail: record.note,
  });
}

/** "Never served" needs somebody who asked: at least one answer of the service while the fault was in, or right after. */
function observed(evidence: Evidence, facts: Facts, record: FaultRecord, file: string): Finding[] {
  const span = facts.spans.find(({ fault }) => fault === record.id);
  if (span === undefined) return [];
  const answers = [...evidence.samples(`config.${file}.read`, span.fromMs, span.toMs)].filter(
    ({ value }) => value > 0,
  ).length;
  const told = evidence
    .eventsOf("config")
    .some(
      (reading) =>
        reading.file === file &&
        reading.served !== null &&
        reading.atMs >= span.fromMs &&
        reading.atMs <= span.toMs,
    );
  if (answers > 0 || told) return [];
  const title = `${record.id}: the service never answered while ${file} was bad, so whether it would have served it is unknown.`;
  return [
    finding({
      id: `config-integrity/${record.id}-unobserved`,
      fault: record.id,
      about: "harness",
      status: "inconclusive",
      title,
      fromMs: span.fromMs,
      toMs: span.toMs,
    }),
  ];
}
