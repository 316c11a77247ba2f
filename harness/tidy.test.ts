// Tests over the source itself: import direction, file sizes, and the places where documents repeat what code says.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { drillTable } from "./drills/index.ts";
import { faultTable } from "./faults/index.ts";
import { projectRoot } from "./support/tools.ts";

const longestFile = 300;

/** Folder -> folders whose values it may import, besides itself. Types may come from anywhere but fixtures. */
const base = ["harness/support"];
const described = [...base, "harness/journal", "harness/scenario"];
const planned = [...described, "harness/plan"];
const allowed: Readonly<Record<string, readonly string[]>> = {
  "harness/support": [],
  "harness/agent": base,
  "harness/journal": base,
  "harness/scenario": base,
  "harness/plan": described,
  "harness/stack": [...planned, "harness/agent"],
  "harness/load": planned,
  "harness/faults": planned,
  "harness/drills": [...planned, "harness/faults"],
  "harness/probes": planned,
  "harness/run": [
    ...planned,
    "harness/agent",
    "harness/stack",
    "harness/load",
    "harness/faults",
    "harness/drills",
    "harness/probes",
  ],
  "harness/judge": [...base, "harness/journal"],
  reports: [...base, "harness/journal", "harness/judge"],
};

function sources(folder: string): string[] {
  return readdirSync(join(projectRoot, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|mjs|js|hbs|css)$/.test(entry.name))
    .map((entry) => relative(projectRoot, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes("node_modules") && !file.includes(".bin/"));
}

const isTest = (file: string): boolean =>
  /\.(?:test|e2e|crash|pw|contract)\.ts$/.test(file) || file.includes("/testing/");
const code = ["harness", "reports", "fixtures", "scenarios", "bench", "tools"].flatMap(sources);
const folderOf = (file: string): string =>
  file.startsWith("reports/") ? "reports" : dirname(file).split("/").slice(0, 2).join("/");

/** Relative imports of a file as paths from the root; `import type` lines only when asked for. */
function importsOf(file: string, withTypes: boolean): string[] {
  const text = readFileSync(join(projectRoot, file), "utf8");
  const found: string[] = [];
  for (const match of text.matchAll(
    /^(?:import|export)\s+(type\s)?[^;]*?from\s+"(\.[^"]+)"|import\("(\.[^"]+)"\)|^import\s+"(\.[^"]+)"/gm,
  )) {
    if (match[1] !== undefined && !withTypes) continue;
    const path = match[2] ?? match[3] ?? match[4];
    if (path !== undefined) found.push(relative(projectRoot, resolve(projectRoot, dirname(file), path)));
  }
  return found;
}

describe("tidy", () => {
  test("there is code to look at", () => {
    expect(code.length).toBeGreaterThan(80);
    expect(importsOf("harness/run/preflight.ts", false)).toContain("harness/probes/system-probe.ts");
  });

  test("imports follow the layers", () => {
    const wrong = code
      .filter((file) => !isTest(file) && allowed[folderOf(file)] !== undefined)
      .flatMap((file) => {
        const folder = folderOf(file);
        const fine = [folder, ...(allowed[folder] ?? [])];
        return importsOf(file, false)
          .filter((path) => !fine.includes(folderOf(path)))
          .map((path) => `${file} imports ${path}`);
      });
    expect(wrong).toEqual([]);
  });

  test("nothing in harness or reports imports fixtures", () => {
    const wrong = code
      .filter((file) => file.startsWith("harness/") || file.startsWith("reports/"))
      .filter((file) => importsOf(file, true).some((path) => path.startsWith("fixtures/")));
    expect(wrong).toEqual([]);
  });

  test(`files stay under ${longestFile} lines`, () => {
    const long = code
      .filter((file) => !isTest(file))
      .map((file) => ({ file, lines: readFileSync(join(projectRoot, file), "utf8").split("\n").length - 1 }))
      .filter(({ lines }) => lines > longestFile);
    expect(long).toEqual([]);
  });

  test("time and chance come from support only", () => {
    const pattern = /\b(?:Date\.now|performance\.now|Math\.random|setTimeout|setInterval)\(/;
    const wrong = code
      .filter(
        (file) =>
          file.startsWith("harness/") &&
          file.endsWith(".ts") &&
          !isTest(file) &&
          !file.startsWith("harness/support/"),
      )
      .filter((file) => pattern.test(readFileSync(join(projectRoot, file), "utf8")));
    expect(wrong).toEqual([]);
  });

  test.each([
    ["Faults", faultTable],
    ["Drills", drillTable],
  ])("README's table under %s is the one in the code", (heading, table) => {
    const readme = readFileSync(join(projectRoot, "README.md"), "utf8");
    const section = readme.split("\n## ").find((part) => part.startsWith(`${heading}\n`)) ?? "";
    const rows = [...section.matchAll(/^\| `([a-z-]+)` \| (.+?) \|/gm)].map((row) => [row[1], row[2]]);
    expect(rows).toEqual([...table.values()].map(({ name, summary }) => [name, summary]));
  });

  test("no drill has the name of a fault: the ledger knows both by it", () => {
    expect([...drillTable.keys()].filter((name) => faultTable.has(name))).toEqual([]);
  });
});
