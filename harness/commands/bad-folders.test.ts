// What commands over run folders say of folders that are none, damaged, or of a run that cannot be gone on with: clear words and exit code 3
// or 4, never a bug. And nothing that a run's programs say may steer the terminal or a report.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openJournal } from "../journal/journal-file.ts";
import type { JournalBody } from "../journal/events.ts";
import { openSampleWriter } from "../journal/sample-store.ts";
import { testPlan } from "../judge/testing/plan-builder.ts";
import { openLedger } from "../run/ledger.ts";
import type { LedgerBody } from "../run/ledger-format.ts";
import { readResumable } from "../run/resume.ts";
import { clockFrom, systemClock } from "../support/clock.ts";
import { sha256 } from "../support/json.ts";
import { bootId, identify } from "../support/process-identity.ts";
import { kiln, makeRunsDir } from "../testing/kiln-process.ts";

let runs: ReturnType<typeof makeRunsDir>;
beforeAll(() => {
  runs = makeRunsDir();
});
afterAll(() => runs.remove());

const planText = JSON.stringify(testPlan());
const deadHarness = { pid: 4_194_000, startTicks: 1, bootId: bootId() };
const note = (text: string): JournalBody => ({ type: "note", level: "warning", text });

/** A run folder as a dead harness leaves it. */
async function folder(
  name: string,
  { events = [], ledger = [] }: { events?: readonly JournalBody[]; ledger?: readonly LedgerBody[] } = {},
): Promise<string> {
  const runDir = join(runs.path, name);
  mkdirSync(join(runDir, "logs"), { recursive: true });
  writeFileSync(join(runDir, "plan.json"), planText);
  const journal = openJournal(runDir, clockFrom(systemClock.nowMs()));
  const header: JournalBody = {
    type: "run-started",
    runId: name,
    scenario: "test",
    seed: "1",
    planHash: "h",
    planFileHash: sha256(planText),
    wallStart: "2026-11-21T00:00:00.000Z",
    monotonicZeroMs: systemClock.nowMs(),
    bootId: bootId(),
    tools: {},
    machine: {},
    commandLine: ["kiln", "run"],
  };
  for (const body of [header, ...events]) journal.write(body);
  journal.close();
  openSampleWriter(runDir).close();
  const book = await openLedger(runDir);
  for (const entry of ledger) await book.append(entry);
  await book.close();
  return runDir;
}
const opened = (more: object = {}): LedgerBody => ({
  op: "open",
  runId: "r",
  bootId: bootId(),
  harness: deadHarness,
  ...more,
});

async function expectRefusal(
  args: readonly string[],
  code: number,
  message: RegExp,
  env: NodeJS.ProcessEnv = {},
): Promise<void> {
  const result = await kiln(args, { runsDir: runs.path, env });
  expect(result.stderr).toMatch(message);
  expect(result.stderr).not.toMatch(/bug in Kiln| {4}at /);
  // The second line says what to do.
  expect(result.stderr).toMatch(/\n {2}\S/);
  expect(result.code).toBe(code);
}

test.each(["status", "watch", "stop", "resume"])("kiln %s of a run that is not there", async (command) => {
  await expectRefusal([command, "nosuch"], 3, /no run "nosuch"\n {2}(?:known runs|there is no run yet)/);
});

test.each(["runs", "clean --keep 1"])("KILN_RUNS_DIR that names a file: kiln %s", async (command) => {
  const file = join(runs.path, "a-file");
  writeFileSync(file, "");
  await expectRefusal(command.split(" "), 3, /is a file, not the folder that holds the runs/, {
    KILN_RUNS_DIR: file,
  });
  rmSync(file);
});

test.each([
  ["none at all", "[]", /not readable as a plan: expected an object, got list/],
  ["without faults", JSON.stringify({ ...testPlan(), faults: null }), /faults: expected a list, got null/],
])("a plan.json that is %s", async (name, text, message) => {
  const runDir = await folder(`plan-${name.replaceAll(" ", "-")}`);
  writeFileSync(join(runDir, "plan.json"), text);
  for (const command of ["judge", "resume"]) await expectRefusal([command, runDir], 3, message);
  const { code, stdout } = await kiln(["runs"], { runsDir: runs.path });
  expect(code).toBe(0);
  expect(stdout).toMatch(message);
});

