// How set-up gets what belongs to the project: the npm packages (with Node 24 among them), k6 and Toxiproxy. What is there and fits is
// taken as it is; else packages are installed and programs are built from the pinned sums of tools/go.mod.
// Each function returns {path, version} or throws Missing; `context` is made by setup.mjs.
import { createHash } from "node:crypto";
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fits, parseVersion, rangeOf, sameInstall, versionText } from "./setup-lib.mjs";
import { Missing, ProgramFailed, findPrograms, isProgram, run } from "./setup-process.mjs";

const builds = {
  k6: { program: "k6", module: "go.k6.io/k6/v2", pack: "go.k6.io/k6/v2", about: "about a minute" },
  toxiproxy: {
    program: "toxiproxy-server",
    module: "github.com/Shopify/toxiproxy/v2",
    pack: "github.com/Shopify/toxiproxy/v2/cmd/server",
    about: "about half a minute",
  },
};

/** SHA-256 of some files' bytes, in hexadecimal. */
export function hashFiles(...paths) {
  const hash = createHash("sha256");
  for (const path of paths) hash.update(readFileSync(path));
  return hash.digest("hex");
}

/** The JSON of a file, or undefined when it is not there or is not whole (a set-up that was interrupted). */
export function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined; // both mean the same to set-up: do that step again
  }
}

/** Writes a file so that it is there whole or not at all. */
export function writeWhole(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, text);
  renameSync(draft, path);
}

/** The version that a program says it has; null when it cannot even say that. */
async function askVersion(path, args) {
  try {
    const output = await run(path, args, { limitMs: 60_000 });
    return { path, version: versionText(output), parsed: parseVersion(output) };
  } catch (error) {
    if (error instanceof ProgramFailed) return null; // a broken program is as good as none
    throw error;
  }
}

/** The first of these programs whose version fits, or null. */
export async function firstFit(tool, paths, args) {
  for (const path of paths) {
    const found = await askVersion(path, args);
    if (found !== null && fits(tool, found.parsed)) return found;
  }
  return null;
}

/** Installs the npm packages of package-lock.json unless they are installed. No package's install script runs. */
export async function ensurePackages(context) {
  const { root } = context;
  const stamp = join(root, "node_modules", ".kiln-setup.json");
  const lock = join(root, "package-lock.json");
  const lockSha256 = hashFiles(lock);
  if (readJson(stamp)?.lockSha256 === lockSha256) return;
  const installed = readJson(join(root, "node_modules", ".package-lock.json"));
  if (
    installed === undefined ||
    !sameInstall(readJson(lock) ?? {}, installed, process.platform, process.arch)
  ) {
    const [npm] = findPrograms("npm", context.folders);
    if (npm === undefined) throw new Missing("npm", "npm is not on PATH");
    const done = context.begin(
      "npm packages",
      "node_modules",
      "the libraries pinned in package-lock.json, Node 24 among them",
    );
    const args = [
      "ci",
      "--ignore-scripts",
      "--include=dev",
      "--include=optional",
      "--no-audit",
      "--no-fund",
      "--loglevel=error",
    ];
    try {
      await run(npm, args, { cwd: root, env: { PATH: context.folders.join(":"), NODE_ENV: "" } });
    } catch (error) {
      throw asMissing("npm", "npm ci failed", error, context);
    }
    done("npm packages");
  }
  writeWhole(stamp, `${JSON.stringify({ lockSha256 })}\n`);
}

/** The Node that runs Kiln: the locked package's, or a system Node that is new enough. */
export async function ensureNode(context) {
  const locked = join(context.root, "node_modules", ".bin", "node");
  const paths = [locked, process.execPath, ...findPrograms("node", context.folders)].filter(isProgram);
  const found = await firstFit("node", paths, ["--version"]);
  if (found === null) throw new Missing("node", "neither the packages nor this machine have one that fits");
  return { path: realpathSync(found.path), version: found.version };
}

/** k6 or Toxiproxy: built here before from the same pins, on PATH in a version that fits, or built now. */
export async function ensureBuilt(tool, context) {
  const { program, module, pack, about } = builds[tool];
  const target = join(context.bin, program);
  const args = tool === "k6" ? ["version"] : ["--version"];
  if (context.builtBefore(target)) {
    const built = await firstFit(tool, [target], args);
    if (built !== null) return built;
  }
  const onPath = await firstFit(tool, findPrograms(program, context.folders), args);
  if (onPath !== null) return onPath;
  const go = await findGo(tool, context);
  const pin = pinOf(readFileSync(join(context.tools, "go.mod"), "utf8"), module);
  const done = context.begin(
    `${program} ${pin}`,
    `tools/.bin/${program}`,
    `built by Go from tools/go.mod, ${about} the first time`,
  );
  const draft = `${target}.${process.pid}.tmp`;
  const flags = tool === "toxiproxy" ? ["-ldflags", `-X ${module}.Version=${pin}`] : [];
  try {
    await run(go, ["build", "-trimpath", ...flags, "-o", draft, pack], {
      cwd: context.tools,
      env: { CGO_ENABLED: "0", GOWORK: "off" },
    });
    renameSync(draft, target);
  } catch (error) {
    throw asMissing(tool, "go build failed", error, context);
  } finally {
    rmSync(draft, { force: true });
  }
  const built = await firstFit(tool, [target], args);
  if (built === null)
    throw new Missing(tool, `what Go built (${target}) does not run or is not ${rangeOf(tool)}`);
  context.rememberBuilt(target);
  done(`${program} ${built.version}`);
  return built;
}

/** The version that go.mod pins for a module, without its `v`. */
function pinOf(goMod, module) {
  for (const line of goMod.split("\n")) {
    const [name, version] = line
      .trim()
      .replace(/^require\s+/, "")
      .split(/\s+/);
    if (name === module && version?.startsWith("v")) return version.slice(1);
  }
  throw new Error(`tools/go.mod pins no version of ${module}`);
}

async function findGo(tool, context) {
  const candidates = findPrograms("go", context.folders);
  if (candidates.length === 0)
    throw new Missing(tool, "not on PATH, and there is no Go to build it with", "go");
  for (const go of candidates) {
    try {
      // In the module's folder Go itself says whether it is new enough, and switches its toolchain where it may.
      await run(go, ["version"], { cwd: context.tools, env: { GOWORK: "off" }, limitMs: 5 * 60_000 });
      return go;
    } catch (error) {
      if (!(error instanceof ProgramFailed)) throw error;
      context.show(error.message);
    }
  }
  throw new Missing(
    tool,
    `not on PATH, and ${candidates[0]} is too old to build it (${rangeOf("go")} is needed)`,
    "go",
  );
}

/** The folders `parent/<name that matches>/below`, highest number first. */
export function versionedFolders(parent, pattern, below) {
  let names;
  try {
    names = readdirSync(parent);
  } catch {
    return []; // no such folder on this system
  }
  const numberOf = (name) => Number(/\d+(?:\.\d+)?/.exec(name)?.[0] ?? 0);
  return names
    .filter((name) => pattern.test(name))
    .toSorted((a, b) => numberOf(b) - numberOf(a))
    .map((name) => join(parent, name, below));
}

/** Shows why a program failed and turns it into a missing tool; other errors (bugs) pass unchanged. */
function asMissing(tool, reason, error, context) {
  if (!(error instanceof ProgramFailed)) return error;
  context.show(error.message);
  return new Missing(tool, `${reason} (its output is above)`);
}
