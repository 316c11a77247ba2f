// `npm test` after set-up: the checks, then the end-to-end, crash and browser tests, one after the other. Streams their output and ends with
// one line `N passed, N failed`: every test is one, and so is each check that has no tests. Exit 0, 1 (something failed), 3 (usage), 130.
// Options: --check (only the quick part: format, lint, types, unused code, unit tests). Needs no terminal and no stdin.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatElapsed } from "./setup-lib.mjs";
import { countCheck, countPlaywright, countVitest, totalLine } from "./test-count.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const programs = join(root, "node_modules", ".bin");
const reports = join(root, "tools", ".bin", "test-reports");

/** As a part of `npm test` the crash tests make so many random kills, and every so many-th of those at named points; alone they make all. */
const crashSample = { KILN_CRASH_KILLS: "3", KILN_CRASH_SHARE: "61", KILN_STOP_ROUNDS: "3" };

const vitest = (project, reporter) => (report) => ({
  args: [
    "vitest",
    "run",
    "--project",
    project,
    `--reporter=${reporter}`,
    "--reporter=json",
    `--outputFile.json=${report}`,
  ],
  count: countVitest,
});

const playwright = (report) => ({
  args: ["playwright", "test", "--reporter=line,json"],
  env: { PLAYWRIGHT_JSON_OUTPUT_NAME: report },
  count: countPlaywright,
});

const check =
  (...args) =>
  () => ({ args, count: (_report, exitCode) => countCheck(exitCode) });

const steps = [
  { name: "format", make: check("oxfmt", "--check") },
  { name: "lint", make: check("oxlint", "--type-aware", "--deny-warnings") },
  { name: "types", make: check("tsc", "--noEmit") },
  { name: "unused", make: check("knip") },
  { name: "unit", make: vitest("unit", "default") },
  { name: "parts", slow: true, make: vitest("parts", "verbose") },
  { name: "e2e", slow: true, make: vitest("e2e", "verbose") },
  { name: "crash", slow: true, make: vitest("crash", "verbose") },
  { name: "browser", slow: true, make: playwright },
];

let current;
let stoppedBy;

/** Runs one program of node_modules/.bin with its output streamed; resolves with its exit code (128 + n for a signal). */
function stream(args, env) {
  return new Promise((resolve, reject) => {
    const path = [programs, process.env.PATH ?? ""].join(delimiter);
    const [program, ...rest] = args;
    current = spawn(join(programs, program), rest, {
      cwd: root,
      env: { ...process.env, PATH: path, ...crashSample, ...env },
      stdio: ["ignore", "inherit", "inherit"],
    });
    current.on("error", reject);
    current.on("exit", (code, signal) => resolve(code ?? 128 + (constants.signals[signal] ?? 0)));
  });
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT" || error instanceof SyntaxError) return undefined; // counted as a failure
    throw error;
  }
}

async function runStep(step) {
  const startMs = performance.now();
  const report = join(reports, `${step.name}.json`);
  rmSync(report, { force: true });
  const { args, env, count } = step.make(report);
  process.stdout.write(`\n== ${step.name}: ${args.slice(0, 4).join(" ")}\n`);
  const exitCode = await stream(args, env);
  const result = count(readReport(report), exitCode);
  const notes = result.notes.map((note) => `, ${note}`).join("");
  const elapsed = formatElapsed(performance.now() - startMs);
  return {
    ...result,
    line: `${step.name}: ${result.passed} ok, ${result.failed} not ok${notes} (${elapsed})`,
  };
}

async function main(args) {
  const unknown = args.find((arg) => arg !== "--check");
  if (unknown !== undefined) {
    process.stderr.write(`unknown option ${unknown}; usage: node tools/test.mjs [--check]\n`);
    return 3;
  }
  mkdirSync(reports, { recursive: true });
  const results = [];
  for (const step of steps) {
    if (stoppedBy !== undefined || (step.slow === true && args.includes("--check"))) continue;
    results.push(await runStep(step));
  }
  process.stdout.write(`\n${results.map((result) => result.line).join("\n")}\n`);
  if (stoppedBy !== undefined) process.stdout.write(`stopped by ${stoppedBy}\n`);
  process.stdout.write(`${totalLine(results)}\n`);
  if (stoppedBy !== undefined) return 130;
  return results.some((result) => result.failed > 0) ? 1 : 0;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    stoppedBy = signal;
    current?.kill(signal);
  });
}
process.exitCode = await main(process.argv.slice(2));
