// plan.json of a run folder. Only Kiln writes it, but people copy and edit such files: what the judge and the reports rest on is looked at
// before they do, so that a file that is no plan is refused with its name, the place in it and what was expected there.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../plan/plan.ts";
import { messageOf, usageError } from "../support/errors.ts";
import { sha256 } from "../support/json.ts";

export const planFileName = "plan.json";

export interface PlanFile {
  readonly plan: Plan;
  /** SHA-256 of the file, as the journal's header has it of the plan that was run. */
  readonly planFileHash: string;
}

const hint = "give the path of a folder under runs/ (`kiln runs` lists them)";

/** Throws a usage error that says what is wrong with the folder or the file. */
export function readPlanFile(runDir: string): PlanFile {
  const file = join(runDir, planFileName);
  if (!existsSync(runDir)) throw usageError("run-folder-missing", `${runDir}: no such run folder`, { hint });
  if (!existsSync(file))
    throw usageError("run-folder-no-plan", `${runDir}: not a run folder, ${planFileName} is missing`, {
      hint,
    });
  try {
    const text = readFileSync(file, "utf8");
    const value: unknown = JSON.parse(text);
    const wrong = faultOf(value);
    if (wrong !== undefined) throw new TypeError(wrong);
    return { plan: value as Plan, planFileHash: sha256(text) };
  } catch (error) {
    throw usageError("run-folder-bad-plan", `${file}: not readable as a plan: ${messageOf(error)}`, {
      hint,
      cause: error,
    });
  }
}

type Kind = "text" | "number" | "list" | "object";

/** What is read without a further look, by key path. */
const expected: readonly (readonly [path: string, kind: Kind])[] = [
  ["scenario", "text"],
  ["seed", "text"],
  ["hash", "text"],
  ["durationMs", "number"],
  ["warmUpMs", "number"],
  ["preflightMs", "number"],
  ["load", "object"],
  ["load.timeoutMs", "number"],
  ["load.segments", "list"],
  ["windows", "list"],
  ["faults", "list"],
  ["objectives", "object"],
  ["stopWhen", "object"],
  ["stack", "object"],
  ["stack.services", "list"],
  ["stack.links", "list"],
];
const ofEachFault: readonly (readonly [path: string, kind: Kind])[] = [
  ["id", "text"],
  ["fault", "text"],
  ["kind", "text"],
  ["target", "text"],
  ["options", "object"],
  ["startMs", "number"],
  ["healMs", "number"],
  ["settleUntilMs", "number"],
  ["expect", "object"],
  ["expect.recovery", "object"],
];
const ofEachSegment: readonly (readonly [path: string, kind: Kind])[] = [
  ["index", "number"],
  ["startMs", "number"],
  ["endMs", "number"],
  ["rps", "number"],
  ["starts", "number"],
  ["users", "number"],
  ["usersNeeded", "number"],
];

/** The first thing that keeps a value from being a plan, in words; undefined when nothing does. */
function faultOf(value: unknown): string | undefined {
  if (kindOf(value) !== "object") return `expected an object, got ${kindOf(value)}`;
  const version = at(value, "v");
  if (version !== 1) return `expected version 1 of the plan format, got ${String(version)}`;
  return (
    firstWrong(value, expected, "") ??
    firstOfList(value, "faults", ofEachFault) ??
    wrongDrills(value) ??
    firstOfList(value, "load.segments", ofEachSegment)
  );
}

/** Plans without drills have no list of them. */
function wrongDrills(value: unknown): string | undefined {
  const kind = kindOf(at(value, "drills"));
  if (kind === "nothing") return undefined;
  if (kind !== "list") return `drills: expected a list, got ${kind}`;
  return firstOfList(value, "drills", [...ofEachFault, ["demands", "object"]]);
}

function firstOfList(
  value: unknown,
  path: string,
  keys: readonly (readonly [path: string, kind: Kind])[],
): string | undefined {
  const list = at(value, path);
  if (!Array.isArray(list)) return undefined;
  for (const [index, item] of list.entries()) {
    const wrong = firstWrong(item, keys, `${path}[${index}].`);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function firstWrong(
  value: unknown,
  keys: readonly (readonly [path: string, kind: Kind])[],
  prefix: string,
): string | undefined {
  for (const [path, kind] of keys) {
    const found = kindOf(at(value, path));
    if (found !== kind) return `${prefix}${path}: expected ${named[kind]}, got ${found}`;
  }
  return undefined;
}

const named: Readonly<Record<Kind, string>> = {
  text: "a text",
  number: "a number",
  list: "a list",
  object: "an object",
};

function at(value: unknown, path: string): unknown {
  let here: unknown = value;
  for (const key of path.split(".")) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as Readonly<Record<string, unknown>>)[key];
  }
  return here;
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return "text";
  if (typeof value === "number") return Number.isFinite(value) ? "number" : "no finite number";
  return typeof value;
}
