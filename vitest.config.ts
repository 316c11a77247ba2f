// Four projects: `unit` (beside the code, parallel, seconds), `parts` (single faults and drills, the agent and programs of the reference
// system on real parts of their own, three files at a time), `e2e` (the real stack, one at a time) and `crash` (SIGKILL at random moments
// and at named points). Browser tests are `*.pw.ts` and belong to Playwright.
import { defineConfig } from "vitest/config";

// vitest takes the first `node` on PATH; npm and npx put the project's Node 24 there, a bare node_modules/.bin/vitest does not.
const [major = 0] = process.versions.node.split(".").map(Number);
if (major < 24) {
  throw new Error(
    `the tests need Node 24 and this is ${process.versions.node}; run: npx vitest run <files>, or npm run test:unit`,
  );
}

/** Tests on real parts, and those of programs, measure times and rates on a machine that others use, too. What fails twice in a row is no chance; vitest shows retries. */
const retry = 1;
const setupFiles = ["harness/testing/quiet-machine.ts"];
const ignored = ["**/node_modules/**", "runs/**", "tools/.bin/**"];
/** These start what they need on ports and in folders of their own and look at nothing else of the machine. */
const parts = [
  "harness/faults/*.e2e.ts",
  "harness/drills/*.e2e.ts",
  "harness/agent/*.e2e.ts",
  "fixtures/**/*.e2e.ts",
];

/** Files of which nothing is quick are left to `npm run test:crash` and `npm run test:long`: all of them together take minutes. */
const slow = [
  "harness/run/full-disk.e2e.ts",
  "harness/run/journeys.e2e.ts",
  "harness/drills/blue-green.e2e.ts",
  "harness/drills/graceful-restart.e2e.ts",
  "fixtures/stack/checks/checks.e2e.ts",
  "fixtures/stack/gateway/events.e2e.ts",
  "fixtures/stack/monitor/full-disk.e2e.ts",
  "fixtures/stack/operations/blue-green/blue-green.e2e.ts",
  "fixtures/stack/worker/worker.e2e.ts",
];
const long = process.env["KILN_LONG"] === "1" ? [] : slow;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["**/*.test.ts"],
          exclude: ignored,
          testTimeout: 90_000,
          hookTimeout: 90_000,
          retry,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "parts",
          setupFiles,
          include: parts,
          exclude: [...ignored, ...long],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          maxWorkers: 3,
          retry,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "e2e",
          setupFiles,
          include: ["**/*.e2e.ts"],
          exclude: [...ignored, ...parts, ...long],
          retry,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: "crash",
          setupFiles,
          include: ["**/*.crash.ts"],
          exclude: ignored,
          testTimeout: 1_200_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
