// For black-box tests: runs the real CLI (or a program that stands for it) and gives what came of it.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Verdict } from "../judge/verdict.ts";
import { projectRoot } from "../support/tools.ts";

export interface KilnResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KilnProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<KilnResult>;
  output(): string;
}

export const cli = join(projectRoot, "harness", "cli.ts");

/** A folder for the runs of one test file; remove it at the end. */
export function makeRunsDir(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "kiln-runs-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function startKiln(
  args: readonly string[],
  options: { readonly runsDir?: string; readonly env?: NodeJS.ProcessEnv; readonly cwd?: string } = {},
): KilnProcess {
  const env = {
    ...process.env,
    NO_COLOR: "1",
    ...(options.runsDir === undefined ? {} : { KILN_RUNS_DIR: options.runsDir }),
    ...options.env,
  };
  const child = spawn(process.execPath, [...args], {
    cwd: options.cwd ?? projectRoot,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<KilnResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended, output: () => stdout + stderr };
}

export function kiln(
  args: readonly string[],
  options: Parameters<typeof startKiln>[1] = {},
): Promise<KilnResult> {
  return startKiln([cli, ...args], options).ended;
}

/** The newest run folder of a runs folder. */
export function newestRun(runsDir: string): string {
  const name = readdirSync(runsDir).toSorted().at(-1);
  if (name === undefined) throw new Error(`no run in ${runsDir}`);
  return join(runsDir, name);
}

export function readVerdict(runDir: string): Verdict {
  return JSON.parse(readFileSync(join(runDir, "verdict.json"), "utf8")) as Verdict;
}

/** "checker: status" of every finding that is not a pass. */
export function complaints(verdict: Verdict): string[] {
  return verdict.findings
    .filter(({ status }) => status !== "pass")
    .map(({ checker, status }) => `${checker}: ${status}`);
}
