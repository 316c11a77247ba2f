// `kiln plan <scenario> --seed N`: prints what a run would do, and does nothing.
import { faultTable } from "../faults/index.ts";
import { renderPlan } from "../plan/render-plan.ts";
import { exitCode, type ExitCode } from "../support/errors.ts";
import { redact } from "../support/redact.ts";
import { planFor, type PlanChoice } from "./plan-for.ts";

export interface PlanCommandOptions extends PlanChoice {
  /** The plan as JSON, as it would stand in plan.json; otherwise text. */
  readonly json?: boolean;
}

/**
 * @param name A scenario's name or the path of its file.
 * @throws KilnError of kind usage when the scenario cannot be loaded or the plan is impossible.
 */
export async function planCommand(name: string, options: PlanCommandOptions): Promise<ExitCode> {
  const { plan } = await planFor(name, options, faultTable);
  process.stdout.write(
    redact(options.json === true ? `${JSON.stringify(plan, null, 2)}\n` : renderPlan(plan)),
  );
  return exitCode.pass;
}
