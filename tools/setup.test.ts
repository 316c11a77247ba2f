// Set-up as a black box, in a copied tree with a PATH of its own: what it says when nothing can be had, how quick it is when all is there,
// what it does when a program it runs fails or the user interrupts it. Never as root where it could install something.
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const nobody = 65534;
/** Where it has read permission for all of it: what the tests run as may not enter the folders that the real one lies in. */
let node: string;
let tree: string;
let path: string;

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), "kiln-setup-"));
  path = join(tree, "path");
  mkdirSync(path);
  mkdirSync(join(tree, "tools", ".bin"), { recursive: true });
  for (const name of ["package.json", "package-lock.json", "tools/go.mod", "tools/go.sum"])
    cpSync(join(root, name), join(tree, name));
  for (const name of readdirSync(import.meta.dirname)) {
    if (name.endsWith(".mjs")) cpSync(join(import.meta.dirname, name), join(tree, "tools", name));
  }
  node = join(tree, "node");
  linkOrCopy(process.execPath, node);
  for (const folder of [tree, path, join(tree, "tools", ".bin")]) chmodSync(folder, 0o777);
});

afterEach(() => {
  rmSync(tree, { recursive: true, force: true });
});

function start(
  args: string[] = [],
  env: Record<string, string> = {},
): { child: ChildProcess; out: () => string; err: () => string } {
  const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {};
  const child = spawn(node, [join(tree, "tools", "setup.mjs"), ...args], {
    cwd: tree,
    env: { PATH: path, HOME: tree, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...user,
  });
  let out = "";
  let err = "";
  child.stdout?.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (err += chunk.toString()));
  return { child, out: () => out, err: () => err };
}

async function setUp(args: string[] = [], env: Record<string, string> = {}) {
  const { child, out, err } = start(args, env);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out: out(), err: err() };
}

/** A link costs nothing; between file systems there is none. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EXDEV")) throw error;
    cpSync(from, to);
  }
}

function script(name: string, text: string): void {
  writeFileSync(join(path, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

/** Gives the tree everything: the real programs of this checkout's own set-up by links on PATH, and npm's record of the packages. */
function provideAll(): void {
  const record = JSON.parse(readFileSync(join(root, "tools", ".bin", "tools.json"), "utf8"));
  for (const tool of ["k6", "toxiproxy-server"]) {
    cpSync(tool === "k6" ? record.k6 : record.toxiproxy, join(path, tool));
    chmodSync(join(path, tool), 0o755);
  }
  symlinkSync(record.redisServer, join(path, "redis-server"));
  for (const name of ["postgres", "initdb", "pg_ctl", "pg_dump"])
    symlinkSync(join(record.postgresBin, name), join(path, name));
  mkdirSync(join(tree, "node_modules"));
  chmodSync(join(tree, "node_modules"), 0o777);
  cpSync(join(root, "node_modules", ".package-lock.json"), join(tree, "node_modules", ".package-lock.json"));
}

test("what cannot be had is one line each with its mend, exit 4, no stack trace", async () => {
  const result = await setUp(["--browser"], { KILN_CHROMIUM: "/nowhere/chromium" });
  expect(result.code).toBe(4);
  const lines = result.err.trimEnd().split("\n");
  for (const line of lines) expect(line).toMatch(/^missing: .+ Mend: .+$/);
  for (const tool of ["npm packages", "k6", "Toxiproxy", "Redis", "Chromium"]) {
    expect(lines.filter((line) => line.startsWith(`missing: ${tool}`))).toHaveLength(1);
  }
  expect(result.err).toContain("there is no Go to build it with");
  expect(result.err).toContain("KILN_CHROMIUM names no program: /nowhere/chromium");
  expect(result.out).toBe("");
});

test("what fits is taken from PATH and recorded; the next set-up only looks; a program that went away is missed", async () => {
  provideAll();
  const first = await setUp();
  expect(first).toMatchObject({ code: 0, err: "" });
  expect(first.out).toMatch(/^set-up: all is here \(\d+\.\d s\)\n$/);
  const record = JSON.parse(readFileSync(join(tree, "tools", ".bin", "tools.json"), "utf8"));
  expect(record).toMatchObject({
    k6: join(path, "k6"),
    toxiproxy: join(path, "toxiproxy-server"),
    postgresBin: path,
  });
  expect(record.versions.k6).toMatch(/^2\.\d+\.\d+$/);

  const startMs = performance.now();
  expect(await setUp(["--quiet"])).toEqual({ code: 0, out: "", err: "" });
  expect(performance.now() - startMs).toBeLessThan(10_000); // milliseconds, and Node's start on a busy machine: whatever installs takes longer

  rmSync(join(path, "k6"));
  const third = await setUp();
  expect(third.code).toBe(4);
  expect(third.err).toMatch(/^missing: k6 [^\n]+\n$/);
});

test("a program that fails shows what it said", async () => {
  provideAll();
  rmSync(join(tree, "node_modules", ".package-lock.json"));
  script("npm", "echo 'npm error code E_NO_NETWORK' >&2\nexit 1");
  const result = await setUp();
  expect(result.code).toBe(4);
  expect(result.out).toMatch(/^set-up: installing npm packages into node_modules: /);
  expect(result.err).toContain("ended with exit code 1\n  | npm error code E_NO_NETWORK\n");
  expect(result.err).toMatch(
    /\nmissing: npm packages: npm ci failed \(its output is above\)\. Mend: npm ci --ignore-scripts\n$/,
  );
});

test("a Go that is too old is named", async () => {
  provideAll();
  rmSync(join(path, "k6"));
  script("go", "echo 'go: go.mod requires go >= 1.25.0 (running go 1.19)' >&2\nexit 1");
  const result = await setUp();
  expect(result.code).toBe(4);
  expect(result.err).toContain(`${join(path, "go")} is too old to build it (1.25 or newer is needed)`);
});

test("an interrupt ends what runs, says so, and the next set-up goes on", async () => {
  provideAll();
  rmSync(join(tree, "node_modules", ".package-lock.json"));
  script("npm", `echo $$ > ${join(tree, "tools", ".bin", "pid")}\nexec /bin/sleep 300`);
  const { child, err } = start();
  await expect.poll(() => readdirSync(join(tree, "tools", ".bin")), { timeout: 15_000 }).toContain("pid");
  await expect.poll(() => readFileSync(join(tree, "tools", ".bin", "pid"), "utf8")).not.toBe("");
  child.kill("SIGINT");
  const [code] = (await once(child, "close")) as [number | null];
  expect(code).toBe(130);
  expect(err()).toBe("set-up: interrupted; the next set-up goes on from here\n");
  const pid = Number(readFileSync(join(tree, "tools", ".bin", "pid"), "utf8"));
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");

  cpSync(join(root, "node_modules", ".package-lock.json"), join(tree, "node_modules", ".package-lock.json"));
  expect(await setUp(["--quiet"])).toMatchObject({ code: 0 });
});

test("an unknown option is refused", async () => {
  const result = await setUp(["--brwoser"]);
  expect(result).toMatchObject({ code: 3, out: "" });
  expect(result.err).toContain("unknown option --brwoser");
});
