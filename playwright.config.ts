// Browser tests (`*.pw.ts`): the report as a reader opens it. They use the Chromium that set-up found, or KILN_CHROMIUM; Playwright's own
// download is never used. Screenshots and traces of failures land in test-results/, which git ignores.
import { defineConfig } from "@playwright/test";
import { loadTools } from "./harness/support/tools.ts";

function chromiumPath(): string {
  const path = process.env["KILN_CHROMIUM"] ?? loadTools().chromium;
  if (path === null)
    throw new Error(
      "no Chromium on this machine; install it (apt-get install chromium) or set KILN_CHROMIUM to its path",
    );
  return path;
}

/** The pages of the reference system are watched while they change, which takes minutes: a part of `npm run test:browser`, not of `npm test`. */
const long = process.env["KILN_LONG"] === "1" ? [] : ["fixtures/stack/{monitor,web}/**"];

export default defineConfig({
  testDir: ".",
  testMatch: "**/*.pw.ts",
  testIgnore: ["**/node_modules/**", "runs/**", ...long],
  outputDir: "test-results",
  reporter: "list",
  workers: 2,
  timeout: 60_000,
  forbidOnly: true,
  use: {
    launchOptions: { executablePath: chromiumPath(), args: process.getuid?.() === 0 ? ["--no-sandbox"] : [] },
    viewport: { width: 1280, height: 900 },
  },
});
