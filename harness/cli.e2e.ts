// The command line from outside: bad input and what it says, signals, a second run on the machine.
import { cpSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { deadline, eventually } from "./support/clock.ts";
import { projectRoot } from "./support/tools.ts";
import {
  cli,
  kiln,
  makeRunsDir,
  newestRun,
  readVerdict,
  startKiln,
  type KilnProcess,
} from "./testing/kiln-process.ts";
import { residues } from "./testing/residues.ts";

let runs: ReturnType<typeof makeRunsDir>;
let files: ReturnType<typeof makeRunsDir>;
beforeAll(() => {
  runs = makeRunsDir();
  files = makeRunsDir();
});
afterAll(() => {
  runs.remove();
  files.remove();
});

/** Writes a scenario file outside the checkout; `body` replaces parts of a scenario that would be fine. */
function scenarioFile(name: string, text: string): string {
  const file = join(files.path, name);
  writeFileSync(file, text);
  return file;
}

function waitFor(process: KilnProcess, pattern: RegExp): Promise<true> {
  return eventually(() => (pattern.test(process.output()) ? true : undefined), deadline(60_000));
}

describe("bad input", () => {
  test("an unknown scenario names the nearest and the known ones", async () => {
    const { code, stderr } = await kiln(["run", "smok"]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/smok/);
    expect(stderr).toMatch(/smoke/);
  });

  test("a file that does not parse is named with its line", async () => {
    const file = scenarioFile("broken.ts", "const a: number = 1;\nexport default {,};\n");
    const { code, stderr } = await kiln(["plan", file]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/broken\.ts/);
    expect(stderr).toMatch(/:2/);
    expect(stderr).not.toMatch(/ {4}at /);
  });

  test.each([
    ["ends the process", "process.exit(0);", /ended the process, or never finished/],
    [
      "never finishes",
      "await new Promise(() => {});\nexport default {};",
      /ended the process, or never finished/,
    ],
    ["exports a promise", 'export default Promise.reject(new Error("x"));', /got a promise/],
    ["asks for a flood", "export default { load: { steadyRps: 1e9 } };", /at most 100000/],
  ])("a scenario file that %s is refused", async (_, text, message) => {
    const { code, stderr } = await kiln(["plan", scenarioFile("odd.ts", text)]);
    expect(code).toBe(3);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/odd\.ts/);
  });

  test("a misspelt key and a negative duration are named with their key paths", async () => {
    const file = scenarioFile(
      "keys.ts",
      'export default { name: "x", duratoin: "1m", duration: "-5s", stack: {}, load: { steadyRps: "65" }, objectives: {} };\n',
    );
    const { code, stderr } = await kiln(["plan", file]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/duratoin/);
    expect(stderr).toMatch(/duration: expected/);
    expect(stderr).toMatch(/load\.steadyRps: expected/);
  });

  test("a run that does not exist, and a folder that is none", async () => {
    expect((await kiln(["judge", "nowhere"], { runsDir: runs.path })).stderr).toMatch(/no run "nowhere"/);
    mkdirSync(join(files.path, "empty"));
    const { code, stderr } = await kiln(["judge", join(files.path, "empty")]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/plan\.json is missing/);
  });

  test("a wrong option of kiln clean", async () => {
    const { code, stderr } = await kiln(["clean", "--keep", "-1"], { runsDir: runs.path });
    expect(code).toBe(3);
    expect(stderr).toMatch(/--keep: expected a whole number/);
  });
});

describe("a run", () => {
  test("refuses a second run, heals and reports on SIGINT, exits 130, leaves nothing", async () => {
    const before = residues(runs.path);
    const first = startKiln([cli, "run", "micro", "--seed", "5"], { runsDir: runs.path });
    // A test that fails half-way must not keep the machine's one run.
    onTestFinished(() => void first.child.kill("SIGKILL"));
    await waitFor(first, /f01-\S+ .*/);
    const runDir = newestRun(runs.path);
    const second = await kiln(["run", "micro"], { runsDir: runs.path });
    expect(second.code).toBe(4);
    expect(second.stderr).toMatch(new RegExp(`run ${basename(runDir)} is in progress`));
    const partial = await kiln(["judge", runDir]);
    expect([1, 2], partial.stderr).toContain(partial.code);
    expect(readVerdict(runDir).partial).toBe(true);
    first.child.kill("SIGINT");
    const { code, stdout } = await first.ended;
    expect(code).toBe(130);
    expect(stdout).toMatch(/report: /);
    expect(readFileSync(join(runDir, "report.html"), "utf8")).toMatch(/<!doctype html>/i);
    expect(residues(runs.path)).toEqual(before);
    expect(readVerdict(runDir).partial).toBe(true);
  });

  test("a truncated run folder is still judged as far as it goes", async () => {
    const copy = join(files.path, "truncated");
    cpSync(newestRun(runs.path), copy, { recursive: true });
    truncateSync(join(copy, "samples.sqlite"), 3_000);
    const { code, stdout } = await kiln(["judge", copy]);
    expect(code).toBe(2);
    expect(stdout).toMatch(/samples\.sqlite cannot be read/);
  });

  test("a program whose port is taken ends the run with the program's own words", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const program = `require("node:http").createServer((q, r) => r.end()).listen(${port}, "127.0.0.1")`;
    const file = scenarioFile(
      "port-taken.ts",
      `export default { name: "port-taken", duration: "5s", preflight: "1s", warmUp: "1s", objectives: {},
        load: { script: ${JSON.stringify(join(projectRoot, "scenarios/load/gateway.ts"))}, steadyRps: 10 },
        stack: { name: "one", driver: "processes", links: [{ name: "in", from: "load", to: "web" }],
          services: [{ kind: "program", name: "web", command: ["node", "-e", ${JSON.stringify(program)}], readyPath: "/" }] } };`,
    );
    const { code, stderr } = await kiln(["run", file], { runsDir: runs.path });
    server.close();
    expect(code).toBe(4);
    expect(stderr).toMatch(/web/);
    expect(stderr).toMatch(/EADDRINUSE/);
    expect(stderr).not.toMatch(/a bug in Kiln/);
  });
});
