// Browser journeys in runs on the real stack: made and judged, cut short by the death of the harness, and missing for lack of a browser.
// Nothing of any of them may be left.
import { existsSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { eventsIn, readJournal } from "../journal/journal-reader.ts";
import { journeysDirName } from "../probes/browser-journey.ts";
import { membersOf } from "../stack/membership.ts";
import { deadline, eventually } from "../support/clock.ts";
import { projectRoot } from "../support/tools.ts";
import { cli, kiln, makeRunsDir, newestRun, readVerdict, startKiln } from "../testing/kiln-process.ts";
import { residues } from "../testing/residues.ts";
import { readLock } from "./lock.ts";
import { workersOf } from "./run-state.ts";

/** Tests that take long and say little more than unit tests do are a part of `npm run test:crash`. */
const whereLong = process.env["KILN_LONG"] === "1" ? [{}] : [];

let runs: ReturnType<typeof makeRunsDir>;
let files: ReturnType<typeof makeRunsDir>;
beforeAll(() => {
  runs = makeRunsDir();
  files = makeRunsDir();
});
// A test that fails half-way must not keep the machine's one run.
afterEach(async () => void (readLock() !== undefined && (await kiln(["stop"], { runsDir: runs.path }))));
afterAll(() => {
  runs.remove();
  files.remove();
});

/** A run without faults in which a browser visits the page every ten seconds. */
function scenario(duration: string): string {
  const file = join(files.path, `visited-${duration}.ts`);
  const at = (path: string): string => JSON.stringify(join(projectRoot, path));
  writeFileSync(
    file,
    `import { defineScenario } from ${at("harness/index.ts")};
     import { referenceStack } from ${at("fixtures/stack/stack.ts")};
     export default defineScenario({
       name: "visited", stack: referenceStack({ thresholds: "quick", services: ["web"] }),
       duration: "${duration}", preflight: "0s", warmUp: "1s",
       load: { script: ${at("scenarios/load/gateway.ts")}, steadyRps: 65 },
       journeys: { script: ${at("scenarios/journeys/web.ts")}, service: "web", every: "10s", succeed: 0.9 },
       objectives: { availability: 0.9 },
     });`,
  );
  return file;
}

const journeysOf = (runDir: string) => eventsIn(readJournal(runDir).events, "journey");

test("a browser gets through the whole page under load; its times are judged, sampled and reported", async () => {
  const before = residues(runs.path);
  const { stdout, stderr } = await kiln(["run", scenario("32s")], { runsDir: runs.path });
  const runDir = newestRun(runs.path);
  const verdict = readVerdict(runDir);
  const finding = verdict.findings.find(({ checker }) => checker === "journeys");
  expect(finding?.status, `${stdout}${stderr}${finding?.title} ${finding?.detail}`).toBe("pass");
  expect(verdict.journeys?.calm).toEqual({ made: expect.any(Number), failed: 0 });
  expect(verdict.journeys?.calm.made).toBeGreaterThanOrEqual(3);
  expect(verdict.journeys?.page?.p50Ms).toBeGreaterThan(0);
  expect(verdict.journeys?.steps.map(({ name }) => name)).toContain("see a live update");
  expect(residues(runs.path)).toEqual(before);
});

test("a harness that is killed takes its browser with it", async () => {
  const before = residues(runs.path);
  const run = startKiln([cli, "run", scenario("120s")], { runsDir: runs.path });
  await eventually(() => (/load begins/.test(run.output()) ? true : undefined), deadline(60_000));
  const runDir = newestRun(runs.path);
  const browsers = () =>
    membersOf({ runId: basename(runDir), runDir }).filter(({ command }) =>
      command.includes("--user-data-dir="),
    );
  await eventually(() => (browsers().length > 0 ? true : undefined), deadline(30_000));
  run.child.kill("SIGKILL");
  await run.ended;
  await eventually(() => (workersOf(runDir).reapers.length === 0 ? true : undefined), deadline(60_000));
  expect(browsers()).toEqual([]);
  expect(residues(runs.path)).toEqual(before);
});

test.each(whereLong)(
  "without a browser that starts the finding is inconclusive and says so; the run itself goes on",
  async () => {
    const env = { KILN_CHROMIUM: "/nonexistent/chromium" };
    const { code } = await kiln(["run", scenario("12s")], { runsDir: runs.path, env });
    const runDir = newestRun(runs.path);
    const finding = readVerdict(runDir).findings.find(({ checker }) => checker === "journeys");
    expect(finding).toMatchObject({ status: "inconclusive", about: "harness" });
    expect(finding?.title).toContain("no page could be had of the browser");
    expect(code).toBe(2);
    expect(journeysOf(runDir).length).toBeGreaterThanOrEqual(1);
    expect(existsSync(join(runDir, journeysDirName))).toBe(true);
  },
);
