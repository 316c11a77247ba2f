// Did the planned faults really happen, and were they really taken out again? A fault that never bit proves nothing about the stack.
import type { Evidence } from "../journal/evidence.ts";
import type { FaultStep, Plan } from "../plan/plan.ts";
import type { Facts } from "./checker.ts";
import { countOf, finding, measure, someOf } from "./finding.ts";
import { wasSkipped } from "./instants.ts";
import { cutBy, missingText, type MissingStretch } from "./missing-evidence.ts";
import type { FaultRecord, Finding } from "./verdict.ts";

/** A fault that bites at less than this share of its asked size is not the fault that was asked for. */
const smallestShare = 0.5;
/** A fault this far off its plan reaches into stretches that were planned to be calm (settle times are 5 s and more). */
const timingSlackMs = 5_000;

export function faultFindings(plan: Plan, evidence: Evidence, facts: Facts): Finding[] {
  const found: Finding[] = [];
  const skipped = plan.faults.filter(wasSkipped);
  // What lies behind the end of evidence is missing because the run is not whole, which is a finding of its own.
  const due = plan.faults.filter((step) => !skipped.includes(step) && step.startMs < evidence.endMs);
  const recordOf = (step: FaultStep): FaultRecord | undefined =>
    facts.faults.find(({ id }) => id === step.id);
  for (const step of due) found.push(...problemsOf(step, recordOf(step), evidence, facts.missing));
  if (due.length > 0 && found.length === 0) {
    found.push(
      finding({
        id: "evidence/faults",
        about: "harness",
        status: "pass",
        title: `${countOf(due.length, "fault")} injected, each confirmed on the data path.`,
      }),
    );
  }
  if (skipped.length > 0) {
    const title = `Lost coverage: ${countOf(skipped.length, "fault")} skipped, as the scenario allows (${someOf(skipped.map(({ id }) => id))}).`;
    found.push(
      finding({
        id: "evidence/skipped",
        about: "harness",
        status: "pass",
        title,
        detail: "Nothing is known of how the stack bears them.",
      }),
    );
  }
  return found;
}

function problemsOf(
  step: FaultStep,
  record: FaultRecord | undefined,
  evidence: Evidence,
  missing: readonly MissingStretch[],
): Finding[] {
  const states = evidence.eventsOf("fault").filter(({ id }) => id === step.id);
  const looks = evidence.eventsOf("fault-confirmed").filter(({ id }) => id === step.id);
  const base = {
    fault: step.id,
    about: "harness" as const,
    fromMs: step.startMs,
    events: [...states, ...looks].map(({ seq }) => seq),
  };
  const found: Finding[] = [];
  const cut = record === undefined ? undefined : cutBy(record, missing);
  const plain = doubtAbout(step, record);
  const doubt =
    plain === null || cut === undefined
      ? plain
      : `${plain.replace(/\.$/, "")}; the harness died meanwhile: ${missingText(cut)}.`;
  if (doubt !== null) {
    const measures = record?.magnitude
      ? [
          measure("asked", record.magnitude.asked, record.magnitude.unit),
          measure("measured", record.magnitude.measured, record.magnitude.unit),
        ]
      : [];
    found.push(
      finding({
        ...base,
        id: `evidence/${step.id}`,
        status: "inconclusive",
        title: `${step.id} (${step.fault} on ${step.target}) ${doubt}`,
        measures,
      }),
    );
  }
  const broken = states.find(({ state }) => state === "broken");
  const healed = states.some(({ state }) => state === "healed");
  const overdue = evidence.ended !== null && states.length > 0 && !healed;
  if (broken !== undefined && !healed) {
    const title = `${step.id} IS LEFT IN: it could not be healed (${broken.error ?? "no reason given"}). What came after it proves nothing; run "kiln heal".`;
    found.push(finding({ ...base, id: `evidence/${step.id}-left-in`, status: "inconclusive", title }));
  } else if (overdue) {
    found.push(
      finding({
        ...base,
        id: `evidence/${step.id}-left-in`,
        status: "inconclusive",
        title: `${step.id} was never seen healed: it may have been left in.`,
      }),
    );
  }
  return found;
}

function doubtAbout(step: FaultStep, record: FaultRecord | undefined): string | null {
  if (record === undefined || record.confirmed === "not-run")
    return `was planned but never injected${record === undefined || record.saw === "" ? "" : ` (${record.saw})`}.`;
  if (record.injected === null) return "began to be injected, but never was.";
  if (record.confirmed === "no")
    return `could not be confirmed: asked for ${JSON.stringify(step.options)}, saw: ${record.saw}.`;
  const lateMs = record.injected.atMs - record.injected.errorMs - step.startMs;
  if (Math.abs(lateMs) > timingSlackMs)
    return `was injected ${lateMs > 0 ? "late" : "early"}, by ${Math.abs(Math.round(lateMs))} ms.`;
  const heldOverMs = record.kind === "held" && record.healed !== null ? record.healed.atMs - step.healMs : 0;
  if (Math.abs(heldOverMs) > timingSlackMs)
    return `was healed ${heldOverMs > 0 ? "late" : "early"}, by ${Math.abs(Math.round(heldOverMs))} ms: what was planned around it did not happen as planned.`;
  const { magnitude } = record;
  if (magnitude !== null && magnitude.asked > 0 && magnitude.measured < smallestShare * magnitude.asked) {
    return `bit at less than half of its size: asked for ${magnitude.asked} ${magnitude.unit}, measured ${magnitude.measured} ${magnitude.unit}.`;
  }
  return null;
}
