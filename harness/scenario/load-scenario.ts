// Finds a scenario by name or path, imports it as it is (Node strips the types without checking them) and checks what it exports.
// Every way in which this can go wrong ends in a usage error that names the file, the key, what was expected and what to do.
import { existsSync, globSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { exitCode, KilnError, messageOf, usageError } from "../support/errors.ts";
import { isObject, issueLines, keyPath, type Issue } from "./fields.ts";
import { nearestName } from "./nearest.ts";
import type { Scenario } from "./scenario.ts";
import { parseScenario } from "./schema.ts";

export interface LoadedScenario {
  readonly scenario: Scenario;
  /** The same with the stack's quick thresholds; undefined where the stack is no function that could be asked for them. */
  readonly quick: Scenario | undefined;
  /** Absolute path of the scenario file. */
  readonly file: string;
  /** The file as messages name it: relative to the working directory. */
  readonly shownFile: string;
  /** Absolute path of the k6 script. */
  readonly scriptPath: string;
  /** Absolute path of the journey script, where the scenario has one. */
  readonly journeyPath?: string;
}

const checkoutDir = resolve(import.meta.dirname, "../..");
const typeCheckHint =
  "Node runs the file without checking its types: `npx tsc --noEmit` shows type errors, if there are any.";

/**
 * @param nameOrPath "smoke" for `scenarios/smoke.ts` under `cwd` (or of Kiln's own checkout), or the path of a `.ts` file.
 * @throws KilnError of kind usage: scenario-unknown, scenario-does-not-load, scenario-invalid.
 */
export async function loadScenario(
  nameOrPath: string,
  { cwd }: { readonly cwd: string },
): Promise<LoadedScenario> {
  const file = findFile(nameOrPath, cwd);
  const shownFile = shown(file, cwd);
  const input = await importDefault(file, shownFile, cwd);
  readWhole(input, shownFile, cwd);
  const result = parseScenario(input);
  const issues: Issue[] = "issues" in result ? [...result.issues] : [];
  const pathOf = (part: "load" | "journeys", what: string): string | undefined => {
    const script = scriptOf(input, part);
    if (script === undefined) return undefined;
    const path = resolve(dirname(file), script);
    const message = `expected ${what}, but there is no file ${shown(path, cwd)} (the path is relative to the scenario file)`;
    if (!isFile(path)) issues.push({ key: `${part}.script`, message });
    return path;
  };
  const scriptPath = pathOf("load", "a k6 script") ?? "";
  const journeyPath = pathOf("journeys", "a journey script");
  const quick =
    isObject(input) && typeof input["stack"] === "function" ? parseScenario(input, "quick") : null;
  // What is wrong with both is said once.
  if (quick !== null && "issues" in quick && issues.length === 0) issues.push(...quick.issues);
  if ("issues" in result || issues.length > 0) {
    throw usageError("scenario-invalid", issueLines(shownFile, issues), {
      hint: `Correct ${shownFile}. ${typeCheckHint}`,
    });
  }
  const { scenario } = result;
  const others = quick === null || "issues" in quick ? undefined : quick.scenario;
  const journey = journeyPath === undefined ? {} : { journeyPath };
  return { scenario, quick: others, file, shownFile, scriptPath, ...journey };
}

/** Reads every value once: a getter that throws, or a value that contains itself, is the file's fault and has to be told as such. */
function readWhole(input: unknown, shownFile: string, cwd: string): void {
  const open: unknown[] = [];
  const read = (value: unknown, path: readonly PropertyKey[]): void => {
    if (typeof value !== "object" || value === null) return;
    if (open.includes(value)) {
      throw usageError(
        "scenario-invalid",
        issueLines(shownFile, [{ key: keyPath(path), message: "contains itself" }]),
        {
          hint: `Correct ${shownFile}: a scenario is plain data.`,
        },
      );
    }
    open.push(value);
    for (const [name, inner] of Object.entries(value))
      read(inner, [...path, Array.isArray(value) ? Number(name) : name]);
    open.pop();
  };
  try {
    read(input, []);
  } catch (error) {
    if (error instanceof KilnError) throw error;
    const where = placeOf(error, cwd) ?? shownFile;
    const from = where.startsWith(shownFile) ? where : `${shownFile} (${where})`;
    throw usageError("scenario-does-not-load", `${from}: a value could not be read: ${messageOf(error)}`, {
      hint: "A scenario is plain data: give values instead of getters.",
      cause: error,
    });
  }
}

function findFile(nameOrPath: string, cwd: string): string {
  if (/[/\\]|\.[cm]?[jt]s$/.test(nameOrPath)) {
    const file = resolve(cwd, nameOrPath);
    if (isFile(file)) return file;
    throw usageError("scenario-unknown", `there is no file ${shown(file, cwd)}`, {
      hint: `Give the path of a scenario file, or one of these names: ${scenarioNames(cwd).join(", ")}.`,
    });
  }
  for (const folder of scenarioFolders(cwd)) {
    const file = join(folder, `${nameOrPath}.ts`);
    if (isFile(file)) return file;
  }
  const names = scenarioNames(cwd);
  const nearest = nearestName(nameOrPath, names);
  const suggestion = nearest === undefined ? "" : `; did you mean "${nearest}"?`;
  throw usageError("scenario-unknown", `there is no scenario "${nameOrPath}"${suggestion}`, {
    hint: `Known scenarios: ${names.join(", ")}. The path of a scenario file works as well.`,
  });
}

function scenarioFolders(cwd: string): string[] {
  return [...new Set([join(cwd, "scenarios"), join(checkoutDir, "scenarios")])];
}

/** Names of all scenarios that can be called by name, shortest first among numbers: smoke, 6h, 12h … sorted naturally. */
function scenarioNames(cwd: string): string[] {
  const names = scenarioFolders(cwd).flatMap((folder) =>
    globSync("*.ts", { cwd: folder }).map((file) => basename(file, ".ts")),
  );
  return [...new Set(names)]
    .filter((name) => !name.includes("."))
    .toSorted((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

async function importDefault(file: string, shownFile: string, cwd: string): Promise<unknown> {
  let loaded: { readonly default?: unknown };
  // A file that ends the process, or awaits for ever, must not look like a success.
  const cutShort = (): void => {
    process.stderr.write(`kiln: ${shownFile}: ended the process, or never finished, while it was loaded\n`);
    process.exitCode = exitCode.usage;
  };
  process.once("exit", cutShort);
  try {
    loaded = (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
  } catch (error) {
    if (error instanceof KilnError) throw error;
    const where = placeOf(error, cwd) ?? shownFile;
    throw usageError("scenario-does-not-load", `${where}: ${messageOf(error)}`, {
      hint: typeCheckHint,
      cause: error,
    });
  } finally {
    process.off("exit", cutShort);
  }
  if (loaded.default instanceof Promise) {
    const hint = "Export the scenario itself, not a promise of it.";
    loaded.default.catch(() => undefined);
    throw usageError(
      "scenario-invalid",
      `${shownFile}: expected a scenario as default export, got a promise`,
      { hint },
    );
  }
  if (loaded.default === undefined) {
    throw usageError(
      "scenario-invalid",
      `${shownFile}: expected a default export, such as \`export default defineScenario({ ... })\``,
      {
        hint: "Put `export default` before defineScenario.",
      },
    );
  }
  return loaded.default;
}

/** `file:line` of the first frame (or of a syntax error's first line) that lies in a file of the user's, not in Node or a package. */
function placeOf(error: unknown, cwd: string): string | undefined {
  if (!(error instanceof Error)) return undefined;
  for (const line of (error.stack ?? "").split("\n")) {
    const match = /(?:^|[\s(])(file:\/\/\/[^\s)]+?|\/[^\s)]+?):(\d+)(?::\d+)?\)?$/.exec(line);
    if (match?.[1] === undefined || match[1].includes("/node_modules/")) continue;
    const file = match[1].startsWith("file:") ? fileURLToPath(match[1]) : match[1];
    return `${shown(file, cwd)}:${match[2]}`;
  }
  return undefined;
}

function scriptOf(input: unknown, part: "load" | "journeys"): string | undefined {
  const given = isObject(input) ? input[part] : undefined;
  const script = isObject(given) ? given["script"] : undefined;
  return typeof script === "string" && script !== "" ? script : undefined;
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

function shown(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path.startsWith("..") ? file : path;
}
