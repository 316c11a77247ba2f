// The verdict on trial: runs on the real stack that must not pass, and one that must. Three of them are made in the long form
// (`npm run test:crash`) alone: they take minutes, and unit tests judge the same evidence.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectRoot } from "./support/tools.ts";
import {
  cli,
  complaints,
  kiln,
  makeRunsDir,
  newestRun,
  readVerdict,
  startKiln,
} from "./testing/kiln-process.ts";
import { existsSync, readdirSync } from "node:fs";

const defect = (name: string, file = "scenario.ts"): string =>
  join(projectRoot, "fixtures", "defects", name, file);

const whereLong = process.env["KILN_LONG"] === "1" ? [{}] : [];

let runs: ReturnType<typeof makeRunsDir>;
beforeAll(() => {
  runs = makeRunsDir();
});
afterAll(() => runs.remove());

interface BurnIn {
  readonly code: number | null;
  readonly runDir: string;
  readonly text: string;
}
/** Of a starved machine Kiln says that it cannot tell, rightly: then the run is made again. */
const mostRuns = 4;

async function burnIn(
  args: readonly string[],
  expectedCode: number,
  ...expected: readonly string[]
): Promise<BurnIn> {
  for (let run = 1; ; run++) {
    const { code, stdout, stderr } = await startKiln(args, { runsDir: runs.path }).ended;
    const runDir = newestRun(runs.path);
    const verdict = readVerdict(runDir);
    const starved = verdict.findings.some(({ id }) => id === "evidence/machine");
    const clear = code === expectedCode && expected.every((one) => complaints(verdict).includes(one));
    if (clear || !starved || run === mostRuns) return { code, runDir, text: stdout + stderr };
  }
}

describe("the verdict", () => {
  test("the healthy stack passes", async () => {
    const { code, runDir, text } = await burnIn([cli, "run", "micro", "--seed", "1"], 0);
    const verdict = readVerdict(runDir);
    expect(complaints(verdict), text).toEqual([]);
    expect(code).toBe(0);
    expect(verdict.faults.map(({ fault, confirmed }) => `${fault}: ${confirmed}`).toSorted()).toEqual([
      "kill: yes",
      "latency: yes",
    ]);
    for (const name of ["report.html", "report.md", "report.json", "junit.xml"])
      expect(existsSync(join(runDir, name)), name).toBe(true);
  });

  test.each(whereLong)("a watchdog that is switched off fails recovery and watchdog", async () => {
    const expected = ["recovery: fail", "watchdog: fail"];
    const { code, runDir, text } = await burnIn([cli, "run", defect("watchdog-off")], 1, ...expected);
    const verdict = readVerdict(runDir);
    expect(complaints(verdict), text).toEqual(expect.arrayContaining(expected));
    expect(verdict.faults[0]).toMatchObject({ fault: "kill", rescued: true, level: "none" });
    expect(code).toBe(1);
  });

  test.each(whereLong)("a fault whose inject does nothing is inconclusive and named", async () => {
    const { code, runDir, text } = await burnIn([defect("inert-fault", "run.ts")], 2);
    const verdict = readVerdict(runDir);
    const finding = verdict.findings.find(({ status }) => status !== "pass");
    expect(finding, text).toMatchObject({
      checker: "evidence",
      status: "inconclusive",
      fault: "f01-latency",
      about: "harness",
    });
    expect(finding?.title).toContain("f01-latency");
    expect(verdict.findings.filter(({ status }) => status === "fail")).toEqual([]);
    expect(code).toBe(2);
  });

  test.each(whereLong)("too few users in k6 are inconclusive, and the harness's fault", async () => {
    const { code, runDir, text } = await burnIn([cli, "run", defect("too-few-users")], 2);
    const finding = readVerdict(runDir).findings.find(({ title }) => /users/.test(title));
    expect(finding, text).toMatchObject({ checker: "evidence", status: "inconclusive", about: "harness" });
    expect(code).toBe(2);
  });

  test("a gateway that serves a corrupted configuration fails configuration integrity", async () => {
    const { code, runDir, text } = await burnIn([cli, "run", defect("serves-corrupt-config")], 1);
    expect(complaints(readVerdict(runDir)), text).toContain("config-integrity: fail");
    expect(code).toBe(1);
  });

  test("an old run can be judged and reported again", async () => {
    const again = await kiln(["judge", newestRun(runs.path)]);
    expect(again.code).toBe(1);
    const report = await kiln(["report", newestRun(runs.path)]);
    expect(report.stdout).toMatch(/^fail: /);
    expect(report.code).toBe(0);
    const list = await kiln(["runs"], { runsDir: runs.path });
    expect(list.stdout.trim().split("\n")).toHaveLength(readdirSync(runs.path).length);
  });
});
