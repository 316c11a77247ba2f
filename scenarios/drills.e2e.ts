// Two of the four drills on the real stack, by the command line, in less than a minute: its commands are given less time than the scenario
// gives them, for it is that time which the plan reserves.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventsIn, readJournal } from "../harness/journal/journal-reader.ts";
import type { Verdict } from "../harness/judge/verdict.ts";
import { projectRoot } from "../harness/support/tools.ts";
import {
  cli,
  complaints,
  kiln,
  makeRunsDir,
  newestRun,
  readVerdict,
  startKiln,
} from "../harness/testing/kiln-process.ts";

/** A part of `npm run test:crash`: a minute and a half. The drills themselves are tried on a small real stack in harness/drills. */
const whereLong = process.env["KILN_LONG"] === "1" ? [{}] : [];

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

function scenario(): string {
  const file = join(files.path, "two-drills.ts");
  const at = (path: string): string => JSON.stringify(join(projectRoot, path));
  writeFileSync(
    file,
    `import { defineScenario, drills } from ${at("harness/index.ts")};
     import { referenceStack } from ${at("fixtures/stack/stack.ts")};
     const stack = referenceStack({ thresholds: "quick", slots: 2 });
     const given = (name, doMs, undoMs) => {
       const operation = stack.operations[name];
       return { ...operation, do: { ...operation.do, withinMs: doMs }, undo: { ...operation.undo, withinMs: undoMs } };
     };
     export default defineScenario({
       name: "two-drills",
       stack: { ...stack, operations: {
         "config-update": given("config-update", 3_000, 3_000), "blue-green": given("blue-green", 16_000, 9_000) } },
       duration: "43s", preflight: "0s", warmUp: "2s",
       load: { script: ${at("scenarios/load/gateway.ts")}, steadyRps: 65 },
       chaos: { settle: "1s" },
       drills: [
         drills.configUpdate({ key: "limits.cacheTtlSeconds", value: 1800 }, { at: "3s" }),
         drills.blueGreen({ at: "13s" }),
       ],
       objectives: { availability: 0.999, calmAvailability: 0.999, configCorruptions: 0, completeMonitoring: true },
     });`,
  );
  return file;
}

/** Of a starved machine Kiln says that it cannot tell, rightly: then the run is made again. */
async function burnIn(
  file: string,
): Promise<{ readonly verdict: Verdict; readonly runDir: string; readonly text: string }> {
  for (let run = 1; ; run++) {
    const { stdout, stderr } = await startKiln([cli, "run", file, "--seed", "1"], { runsDir: runs.path })
      .ended;
    const runDir = newestRun(runs.path);
    const verdict = readVerdict(runDir);
    const starved = verdict.findings.some(({ id }) => id === "evidence/machine");
    if (verdict.status === "pass" || !starved || run === 3) return { verdict, runDir, text: stdout + stderr };
  }
}

test("both are planned, each alone on the timeline", async () => {
  const { code, stdout, stderr } = await kiln(["plan", scenario()]);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/d01-config-update.*\n.*d02-blue-green/);
});

test.each(whereLong)(
  "an update is rolled back and a switch undone under 65 requests/s, and no request fails",
  async () => {
    const { verdict, runDir, text } = await burnIn(scenario());
    expect(complaints(verdict), text).toEqual([]);
    expect(verdict.drills).toMatchObject([
      { drill: "config-update", confirmed: "yes", failedRequests: 0 },
      {
        drill: "blue-green",
        confirmed: "yes",
        failedRequests: 0,
        saw: expect.stringContaining("green has the requests"),
      },
    ]);
    expect(verdict.drills?.[1]?.requests).toBeGreaterThan(1_000);
    expect(verdict.findings.filter(({ checker }) => checker === "drill").map(({ status }) => status)).toEqual(
      ["pass", "pass"],
    );
    const { events } = readJournal(runDir);
    const versions = eventsIn(events, "config").flatMap(({ served }) =>
      served === null ? [] : [served.version],
    );
    expect([...new Set(versions)]).toEqual([1, 2, 3]);
    const slots = eventsIn(events, "process").flatMap(({ service, change }) =>
      service.startsWith("gateway") ? [`${service} ${change}`] : [],
    );
    expect(slots).toEqual([
      "gateway appeared",
      "gateway-green appeared",
      "gateway gone",
      "gateway appeared",
      "gateway-green gone",
    ]);
    expect(readFileSync(join(runDir, "report.md"), "utf8")).toMatch(
      /\| d02-blue-green \| 00:00:13 \| .* \| yes \| .* \| 0 \| ✔ pass \|/,
    );
  },
);
