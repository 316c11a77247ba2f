// How set-up gets what the system offers: PostgreSQL, Redis, nginx and Chromium. Found on PATH or in the distribution's folders; else, as
// root on Debian, installed by apt-get, whose packages must not start their services: Kiln starts its own in the run's folder.
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Missing, ProgramFailed, findPrograms, isProgram, run } from "./setup-process.mjs";
import { firstFit, versionedFolders } from "./setup-tools.mjs";

const policyFile = "/usr/sbin/policy-rc.d";
const policyMark = "# Written by Kiln's set-up for the time of one apt-get: packages may not start services.";
const packages = { postgres: "postgresql", redis: "redis-server", nginx: "nginx", chromium: "chromium" };
const reasons = {
  postgres: "PostgreSQL's server (the reference stack's database; its service is not started)",
  redis: "Redis (the reference stack's cache; its service is not started)",
  nginx: "nginx (the tests run the reference system's edge with it; its service is not started)",
  chromium: "Chromium (the tests open the report in it)",
};

async function findPostgres(context) {
  const usual = [
    ...versionedFolders("/usr/lib/postgresql", /^\d/, "bin"),
    ...versionedFolders("/usr", /^pgsql-\d/, "bin"),
    ...["/opt/homebrew/opt", "/usr/local/opt", "/home/linuxbrew/.linuxbrew/opt"].flatMap((brew) =>
      versionedFolders(brew, /^postgresql(@|$)/, "bin"),
    ),
  ];
  // The server needs its neighbours: Debian's PATH has wrappers of the client programs only.
  const whole = (path) =>
    ["initdb", "pg_ctl", "pg_dump"].every((name) => isProgram(join(dirname(path), name)));
  const servers = findPrograms("postgres", [...context.folders, ...usual]).filter(whole);
  const found = await firstFit("postgres", servers, ["--version"]);
  return found === null ? null : { path: found.path, version: found.version };
}

async function findRedis(context) {
  const folders = [...context.folders, "/opt/homebrew/bin", "/usr/local/bin"];
  return firstFit("redis", findPrograms("redis-server", folders), ["--version"]);
}

async function findChromium(context) {
  const chosen = process.env.KILN_CHROMIUM;
  if (chosen !== undefined && chosen !== "") {
    if (!isProgram(chosen)) throw new Missing("chromium", `KILN_CHROMIUM names no program: ${chosen}`);
    return firstFit("chromium", [chosen], ["--version"]);
  }
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const apps = ["Chromium.app/Contents/MacOS/Chromium", "Google Chrome.app/Contents/MacOS/Google Chrome"];
  const paths = [
    ...names.flatMap((name) => findPrograms(name, context.folders)),
    ...apps.map((app) => join("/Applications", app)).filter(isProgram),
  ];
  return firstFit("chromium", paths, ["--version"]);
}

async function findNginx(context) {
  const folders = [...context.folders, "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/local/bin"];
  return firstFit("nginx", findPrograms("nginx", folders), ["-v"]);
}

const finders = { postgres: findPostgres, redis: findRedis, nginx: findNginx, chromium: findChromium };
/** Needed by tests alone. */
const forTests = new Set(["nginx", "chromium"]);

/**
 * Finds or installs the system's programs. Returns {found, problems}: `found` has {path, version} for each tool that is here,
 * `problems` the others. What only tests need is looked for always, but asked for only with `browser`.
 */
export async function ensureSystem(context, browser) {
  const tools = Object.keys(finders);
  const state = await lookFor(context, tools, browser);
  const lacking = state.problems.map((problem) => problem.tool);
  const why = cannotInstall(context);
  if (lacking.length === 0 || why !== null) return withReason(state, why);
  // Ubuntu's chromium package is a stub that asks for a snap: left to the user.
  const wantedHere = lacking.filter((tool) => tool !== "chromium" || context.family === "debian");
  if (wantedHere.length === 0) return withReason(state, "the distribution has no package of it");
  try {
    await install(context, wantedHere);
  } catch (error) {
    if (!(error instanceof ProgramFailed)) throw error;
    context.show(error.message);
    return withReason(state, "apt-get could not install it (its output is above)");
  }
  return withReason(
    await lookFor(context, tools, browser),
    "not found even after apt-get: its version may not fit",
  );
}

function withReason(state, reason) {
  if (reason === null) return state;
  return {
    ...state,
    problems: state.problems.map((problem) => ({ ...problem, reason: problem.reason ?? reason })),
  };
}

async function lookFor(context, tools, browser) {
  const found = {};
  const problems = [];
  for (const tool of tools) {
    try {
      const program = await finders[tool](context);
      if (program !== null) found[tool] = program;
      else if (!forTests.has(tool) || browser) problems.push({ tool });
    } catch (error) {
      if (!(error instanceof Missing)) throw error;
      if (!forTests.has(tool) || browser) problems.push(error.problem);
    }
  }
  return { found, problems };
}

/** Why apt-get is out of the question here, in words; null when it may be used. */
function cannotInstall(context) {
  if (context.family !== "debian" && context.family !== "ubuntu") return "not found here";
  if (!context.isRoot) return "not found here, and only root may install it";
  return findPrograms("apt-get", context.folders).length === 0
    ? "not found here, and apt-get is not on PATH"
    : null;
}

async function install(context, tools) {
  const names = tools.map((tool) => packages[tool]);
  const done = context.begin(
    names.join(", "),
    "the system, by apt-get",
    tools.map((tool) => reasons[tool]).join("; "),
  );
  const env = { DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1" };
  const lock = ["-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"];
  const guarded = guardServices();
  try {
    await run("dpkg", ["--configure", "-a"], { env }); // mends an earlier set-up that was interrupted in the middle
    await run("apt-get", ["-q", ...lock, "update"], { env });
    await run("apt-get", ["-q", ...lock, "install", "-y", "--no-install-recommends", ...names], { env });
  } finally {
    if (guarded) rmSync(policyFile, { force: true });
  }
  done(names.join(", "));
}

/** Forbids packages to start services, unless the machine has a policy of its own. True when the guard is ours to remove. */
function guardServices() {
  if (existsSync(policyFile)) return readFileSync(policyFile, "utf8").includes(policyMark);
  writeFileSync(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`, { mode: 0o755 });
  return true;
}
