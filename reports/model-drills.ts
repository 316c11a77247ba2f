// Drills on the way into the report: each planned operation joined with what became of it, its band on the time axis, and its figures beside
// their targets.
import type { Evidence } from "../harness/journal/evidence.ts";
import type { DrillRecord, Verdict } from "../harness/judge/verdict.ts";
import type { Plan } from "../harness/plan/plan.ts";
import type { Band, DrillRow, NeverTested, Target } from "./model-types.ts";
import { formatCount, formatMs } from "./words.ts";

export function buildDrillRows({ drills = [] }: Plan, verdict: Verdict): DrillRow[] {
  return drills.flatMap((step) => {
    const record = verdict.drills?.find(({ id }) => id === step.id);
    if (record === undefined) return [];
    const asked = Object.entries(step.options)
      .map(([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`)
      .join(", ");
    const finding = verdict.findings.find(({ id }) => id === `drill/${step.id}`) ?? null;
    return [{ record, asked, finding, doneInMs: doneInMs(record), undoneInMs: undoneInMs(record) }];
  });
}

function doneInMs({ beganMs, done }: DrillRecord): number | null {
  return beganMs === null || done === null ? null : done.atMs - beganMs;
}

function undoneInMs({ undoingMs, undone }: DrillRecord): number | null {
  return undoingMs === null || undone === null ? null : undone.atMs - undoingMs;
}

/** From its start until it was undone; as far as the evidence reaches where it was not. */
export function drillBands(rows: readonly DrillRow[], evidence: Evidence): Band[] {
  return rows.flatMap(({ record: { id, beganMs, undone } }): Band[] => {
    if (beganMs === null) return [];
    const toMs = Math.max(beganMs, undone?.atMs ?? evidence.endMs);
    return [{ kind: "drill", fromMs: beganMs, toMs, short: id.split("-", 1)[0] ?? id, label: id }];
  });
}

const rollBack = "Roll-back of a configuration by an operator";
const backups = "Backup and restore";
const rollBackMs = 5 * 60_000;

/** What drills measured of the figures that the project promises to show. */
export function drillTargets({ drills = [], findings }: Verdict): Target[] {
  const of = (drill: string): DrillRecord[] => drills.filter((record) => record.drill === drill);
  const times = of("config-update").flatMap((record) => undoneInMs(record) ?? []);
  const longestMs = Math.max(...times);
  const made = of("backup-restore").filter(({ beganMs }) => beganMs !== null);
  const proved = made.filter(({ id }) =>
    findings.some((finding) => finding.id === `drill/${id}` && finding.status === "pass"),
  );
  const held = `${formatCount(proved.length)} of ${formatCount(made.length)}`;
  return [
    ...(times.length === 0
      ? []
      : [
          {
            name: rollBack,
            target: "under 5 min",
            measured: formatMs(longestMs),
            met: longestMs < rollBackMs,
          },
        ]),
    ...(made.length === 0
      ? []
      : [{ name: backups, target: "100 %", measured: held, met: proved.length === made.length }]),
  ];
}

/** Drills that did not happen, and the figures that none has measured. */
export function drillsNeverRun({ drills: steps = [] }: Plan, verdict: Verdict): NeverTested[] {
  const measured = drillTargets(verdict).map(({ name }) => name);
  const figures = [
    [rollBack, "under 5 min", "config-update"],
    [backups, "100 %", "backup-restore"],
  ] as const;
  return [
    ...(verdict.drills ?? [])
      .filter(({ beganMs }) => beganMs === null)
      .map(({ id, saw }) => ({ what: `Drill ${id}`, why: `not carried out: ${saw}` })),
    ...figures
      .filter(([name]) => !measured.includes(name))
      .map(([name, target, drill]) => ({
        what: `${name} (target: ${target})`,
        why: steps.some(({ fault }) => fault === drill)
          ? `its drill (${drill}) gave no figure`
          : `the plan holds no such drill (${drill})`,
      })),
  ];
}
