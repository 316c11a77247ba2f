#!/usr/bin/env node
// Makes sure that everything Kiln runs with is here, and records where: npm packages, Node 24, k6, Toxiproxy, PostgreSQL, Redis and (with
// --browser) what only tests need, nginx and Chromium. Plain JavaScript for Node 20, no packages. Safe to interrupt and to repeat; when all
// is here it only looks at the stamp and ends at once. Usage: node tools/setup.mjs [--quiet] [--browser]. Exit codes: 0, 3 (usage),
// 4 (something cannot be had), 5 (a bug), 130 (interrupted).
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { familyOf, formatElapsed, missingLine } from "./setup-lib.mjs";
import { Missing, interruptAll, searchPath, wasInterrupted } from "./setup-process.mjs";
import { ensureSystem } from "./setup-system.mjs";
import { ensureBuilt, ensureNode, ensurePackages, hashFiles, readJson, writeWhole } from "./setup-tools.mjs";

const stampFormat = 2;
const tools = dirname(fileURLToPath(import.meta.url));
const root = dirname(tools);
const bin = join(tools, ".bin");
const stampFile = join(bin, "stamp.json");
const recordFile = join(bin, "tools.json");
const builtFile = join(bin, "built.json");

/** What tells that a program is the one that was looked at before: its size and time of change, in milliseconds. */
function markOf(path) {
  try {
    const { size, mtimeMs } = statSync(path);
    return { path, size, mtimeMs };
  } catch {
    return null; // gone
  }
}

function pins() {
  return {
    format: stampFormat,
    root,
    lock: hashFiles(join(root, "package-lock.json")),
    go: hashFiles(join(tools, "go.mod"), join(tools, "go.sum")),
  };
}

/** True when the last set-up was whole, its pins are today's, and every program is still the one it saw. */
function allIsHere(browser) {
  const stamp = readJson(stampFile);
  if (stamp === undefined || !existsSync(recordFile)) return false;
  const now = pins();
  if (Object.keys(now).some((key) => now[key] !== stamp[key])) return false;
  if (readJson(join(root, "node_modules", ".kiln-setup.json"))?.lockSha256 !== now.lock) return false;
  const chosen = process.env.KILN_CHROMIUM ?? "";
  if (browser && stamp.nginx === null) return false;
  if (browser && (stamp.chromium === null || (chosen !== "" && chosen !== stamp.chromium))) return false;
  if (stamp.recordSha256 !== hashFiles(recordFile)) return false;
  return stamp.programs.every((old) => {
    const mark = markOf(old.path);
    return mark !== null && mark.size === old.size && mark.mtimeMs === old.mtimeMs;
  });
}

function makeContext() {
  const family = familyOf(
    process.platform,
    existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "",
  );
  const { go } = pins();
  return {
    root,
    tools,
    bin,
    family,
    folders: searchPath(root),
    isRoot: process.getuid?.() === 0,
    // Kept per program, so that what was built stays built when something else fails or set-up is interrupted.
    builtBefore: (path) => existsSync(path) && readJson(builtFile)?.[path] === go,
    rememberBuilt: (path) =>
      writeWhole(builtFile, `${JSON.stringify({ ...readJson(builtFile), [path]: go }, null, 2)}\n`),
    show: (text) => (wasInterrupted() ? undefined : process.stderr.write(`${text}\n`)),
    begin(what, where, why) {
      const startMs = performance.now();
      process.stdout.write(`set-up: installing ${what} into ${where}: ${why}\n`);
      return (name) =>
        process.stdout.write(
          `set-up: ${name} is ready after ${formatElapsed(performance.now() - startMs)}\n`,
        );
    },
  };
}

/** The three lanes run beside each other: packages and Node, Go builds, the system's packages. */
async function gather(context, browser) {
  const problems = [];
  const found = {};
  const attempt = async (tool, work) => {
    try {
      const result = await work();
      if (result !== undefined) found[tool] = result;
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      problems.push(error.problem);
    }
  };
  const packages = async () => {
    await attempt("npm", () => ensurePackages(context));
    await attempt("node", () => ensureNode(context));
  };
  const builds = async () => {
    await attempt("k6", () => ensureBuilt("k6", context));
    await attempt("toxiproxy", () => ensureBuilt("toxiproxy", context));
  };
  const system = async () => {
    const result = await ensureSystem(context, browser);
    Object.assign(found, result.found);
    problems.push(...result.problems);
  };
  const lanes = await Promise.allSettled([packages(), builds(), system()]);
  for (const lane of lanes) if (lane.status === "rejected") throw lane.reason;
  return { found, problems };
}

/** Writes the record for the harness, then the stamp that lets the next set-up be quick. */
function remember(found) {
  const order = ["node", "k6", "toxiproxy", "postgres", "redis", "nginx", "chromium"].filter(
    (tool) => found[tool] !== undefined,
  );
  const record = {
    node: found.node.path,
    k6: found.k6.path,
    toxiproxy: found.toxiproxy.path,
    postgresBin: dirname(found.postgres.path),
    redisServer: found.redis.path,
    nginx: found.nginx?.path ?? null,
    chromium: found.chromium?.path ?? null,
    versions: Object.fromEntries(order.map((tool) => [tool, found[tool].version])),
  };
  writeWhole(recordFile, `${JSON.stringify(record, null, 2)}\n`);
  const programs = order.map((tool) => markOf(found[tool].path)).filter((mark) => mark !== null);
  const { nginx, chromium } = record;
  const stamp = { ...pins(), nginx, chromium, recordSha256: hashFiles(recordFile), programs };
  writeWhole(stampFile, `${JSON.stringify(stamp, null, 2)}\n`);
}

function removeDrafts() {
  mkdirSync(bin, { recursive: true });
  for (const name of readdirSync(bin)) if (name.endsWith(".tmp")) rmSync(join(bin, name), { force: true });
}

async function main(args) {
  const unknown = args.find((arg) => arg !== "--quiet" && arg !== "--browser");
  if (unknown !== undefined) {
    process.stderr.write(
      `set-up: unknown option ${unknown}; usage: node tools/setup.mjs [--quiet] [--browser]\n`,
    );
    return 3;
  }
  const startMs = performance.now();
  const browser = args.includes("--browser");
  if (!allIsHere(browser)) {
    removeDrafts();
    const context = makeContext();
    const { found, problems } = await gather(context, browser);
    if (wasInterrupted()) return 130;
    for (const problem of problems)
      process.stderr.write(`${missingLine(problem, context.family, process.arch)}\n`);
    if (problems.length > 0) return 4;
    remember(found);
  }
  if (!args.includes("--quiet"))
    process.stdout.write(`set-up: all is here (${formatElapsed(performance.now() - startMs)})\n`);
  return 0;
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => interruptAll("SIGTERM"));
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`set-up: ${error instanceof Error ? error.message : String(error)}\n`);
  // A failed system call (no right to write, disk full) is the machine's; anything else is a bug in this file or its neighbours.
  process.exitCode = typeof error?.code === "string" ? 4 : 5;
}
if (wasInterrupted()) {
  process.stderr.write("set-up: interrupted; the next set-up goes on from here\n");
  process.exitCode = 130;
}
