// Was a corrupt configuration ever served, did a file go bad that nobody made bad, did versions only rise, and did the stack put right what
// was made bad? No drill changes the configuration yet, so any other values than the first good ones are wrong.
import type { EventOf } from "../journal/events.ts";
import type { Evidence } from "../journal/evidence.ts";
import type { Plan } from "../plan/plan.ts";
import type { Checker, Facts } from "./checker.ts";
import { countOf, finding, measure, seconds } from "./finding.ts";
import { configFilesOf } from "./instants.ts";
import type { FaultRecord, Finding } from "./verdict.ts";
import { watchTime } from "./watchdog-log.ts";

type Reading = EventOf<"config">;

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

/** Readings of the load and settle phases, and the last one before them: it is the good state that the run began with. */
function readingsOf(evidence: Evidence, file: string): Reading[] {
  const { fromMs, toMs } = watchTime(evidence);
  const all = evidence.eventsOf("config").filter((reading) => reading.file === file && reading.atMs <= toMs);
  const before = all.findLast(({ atMs }) => atMs < fromMs);
  return [...(before === undefined ? [] : [before]), ...all.filter(({ atMs }) => atMs >= fromMs)];
}

function judgeFile(plan: Plan, evidence: Evidence, facts: Facts, file: string, allowed: number): Finding[] {
  const readings = readingsOf(evidence, file);
  const served = readings.filter((reading) => reading.served !== null);
  if (served.length === 0) {
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
  const corruptions = [
    ...corruptServes(served),
    ...strayCorruptions(readings, onFile, facts),
    ...backwardVersions(served),
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
      : `Configuration ${file}: ${countOf(corruptions.length, "corruption")} (${allowed} allowed); ${last.text} at ${seconds(last.reading.atMs)}.`;
  const detail = corruptions
    .map(({ text, reading }) => `${seconds(reading.atMs)}: ${text}`)
    .slice(0, 20)
    .join("\n");
  const events = corruptions.map(({ reading }) => reading.seq);
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
    ...onFile.flatMap((record) => [...restored(record, file), ...observed(evidence, facts, record, file)]),
  ];
}

interface Corruption {
  readonly text: string;
  readonly reading: Reading;
}

/** One for each stretch of corrupt answers, not for each reading of it. */
function corruptServes(served: readonly Reading[]): Corruption[] {
  const good = served.find((reading) => reading.served?.checksumMatches === true)?.served?.valuesHash;
  const found: Corruption[] = [];
  let previous: string | null = null;
  for (const reading of served) {
    const wrong = wrongness(reading, good);
    if (wrong !== null && wrong !== previous) found.push({ text: wrong, reading });
    previous = wrong;
  }
  return found;
}

function wrongness({ served }: Reading, goodHash: string | undefined): string | null {
  if (served === null) return null;
  if (!served.checksumMatches) return "the service served a state that does not match its checksum";
  return goodHash !== undefined && served.valuesHash !== goodHash
    ? "the service served other values than the last good ones, without a planned change"
    : null;
}

/** A file that is bad outside the span of a corruption that Kiln injected into it. */
function strayCorruptions(
  readings: readonly Reading[],
  onFile: readonly FaultRecord[],
  facts: Facts,
): Corruption[] {
  const spans = facts.spans.filter(({ fault }) => onFile.some(({ id }) => id === fault));
  const found: Corruption[] = [];
  let bad = false;
  for (const reading of readings) {
    const planned = spans.some(({ fromMs, toMs }) => reading.atMs >= fromMs && reading.atMs <= toMs);
    if (!reading.fileValid && !planned && !bad)
      found.push({ text: "the file was corrupt or missing though no fault had touched it", reading });
    bad = !reading.fileValid && !planned;
  }
  return found;
}

function backwardVersions(served: readonly Reading[]): Corruption[] {
  const found: Corruption[] = [];
  let highest = -Infinity;
  for (const reading of served) {
    if (reading.served === null || !reading.served.checksumMatches) continue;
    const { version } = reading.served;
    if (version < highest)
      found.push({ text: `the version in force went back from ${highest} to ${version}`, reading });
    highest = Math.max(highest, version);
  }
  return found;
}

function restored(record: FaultRecord, file: string): Finding[] {
  const base = { id: `config-integrity/${record.id}`, fault: record.id, fromMs: record.plannedMs };
  if (record.confirmed !== "yes")
    return [
      finding({
        ...base,
        about: "harness",
        status: "inconclusive",
        title: `${record.id}: whether ${file} is restored cannot be told: the corruption was not confirmed.`,
      }),
    ];
  if (record.recovery === "timed")
    return [
      finding({
        ...base,
        about: "stack",
        status: "pass",
        title: `${record.id}: the stack restored ${file} by itself.`,
      }),
    ];
  if (record.recovery === "censored")
    return [
      finding({
        ...base,
        about: "stack",
        status: "fail",
        title: `${record.id}: the stack did not restore ${file} by itself.`,
      }),
    ];
  return [
    finding({
      ...base,
      about: "harness",
      status: "inconclusive",
      title: `${record.id}: who restored ${file} cannot be told.`,
      detail: record.note,
    }),
  ];
}

/** "Never served" needs somebody who asked: at least one answer of the service while the file was bad, or right after. */
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
  const title = `${record.id}: the service never answered while ${file} was corrupt, so whether it would have served it is unknown.`;
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
