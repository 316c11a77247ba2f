// Three projects: `unit` (beside the code, parallel, seconds), `e2e` (the real stack, one at a time) and `crash`
// (SIGKILL at random moments). Browser tests are `*.pw.ts` and belong to Playwright.
import { defineConfig } from "vitest/config";

// vitest takes the first `node` on PATH; npm and npx put the project's Node 24 there, a bare node_modules/.bin/vitest does not.
const [major = 0] = process.versions.node.split(".").map(Number);
if (major < 24) {
  throw new Error(
    `the tests need Node 24 and this is ${process.versions.node}; run: npx vitest run <files>, or npm run test:unit`,
  );
}

const ignored = ["**/node_modules/**", "runs/**", "tools/.bin/**"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["**/*.test.ts"],
          exclude: ignored,
          testTimeout: 30_000,
          hookTimeout: 30_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["**/*.e2e.ts"],
          exclude: ignored,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: "crash",
          include: ["**/*.crash.ts"],
          exclude: ignored,
          testTimeout: 1_200_000,
          hookTimeout: 300_000,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