test("a journal, a plan or a ledger that cannot be read as a file", async () => {
  const runDir = await folder("folders");
  rmSync(join(runDir, "journal.ndjson"));
  mkdirSync(join(runDir, "journal.ndjson"));
  await expectRefusal(["judge", runDir], 3, /no readable run-started event/);
  rmSync(join(runDir, "ledger.ndjson"));
  mkdirSync(join(runDir, "ledger.ndjson"));
  await expectRefusal(["heal", runDir], 4, /cannot read the run's ledger/);
  const kept = await kiln(["clean", "--keep", "0"], { runsDir: runs.path });
  expect(kept.code).toBe(0);
  expect(kept.stdout).toMatch(/kept folders: cannot read the run's ledger/);
  rmSync(join(runDir, "plan.json"));
  mkdirSync(join(runDir, "plan.json"));
  await expectRefusal(["judge", runDir], 3, /not readable as a plan: EISDIR/);
});

test("reports that cannot be written", async () => {
  const runDir = await folder("unwritable");
  for (const name of ["report.html", "verdict.json"]) mkdirSync(join(runDir, name, "x"), { recursive: true });
  await expectRefusal(["report", runDir], 4, /could not write report\.html/);
});

test("a run that cannot be gone on with, and why", async () => {
  const resumable = { mode: "detached", cwd: "/", scriptPath: "/s.ts" };
  const cases: readonly (readonly [string, Parameters<typeof folder>[1], RegExp])[] = [
    [
      "ended",
      { events: [{ type: "run-ended", outcome: "completed" }], ledger: [opened(resumable)] },
      /it has ended \(completed\)/,
    ],
    [
      "stopping",
      { events: [{ type: "stopping", reason: "interrupted by SIGTERM" }], ledger: [opened(resumable)] },
      /it was being ended/,
    ],
    ["down", { ledger: [opened(resumable), { op: "torn-down", by: "heal" }] }, /it was taken down/],
    ["old", { ledger: [opened()] }, /does not say how to go on/],
    ["unbegun", {}, /it had not begun/],
  ];
  for (const [name, left, message] of cases) {
    const runDir = await folder(`resume-${name}`, left);
    expect(() => readResumable(runDir, "user")).toThrow(message);
  }
  const going = await folder("resume-going", {
    ledger: [opened({ ...resumable, harness: identify(process.pid) })],
  });
  expect(() => readResumable(going, "user")).toThrow(/it is going on/);
  const gone = await folder("resume-moved", { ledger: [opened({ ...resumable, cwd: "/no/such/folder" })] });
  await expectRefusal(["resume", gone], 3, /was started in \/no\/such\/folder, which is gone/);
  const changed = await folder("resume-changed", { ledger: [opened(resumable)] });
  writeFileSync(join(changed, "plan.json"), planText.replace('"seed":"1"', '"seed":"2"'));
  expect(() => readResumable(changed, "user")).toThrow(/plan\.json is not the plan that was run/);
  const whole = await folder("resume-whole", { ledger: [opened(resumable)] });
  expect(readResumable(whole, "user")).toMatchObject({ scriptPath: "/s.ts", cwd: "/", plan: { seed: "1" } });
});

test("a dead run is told to be dead, and what can be done about it", async () => {
  const runDir = await folder("dead", {
    ledger: [opened({ mode: "detached", cwd: "/", scriptPath: "/s.ts" })],
  });
  const { code, stdout } = await kiln(["status", runDir]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/harness +process 4194000 is dead, no reaper; detached/);
  expect(stdout).toMatch(/go on with it: npx kiln resume/);
  const watched = await kiln(["watch", runDir]);
  expect(watched.code).toBe(2);
  expect(watched.stdout).toMatch(/the harness of r is dead/);
});

test("control characters of a run's programs reach neither the terminal nor report.md", async () => {
  const evil = "\u001B]0;owned\u0007\u001B[2J\u0000beep\r";
  const runDir = await folder("evil", {
    events: [
      note(`probe said ${evil}`),
      { type: "run-ended", outcome: "error", reason: `the stack said ${evil}` },
    ],
    ledger: [opened(), { op: "torn-down", by: "harness" }],
  });
  // Everything but line ends; NO_COLOR is set, so that none is Kiln's own.
  const steering = /[^\P{Cc}\n]/u;
  for (const command of ["judge", "report", "status", "watch"]) {
    const { stdout, stderr } = await kiln([command, runDir]);
    expect(stdout, command).not.toMatch(steering);
    expect(stderr, command).not.toMatch(steering);
    expect(stdout + stderr, command).toMatch(/beep|verdict|report/);
  }
  const markdown = readFileSync(join(runDir, "report.md"), "utf8");
  expect(markdown).not.toMatch(steering);
  expect(markdown).toContain("beep");
  const html = readFileSync(join(runDir, "report.html"), "utf8");
  expect(["\u001B", "\u0000"].filter((character) => html.includes(character))).toEqual([]);
});
