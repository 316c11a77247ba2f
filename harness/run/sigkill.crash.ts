// SIGKILL of the harness at random moments of a real run, bring-up and teardown included: within ten seconds nothing of the run may be
// left, and the run folder can still be judged. KILN_CRASH_KILLS sets how many (default 20), KILN_CRASH_SEED which moments.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRun } from "../journal/run-folder.ts";
import { isValidState } from "../probes/config-probe.ts";
import { readStackRecord } from "../stack/record.ts";
import { deadline, eventually, sleep } from "../support/clock.ts";
import { listenerOn } from "../support/process-identity.ts";
import { seededRng } from "../support/rng.ts";
import { cli, kiln, makeRunsDir, startKiln } from "../testing/kiln-process.ts";
import { residues, type Residues } from "../testing/residues.ts";
import { readLock } from "./lock.ts";

const kills = Number(process.env["KILN_CRASH_KILLS"] ?? "20");
const seed = process.env["KILN_CRASH_SEED"] ?? "1";
/** A micro run takes about this long from start to report. */
const runMs = 38_000;
const goneWithinMs = 10_000;

const rng = seededRng(`crash ${seed}`);
// One moment in each equal part of the run, so that few kills still cover all of it.
const moments = rng.shuffle(
  Array.from({ length: kills }, (_, n) => 150 + Math.round(((n + rng.int(0, 999) / 1_000) * runMs) / kills)),
);

let runs: ReturnType<typeof makeRunsDir>;
let before: Residues;
beforeAll(() => {
  runs = makeRunsDir();
  before = residues(runs.path);
});
afterAll(() => runs.remove());

async function expectNothingLeft(): Promise<void> {
  const clean = (): true | undefined =>
    JSON.stringify(residues(runs.path)) === JSON.stringify(before) && readLock() === undefined
      ? true
      : undefined;
  try {
    await eventually(clean, deadline(goneWithinMs), 100);
  } catch {
    // The comparison below says what is left.
  }
  expect(residues(runs.path)).toEqual(before);
  expect(readLock()).toBeUndefined();
}

function expectPortsFree(runDir: string): void {
  const record = readStackRecord(runDir);
  if (record === undefined) return;
  for (const port of [
    record.toxiproxyPort,
    ...Object.values(record.servicePorts),
    ...Object.values(record.linkPorts),
  ]) {
    expect(listenerOn(port), `port ${port}`).toBeUndefined();
  }
}

function expectConfigWhole(runDir: string): void {
  const file = join(runDir, "stack", "gateway", "config.json");
  // Before the gateway's first start there is none.
  const whole = !existsSync(file) || isValidState(readFileSync(file, "utf8"));
  expect(whole, file).toBe(true);
}

/** Killed before the journal had its first line: there is no run to judge, and none was announced. */
function expectSilence(output: string): void {
  expect(output).toBe("");
}

async function expectJudgeable(runDir: string): Promise<void> {
  const run = openRun(runDir);
  const ended = run.evidence.ended?.outcome;
  run.close();
  const { code, stderr } = await kiln(["judge", runDir]);
  // Killed after its end it may have been a pass already; killed before, it never is.
  expect(ended === "completed" ? [0, 1, 2] : [1, 2], stderr).toContain(code);
  expect((await kiln(["report", runDir])).code).toBe(0);
}

describe(`SIGKILL of the harness, ${kills} times (seed ${seed})`, () => {
  test.each(moments.map((atMs, index) => ({ atMs, index })))(
    "kill $index at $atMs ms",
    async ({ atMs, index }) => {
      const known = new Set(readdirSync(runs.path));
      const { child, ended, output } = startKiln([cli, "run", "micro", "--seed", String(index)], {
        runsDir: runs.path,
      });
      await Promise.race([sleep(atMs), ended]);
      child.kill("SIGKILL");
      await ended;
      await expectNothingLeft();
      const runDir = readdirSync(runs.path).find((name) => !known.has(name));
      // Killed before the folder was made: nothing to look at, and nothing was started.
      if (runDir === undefined) return;
      const path = join(runs.path, runDir);
      expectPortsFree(path);
      expectConfigWhole(path);
      const journal = join(path, "journal.ndjson");
      const begun = existsSync(journal) && readFileSync(journal, "utf8").includes("\n");
      await (begun ? expectJudgeable(path) : expectSilence(output()));
    },
  );

  test("nothing is left for kiln heal", () => {
    const text = execFileSync(process.execPath, [cli, "heal"], {
      encoding: "utf8",
      env: { ...process.env, KILN_RUNS_DIR: runs.path },
    });
    expect(text).toBe("nothing to heal: no run was left behind\n");
  });
});
