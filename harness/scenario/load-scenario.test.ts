// In processes of their own, because a test runner transforms what is imported, and people start Kiln under plain Node.
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const outcome = z.object({
  ok: z.boolean(),
  kind: z.string().optional(),
  code: z.string().optional(),
  message: z.string().optional(),
  hint: z.string().optional(),
  name: z.string().optional(),
  file: z.string().optional(),
  shownFile: z.string().optional(),
  scriptPath: z.string().optional(),
  journeyPath: z.string().optional(),
});
const program = `
  const { loadScenario } = await import(${JSON.stringify(pathToFileURL(join(checkout, "harness/scenario/load-scenario.ts")).href)});
  const result = await loadScenario(process.argv[1], { cwd: process.cwd() }).then(
    ({ scenario, ...rest }) => ({ ok: true, name: scenario.name, ...rest }),
    ({ kind, code, message, hint }) => ({ ok: false, kind, code, message, hint }),
  );
  console.log(JSON.stringify(result));`;

let folder = "";

async function load(nameOrPath: string, cwd = folder): Promise<z.infer<typeof outcome>> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "-e", program, nameOrPath],
    { cwd },
  );
  return outcome.parse(JSON.parse(stdout));
}

async function write(name: string, text: string): Promise<void> {
  const file = join(folder, "scenarios", name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

const good = (name: string, extra = ""): string => `
const stack = {
  name: "s", driver: "processes",
  services: [{ kind: "program", name: "api", command: ["node"], readyPath: "/" }],
  links: [{ name: "api", from: "load", to: "api" }],
} as const;
export default { name: "${name}", stack, duration: "1m", load: { script: "load/x.ts", steadyRps: 65 }, objectives: {}${extra} };
`;

beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), "kiln-scenario-")));
  await write("load/x.ts", "export {};\n");
  await write("short.ts", good("short"));
  await write("long.ts", good("long"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("a scenario is found", () => {
  test("by name, with its script beside it", async () => {
    expect(await load("short")).toEqual({
      ok: true,
      name: "short",
      file: join(folder, "scenarios/short.ts"),
      shownFile: "scenarios/short.ts",
      scriptPath: join(folder, "scenarios/load/x.ts"),
    });
  });

  test("with its journey script, which has to be there", async () => {
    const journeys = `, journeys: { script: "journeys/api.ts", service: "api" }`;
    await write("visited.ts", good("visited", journeys));
    const error = await load("visited");
    expect(error.message).toBe(
      "scenarios/visited.ts: journeys.script: expected a journey script, but there is no file scenarios/journeys/api.ts (the path is relative to the scenario file)",
    );
    await write("journeys/api.ts", "export default () => {};\n");
    expect(await load("visited")).toMatchObject({
      ok: true,
      journeyPath: join(folder, "scenarios/journeys/api.ts"),
    });
  });

  test("by path, also from elsewhere", async () => {
    await cp(join(folder, "scenarios"), join(folder, "copy"), { recursive: true });
    expect(await load("copy/long.ts")).toMatchObject({
      ok: true,
      name: "long",
      scriptPath: join(folder, "copy/load/x.ts"),
    });
    expect(await load(join(folder, "copy/long.ts"), checkout)).toMatchObject({ ok: true, name: "long" });
  });

  test("among Kiln's own from any folder", async () => {
    expect(await load("smoke")).toMatchObject({
      ok: true,
      name: "smoke",
      file: join(checkout, "scenarios/smoke.ts"),
    });
  });
});

describe("what is wrong is said", () => {
  test("an unknown name, with the nearest and the known ones", async () => {
    const error = await load("shrot");
    expect(error).toMatchObject({
      kind: "usage",
      code: "scenario-unknown",
      message: `there is no scenario "shrot"; did you mean "short"?`,
    });
    expect(error.hint).toMatch(/^Known scenarios: .*long.*short/);
  });

  test("a path without a file", async () => {
    expect(await load("scenarios/none.ts")).toMatchObject({
      code: "scenario-unknown",
      message: "there is no file scenarios/none.ts",
    });
  });

  test.each([
    [
      "a syntax error",
      "const a: number = ;\nexport default a;\n",
      /^scenarios\/bad\.ts:1: Expression expected$/,
    ],
    [
      "TypeScript that is not only types",
      "\nenum A { x }\nexport default A;\n",
      /^scenarios\/bad\.ts:2: TypeScript enum is not supported/,
    ],
    [
      "a name that is not there",
      "export default {\n  a: foo.bar,\n};\n",
      /^scenarios\/bad\.ts:2: foo is not defined$/,
    ],
    [
      "an import that is not there",
      `import { y } from "node:path";\nexport default y;\n`,
      /^scenarios\/bad\.ts:1: .*does not provide an export named 'y'$/,
    ],
    [
      "a file that is not there",
      `import x from "./nope.ts";\nexport default x;\n`,
      /^scenarios\/bad\.ts: Cannot find module '.*nope\.ts'/,
    ],
  ])("%s, by file and line", async (_, text, message) => {
    await write("bad.ts", text);
    const error = await load("bad");
    expect(error).toMatchObject({ kind: "usage", code: "scenario-does-not-load" });
    expect(error.message).toMatch(message);
    expect(error.hint).toContain("npx tsc --noEmit");
  });

  test("an error in a file that the scenario imports, by that file", async () => {
    await write("shared/part.ts", "export const a = 1;\nthrow new Error('broken part');\n");
    await write("bad.ts", `import { a } from "./shared/part.ts";\nexport default a;\n`);
    expect((await load("bad")).message).toBe("scenarios/shared/part.ts:2: broken part");
  });

  test("a value that throws when it is read, by file and line", async () => {
    await write("bad.ts", good("bad", `, get chaos() {\n  throw new Error("not today");\n}`));
    const error = await load("bad");
    expect(error).toMatchObject({ kind: "usage", code: "scenario-does-not-load" });
    expect(error.message).toMatch(/^scenarios\/bad\.ts:\d+: a value could not be read: not today$/);
    expect(error.hint).toContain("plain data");
  });

  test("a value that contains itself, by its key", async () => {
    const loop = "const options: Record<string, unknown> = {};\noptions.more = [options];\n";
    const chaos = `, chaos: { planned: [{ fault: "kill", options, at: "5m" }] }`;
    await write("bad.ts", loop + good("bad", chaos));
    expect(await load("bad")).toMatchObject({
      code: "scenario-invalid",
      message: "scenarios/bad.ts: chaos.planned[0].options.more[0]: contains itself",
    });
  });

  test("a stack function that fails, for either set of thresholds", async () => {
    const failing = (when: string): string =>
      good("bad").replace(
        `name: "bad", stack,`,
        `name: "bad", stack: ({ thresholds }: { thresholds: string }) => { if (thresholds === "${when}") throw new Error("broken"); return stack; },`,
      );
    for (const when of ["production", "quick"]) {
      await write(`${when}.ts`, failing(when));
      expect(await load(when)).toMatchObject({
        code: "scenario-invalid",
        message: `scenarios/${when}.ts: stack: the function failed for { thresholds: "${when}" }: broken`,
      });
    }
  });

  test("no default export", async () => {
    await write("bad.ts", "export const scenario = {};\n");
    expect(await load("bad")).toMatchObject({
      code: "scenario-invalid",
      message:
        "scenarios/bad.ts: expected a default export, such as `export default defineScenario({ ... })`",
    });
  });

  test("every issue of the schema and the missing script, one a line", async () => {
    await write(
      "bad.ts",
      good("bad", `, chaoss: {}`).replace("load/x.ts", "load/y.ts").replace("65", `"65"`),
    );
    expect((await load("bad")).message?.split("\n")).toEqual([
      `scenarios/bad.ts: load.steadyRps: expected a whole number of requests per second above zero, got "65"`,
      `scenarios/bad.ts: unknown key "chaoss"; did you mean "chaos"?`,
      "scenarios/bad.ts: load.script: expected a k6 script, but there is no file scenarios/load/y.ts (the path is relative to the scenario file)",
    ]);
  });
});
