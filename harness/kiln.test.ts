// The `kiln` command in a copied tree with a small cli.ts: under a Node that is new enough, under one that says it is older, and without any.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const older = `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.11.0"}})`;
const cli = `
  const [what, value] = process.argv.slice(2) as string[];
  if (what === "exit") process.exitCode = Number(value);
  if (what === "die") process.kill(process.pid, value);
  if (what === "wait") {
    const alive = setInterval(() => {}, 1000);
    process.on("SIGTERM", () => { console.log("healed"); clearInterval(alive); process.exitCode = 130; });
  }
  console.log(process.versions.node === "20.11.0" ? "older" : "newer", process.argv.slice(2).join(" "));
`;
let tree: string;

beforeEach(() => {
  tree = mkdtempSync(join(tmpdir(), "kiln-command-"));
  mkdirSync(join(tree, "harness"));
  mkdirSync(join(tree, "node_modules", ".bin"), { recursive: true });
  writeFileSync(join(tree, "package.json"), `{ "type": "module" }`);
  writeFileSync(join(tree, "harness", "cli.ts"), cli);
  cpSync(join(import.meta.dirname, "kiln.mjs"), join(tree, "harness", "kiln.mjs"));
  symlinkSync(process.execPath, join(tree, "node_modules", ".bin", "node"));
});

afterEach(() => {
  rmSync(tree, { recursive: true, force: true });
});

function start(nodeArgs: string[], args: string[]) {
  const child = spawn(process.execPath, [...nodeArgs, join(tree, "harness", "kiln.mjs"), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { out: "", err: "" };
  child.stdout.on("data", (chunk: Buffer) => (text.out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (text.err += chunk.toString()));
  return { child, text, end: once(child, "close") as Promise<[number | null, string | null]> };
}

async function run(nodeArgs: string[], args: string[]) {
  const { text, end } = start(nodeArgs, args);
  const [code, signal] = await end;
  return { code, signal, ...text };
}

test("runs cli.ts in this process when its Node is new enough", async () => {
  expect(await run([], ["exit", "2"])).toEqual({ code: 2, signal: null, out: "newer exit 2\n", err: "" });
});

test("hands over to the project's Node under an older one, arguments and exit code included", async () => {
  expect(await run(["--import", older], ["exit", "3"])).toEqual({
    code: 3,
    signal: null,
    out: "newer exit 3\n",
    err: "",
  });
});

test("dies of the signal that its Node died of", async () => {
  expect(await run(["--import", older], ["die", "SIGKILL"])).toMatchObject({ code: null, signal: "SIGKILL" });
});

test("passes a signal on and waits for the end", async () => {
  const { child, text, end } = start(["--import", older], ["wait"]);
  await expect.poll(() => text.out, { timeout: 15_000 }).toContain("newer wait");
  child.kill("SIGTERM");
  expect(await end).toEqual([130, null]);
  expect(text.out).toContain("healed");
});

test("without a Node that fits it says what to do, exit 4", async () => {
  rmSync(join(tree, "node_modules"), { recursive: true });
  const result = await run(["--import", older], ["plan", "smoke"]);
  expect(result).toMatchObject({ code: 4, out: "" });
  expect(result.err).toMatch(
    /^kiln: Node 24\.15 or newer is needed and this is 20\.11\.0\. Mend: node \S+tools\/setup\.mjs\n$/,
  );
});
