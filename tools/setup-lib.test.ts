import { describe, expect, test } from "vitest";
import {
  completeLock,
  excerpt,
  familyOf,
  fits,
  missingLine,
  parseVersion,
  rangeOf,
  sameInstall,
  versionText,
} from "./setup-lib.mjs";

describe("versions", () => {
  test.each([
    ["k6 v2.2.0 (go1.26.8, linux/amd64)", [2, 2, 0]],
    ["toxiproxy-server version 2.12.0", [2, 12, 0]],
    ["toxiproxy-server version git", null],
    ["Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0", [7, 0, 15]],
    ["postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", [15, 18, 0]],
    ["/usr/bin/chromium: 9: [: 25276514304: unexpected operator\nChromium 156.0.8078.79", [156, 0, 8078]],
    ["nginx version: nginx/1.22.1", [1, 22, 1]],
    ["v24.21.0", [24, 21, 0]],
  ])("are read from %j", (text, version) => {
    expect(parseVersion(text)).toEqual(version);
  });

  test.each([
    ["k6", [2, 2, 0], true],
    ["k6", [2, 1, 9], false],
    ["k6", [3, 0, 0], false],
    ["k6", [1, 9, 0], false],
    ["toxiproxy", [2, 9, 0], false],
    ["toxiproxy", [2, 13, 0], true],
    ["node", [24, 14, 9], false],
    ["node", [24, 15, 0], true],
    ["node", [26, 0, 0], true],
    ["postgres", [14, 20, 0], false],
    ["redis", [7, 0, 0], true],
    ["redis", null, false],
  ])("%s %j fits: %j", (tool, version, expected) => {
    expect(fits(tool, version)).toBe(expected);
  });

  test("are shown as the program wrote them", () => {
    expect(versionText("postgres (PostgreSQL) 15.18 (Debian)")).toBe("15.18");
    expect(versionText("git")).toBe("unknown");
    expect([rangeOf("k6"), rangeOf("postgres"), rangeOf("node")]).toEqual([
      "2.2 or newer (below 3)",
      "15 or newer",
      "24.15 or newer",
    ]);
  });
});

describe("a missing tool", () => {
  const line = (tool: string, family: string, mend?: string) =>
    missingLine({ tool, reason: "not found", mend }, family, "x64");

  test("is one line with the version asked for and the mend of that system", () => {
    expect(line("postgres", "debian")).toBe(
      "missing: PostgreSQL 15 or newer: not found. Mend: " +
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends postgresql",
    );
    expect(line("redis", "macos")).toMatch(/Mend: brew install redis$/);
    expect(line("redis", "fedora")).toMatch(/Mend: sudo dnf install -y redis$/);
    expect(line("chromium", "ubuntu")).toMatch(/Mend: sudo snap install chromium$/);
    expect(line("npm", "other")).toBe("missing: npm packages: not found. Mend: npm ci --ignore-scripts");
  });

  test("that Go would build is mended by installing Go for this processor", () => {
    expect(line("k6", "macos", "go")).toMatch(
      /^missing: k6 2\.2 or newer \(below 3\): .* Mend: brew install go$/,
    );
    expect(line("k6", "debian", "go")).toContain("linux-amd64.tar.gz");
    expect(missingLine({ tool: "k6", reason: "x", mend: "go" }, "debian", "arm64")).toContain(
      "linux-arm64.tar.gz",
    );
    for (const family of ["debian", "ubuntu", "fedora", "macos", "other"]) {
      for (const tool of ["npm", "node", "k6", "toxiproxy", "postgres", "redis", "nginx", "chromium"]) {
        expect(line(tool, family)).toMatch(/^missing: [^\n]+ Mend: [^\n]+$/);
      }
    }
  });
});

test("the family of a system is read from os-release", () => {
  expect(familyOf("linux", 'PRETTY_NAME="Debian"\nID=debian\n')).toBe("debian");
  expect(familyOf("linux", "ID=ubuntu\nID_LIKE=debian\n")).toBe("ubuntu");
  expect(familyOf("linux", 'ID="rocky"\nID_LIKE="rhel centos fedora"\n')).toBe("fedora");
  expect(familyOf("linux", "ID=arch\n")).toBe("other");
  expect(familyOf("darwin", "")).toBe("macos");
});

test("an excerpt keeps the first and the last lines that say something", () => {
  expect(excerpt("a\n\nb  \nc\n\n", 2)).toEqual(["a", "b", "c"]);
  expect(excerpt("a\nb\nc\nd\ne\nf\ng\n", 2)).toEqual(["a", "b", "(3 lines left out)", "f", "g"]);
});

describe("an installation is that of the lock file", () => {
  const lock = {
    packages: {
      "": { name: "project" },
      "node_modules/a": { version: "1.0.0", integrity: "x" },
      "node_modules/here": { version: "1.0.0", integrity: "h", optional: true, os: ["linux"], cpu: ["x64"] },
      "node_modules/there": { version: "1.0.0", integrity: "t", optional: true, os: "darwin" },
      "node_modules/there-too": { version: "1.0.0", integrity: "u", optional: true },
    },
  };
  const a = { version: "1.0.0", integrity: "x" };
  const here = { version: "1.0.0", integrity: "h" };
  const same = (packages: object) => sameInstall(lock, { packages }, "linux", "x64");

  test("when all but other systems' optional packages are there", () => {
    expect(same({ "node_modules/a": a, "node_modules/here": here })).toBe(true);
  });
  test("but not when one lacks, is another version, or has other bytes", () => {
    expect(same({ "node_modules/here": here })).toBe(false);
    expect(same({ "node_modules/a": a })).toBe(false);
    expect(same({ "node_modules/a": { ...a, version: "1.0.1" }, "node_modules/here": here })).toBe(false);
    expect(same({ "node_modules/a": { ...a, integrity: "y" }, "node_modules/here": here })).toBe(false);
  });
});

test("a lock file is completed with the bindings for other systems, at their exact version only, and once", () => {
  const tool = {
    version: "1.2.3",
    dev: true,
    optionalDependencies: {
      "@t/linux-x64-gnu": "1.2.3",
      "@t/linux-x64-musl": "1.2.3",
      "@t/win32-arm64": "1.2.3",
      "odd-darwin-x64": "^1.0.0",
    },
  };
  const lock = {
    lockfileVersion: 3,
    packages: { "": {}, "node_modules/t": tool, "node_modules/@t/linux-x64-gnu": { version: "1.2.3" } },
  };
  const once = completeLock(lock);
  expect(once.added).toEqual(["@t/linux-x64-musl@1.2.3", "@t/win32-arm64@1.2.3"]);
  expect(once.lock.packages["node_modules/@t/linux-x64-musl"]).toEqual({
    version: "1.2.3",
    cpu: ["x64"],
    dev: true,
    libc: ["musl"],
    optional: true,
    os: ["linux"],
  });
  expect(completeLock(once.lock).added).toEqual([]);
  expect(Object.keys(lock.packages)).toHaveLength(3);
});
