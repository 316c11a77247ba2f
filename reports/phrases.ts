// Phrases about findings and faults that more than one renderer uses.
import type { FaultRecord, Measure } from "../harness/judge/verdict.ts";
import { recoveryTimes } from "./model-facts.ts";
import type { FaultRow, ReportModel } from "./model-types.ts";
import { formatCount, formatMs, formatShare, formatValue, plural } from "./words.ts";

/** "recovery time 3.9 s (limit 60 s)". */
export function measureText({ name, value, unit, limit }: Measure): string {
  return `${name} ${formatValue(value, unit)}${limit === undefined ? "" : ` (limit ${formatValue(limit, unit)})`}`;
}

/** Was the fault real? One or two words. */
export function faultWord({ record, skipped }: FaultRow): string {
  if (skipped !== null) return "not run";
  if (record.confirmed === "no") return "not confirmed";
  return record.rescued ? "confirmed, rescued by Kiln" : "confirmed";
}

/** The recovery time as an interval, or why there is none. */
export function recoveryText({ recoveryMs, recovery, confirmed }: FaultRecord): string {
  if (confirmed === "no") return "not known, never confirmed";
  if (recoveryMs === null || recovery === "none" || recovery === "not-run" || recovery === "grouped")
    return recoveryWithout[recovery];
  const { low, high } = recoveryMs;
  if (high === null)
    return low > 0 ? `over ${formatMs(low)}, ${recoveryWithout[recovery]}` : recoveryWithout[recovery];
  const [from, to] = [formatMs(low), formatMs(high)];
  return from === to ? to : `${from} to ${to}`;
}

const recoveryWithout: Readonly<Record<FaultRecord["recovery"], string>> = {
  timed: "end not seen",
  none: "nothing to recover",
  censored: "never seen to end",
  undecided: "end not known",
  "not-run": "–",
  grouped: "with its group",
};

export interface KeyNumber {
  readonly name: string;
  readonly value: string;
  readonly note: string;
}

/** The handful of numbers that stand right under the verdict. */
export function keyNumbers(model: ReportModel): KeyNumber[] {
  const { summary, faults, drills, findings, availabilityObjective, recoveryLimitMs } = model;
  const confirmed = faults.filter(({ record }) => record.confirmed === "yes").length;
  const recoveries = recoveryTimes(
    faults.map(({ record }) => record),
    findings,
  );
  const objective =
    availabilityObjective === null ? "no objective set" : `objective ${formatShare(availabilityObjective)}`;
  const unknown = recoveries.unknown === 0 ? "" : `; ${recoveries.unknown} not known`;
  const limit = `${recoveryLimitMs === null ? "no limit set" : `limit ${formatMs(recoveryLimitMs)}`}${unknown}`;
  const longest =
    recoveries.count === 0
      ? "–"
      : Number.isFinite(recoveries.worstMs)
        ? formatMs(recoveries.worstMs)
        : "never ended";
  return [
    { name: "Availability", value: formatShare(summary.availability), note: objective },
    { name: "Longest recovery", value: longest, note: limit },
    {
      name: "Faults confirmed",
      value: `${formatCount(confirmed)} of ${formatCount(faults.length)}`,
      note: faults.length === 0 ? "none planned" : "seen to bite by a look at the data path",
    },
    ...(drills.length === 0
      ? []
      : [
          {
            name: "Drills",
            value: `${formatCount(drills.filter(({ finding }) => finding?.status === "pass").length)} of ${formatCount(drills.length)}`,
            note: "carried out, seen in force and undone, and what else they are held to",
          },
        ]),
    {
      name: "Requests completed",
      value: formatCount(summary.completed),
      note: `of ${formatCount(summary.planned)} planned; ${formatCount(summary.failed)} essential ones failed, ${formatCount(summary.dropped)} dropped`,
    },
    {
      name: "Latency p95",
      value: formatMs(summary.p95Ms),
      note: `p50 ${formatMs(summary.p50Ms)}, p99 ${formatMs(summary.p99Ms)}`,
    },
    ...dutyNumbers(summary),
  ];
}

/** Duty cycle and fault rate, a line each, where the plan has them. */
function dutyNumbers({ duty, faultRates }: ReportModel["summary"]): KeyNumber[] {
  const share = (value: number): string => `${(value * 100).toFixed(1)} %`;
  const found: KeyNumber[] = [];
  if (duty !== null) {
    const value = duty.measured === null ? formatShare(null) : share(duty.measured);
    const note = `of the windows' time under fault; asked ${share(duty.asked)}, planned ${share(duty.planned)}`;
    found.push({ name: "Duty cycle", value, note });
  }
  if (faultRates.length > 0) {
    const count = faultRates.reduce((sum, { faults }) => sum + faults, 0);
    found.push({
      name: "Fault rate",
      value: faultRates.map(({ measured }) => share(measured)).join(", "),
      note: `of a service's calls failed; asked ${faultRates.map(({ asked }) => share(asked)).join(", ")} (${plural(count, "fault")})`,
    });
  }
  return found;
}
