// The pure parts of set-up: versions, what fits, and the line that mends a missing tool. No files, no processes.
// Plain JavaScript without npm packages, because it runs before any package is installed (Node 20 or newer).

/** What each tool must be: `min` inclusive, `below` (a major version) exclusive. Read from one place only. */
const wanted = {
  node: { label: "Node", min: [24, 15, 0], why: "Kiln runs its TypeScript directly" },
  go: { label: "Go", min: [1, 25, 0], why: "builds k6 and Toxiproxy" },
  k6: { label: "k6", min: [2, 2, 0], below: 3, why: "makes the load" },
  toxiproxy: {
    label: "Toxiproxy",
    min: [2, 12, 0],
    below: 3,
    why: "every link of the stack goes through it",
  },
  postgres: { label: "PostgreSQL", min: [15, 0, 0], why: "the reference stack keeps its data there" },
  redis: { label: "Redis", min: [7, 0, 0], why: "the reference stack's cache" },
  nginx: { label: "nginx", min: [1, 18, 0], why: "the tests run the reference system's edge with it" },
  chromium: { label: "Chromium", min: [100, 0, 0], why: "the tests open the report in it" },
  npm: { label: "npm packages", why: "the libraries that package-lock.json pins" },
};

/** The first dotted number in a tool's version text as [major, minor, patch], or null when there is none. */
export function parseVersion(text) {
  const match = /(?:^|[^\d.])(\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  return match === null ? null : [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}

/** The first dotted number in a tool's version text as it stands there, `unknown` when there is none. */
export function versionText(text) {
  return /\d+(?:\.\d+)+/.exec(text)?.[0] ?? "unknown";
}

/** Whether a parsed version is one that `wanted[tool]` allows. */
export function fits(tool, version) {
  if (version === null) return false;
  const { min, below } = wanted[tool];
  if (below !== undefined && version[0] >= below) return false;
  for (const [index, least] of min.entries()) {
    if (version[index] !== least) return version[index] > least;
  }
  return true;
}

/** `2.2 or newer (below 3)`: the range of a tool in words. */
export function rangeOf(tool) {
  const { min, below } = wanted[tool];
  const least = min[2] === 0 ? (min[1] === 0 ? `${min[0]}` : `${min[0]}.${min[1]}`) : min.join(".");
  return `${least} or newer${below === undefined ? "" : ` (below ${below})`}`;
}

/** The family of the system, from Node's platform name and the text of /etc/os-release: it decides which mend is shown. */
export function familyOf(platform, osRelease) {
  if (platform === "darwin") return "macos";
  const ids = [...osRelease.matchAll(/^(?:ID|ID_LIKE)=(.*)$/gm)].flatMap((match) =>
    match[1].replaceAll('"', "").split(/\s+/),
  );
  if (ids.includes("ubuntu")) return "ubuntu";
  if (ids.includes("debian")) return "debian";
  if (ids.includes("fedora") || ids.includes("rhel")) return "fedora";
  return "other";
}

const apt = (name) => `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${name}`;
const goArchive =
  "curl -fsSL https://go.dev/dl/go1.26.8.linux-ARCH.tar.gz | sudo tar -C /usr/local -xz && export PATH=$PATH:/usr/local/go/bin";

const buildAgain = "make sure that Go can fetch the modules of tools/go.mod, then run: node tools/setup.mjs";

const mends = {
  k6: { any: buildAgain },
  toxiproxy: { any: buildAgain },
  go: { macos: "brew install go", fedora: "sudo dnf install -y golang", any: goArchive },
  node: {
    macos: "brew install node@24",
    fedora: "sudo dnf install -y nodejs24",
    any: "npm ci --ignore-scripts (with the optional packages), or install Node 24 from https://nodejs.org/en/download",
  },
  npm: { any: "npm ci --ignore-scripts" },
  postgres: {
    macos: "brew install postgresql@17",
    debian: apt("postgresql"),
    ubuntu: apt("postgresql"),
    fedora: "sudo dnf install -y postgresql-server postgresql",
    any: "install PostgreSQL 15 or newer and put its bin folder on PATH",
  },
  redis: {
    macos: "brew install redis",
    debian: apt("redis-server"),
    ubuntu: apt("redis-server"),
    fedora: "sudo dnf install -y redis",
    any: "install Redis 7 or newer and put redis-server on PATH",
  },
  nginx: {
    macos: "brew install nginx",
    debian: apt("nginx"),
    ubuntu: apt("nginx"),
    fedora: "sudo dnf install -y nginx",
    any: "install nginx and put it on PATH",
  },
  chromium: {
    macos: "brew install --cask chromium",
    debian: apt("chromium"),
    ubuntu: "sudo snap install chromium",
    fedora: "sudo dnf install -y chromium",
    any: "install Chromium and set KILN_CHROMIUM to its path",
  },
};

/** The command that mends a missing tool on that family of systems. `arch` is Node's name of the processor. */
function mendFor(tool, family, arch) {
  const byFamily = mends[tool];
  return (byFamily[family] ?? byFamily.any).replace("ARCH", arch === "x64" ? "amd64" : arch);
}

/**
 * One line for one missing tool: what, which version, why it could not be had, and the command that mends it.
 * `problem` is {tool, reason, mend?}; `mend` names another tool whose mend helps (k6 is mended by installing Go).
 */
export function missingLine(problem, family, arch) {
  const { label, min } = wanted[problem.tool];
  const range = min === undefined ? "" : ` ${rangeOf(problem.tool)}`;
  return `missing: ${label}${range}: ${problem.reason}. Mend: ${mendFor(problem.mend ?? problem.tool, family, arch)}`;
}

/** A program's output for an error message: all of it when short, else its first and last lines (npm says first what is wrong). */
export function excerpt(text, count = 6) {
  const lines = text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "");
  if (lines.length <= 2 * count) return lines;
  return [...lines.slice(0, count), `(${lines.length - 2 * count} lines left out)`, ...lines.slice(-count)];
}

/** Seconds with one decimal: `12.3 s`. */
export function formatElapsed(elapsedMs) {
  return `${(elapsedMs / 1000).toFixed(1)} s`;
}

/**
 * Whether the packages that npm says it installed (node_modules/.package-lock.json) are those of package-lock.json.
 * An optional package may be absent unless it names this very system; those that name a C library are left to npm.
 */
export function sameInstall(lock, installed, platform, arch) {
  for (const [path, entry] of Object.entries(lock.packages ?? {})) {
    if (path === "" || entry.link === true) continue;
    const have = installed.packages?.[path];
    if (have === undefined) {
      const named = entry.os !== undefined || entry.cpu !== undefined;
      const forHere =
        named && entry.libc === undefined && fitsHere(entry.os, platform) && fitsHere(entry.cpu, arch);
      if (entry.optional !== true || forHere) return false;
    } else if (have.version !== entry.version || have.integrity !== entry.integrity) {
      return false;
    }
  }
  return true;
}

function fitsHere(declared, mine) {
  const allowed = [declared ?? []].flat();
  if (allowed.length === 0 || allowed.includes(mine)) return true;
  return allowed.every((one) => one.startsWith("!")) && !allowed.includes(`!${mine}`);
}

const binding =
  /(win32|darwin|linux|android|freebsd|openharmony)-(arm64|arm|x64|ia32|ppc64|riscv64|s390x)(?:-(gnu|musl|msvc|eabi|gnueabihf|musleabihf))?$/;

/**
 * A copy of a lock file with an entry for every optional package that names its system in its name and is not listed.
 * Returns {lock, added}: `added` are the new names with their versions. Only exact versions are added.
 */
export function completeLock(lock) {
  const packages = { ...lock.packages };
  const added = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const listed = [`node_modules/${name}`, `${path}/node_modules/${name}`].some(
        (place) => place in packages,
      );
      const match = binding.exec(name);
      if (listed || match === null || !/^\d+\.\d+\.\d+$/.test(version)) continue;
      const [, os, cpu, abi] = match;
      const libc =
        os === "linux" && abi !== undefined ? { libc: [abi.startsWith("musl") ? "musl" : "glibc"] } : {};
      const dev = entry.dev === true ? { dev: true } : {};
      packages[`node_modules/${name}`] = { version, cpu: [cpu], ...dev, ...libc, optional: true, os: [os] };
      added.push(`${name}@${version}`);
    }
  }
  const sorted = Object.entries(packages).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { lock: { ...lock, packages: Object.fromEntries(sorted) }, added };
}
