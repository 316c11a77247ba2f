import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { canonicalJson, sha256 } from "../support/json.ts";
import { identify, isAlive, type ProcessIdentity } from "../support/process-identity.ts";
import { configLock } from "./config-lock.ts";
import { faultContract } from "./fault.contract.ts";
import { startTestStack, writeConfig, type TestStack } from "./testing/test-stack.ts";

const options = { file: "main", key: "cacheSeconds", value: 45 } as const;
const fileOf = (stack: TestStack): string => stack.handle.configFile("main");
const lockOf = (stack: TestStack): string => fileOf(stack).replace(/json$/, "lock");
const stateOf = (stack: TestStack): unknown => JSON.parse(readFileSync(fileOf(stack), "utf8"));
const residues = (stack: TestStack): Promise<string[]> => {
  const known = ["main.json", "other.json"];
  const left = readdirSync(dirname(fileOf(stack))).filter((name) => !known.includes(name));
  const wrong = readFileSync(fileOf(stack), "utf8").includes('"cacheSeconds": 30') ? [] : ["foreign state"];
  return Promise.resolve([...readdirSync(stack.handle.scratchDir), ...left, ...wrong]);
};
const replace = (stack: TestStack, version: number): void => {
  writeConfig(`${fileOf(stack)}.new`, version);
  renameSync(`${fileOf(stack)}.new`, fileOf(stack));
};
/** A process that has ended. */
async function deadProcess(): Promise<ProcessIdentity> {
  const child = spawn(process.execPath, ["-e", "process.stdin.resume()"], {
    stdio: ["pipe", "ignore", "ignore"],
  });
  await once(child, "spawn");
  const identity = identify(child.pid ?? 0)!;
  child.stdin.end();
  await once(child, "exit");
  return identity;
}

faultContract({
  fault: configLock,
  options,
  wrongTarget: { ...options, file: "other" },
  // The state is written, but the lock is one that anybody may break.
  weaker: async (ctx, fault) => {
    await fault.inject(ctx, options);
    const lock = ctx.stack.configFile("main").replace(/json$/, "lock");
    const content = JSON.parse(readFileSync(lock, "utf8")) as object;
    writeFileSync(lock, JSON.stringify({ ...content, ...(await deadProcess()) }));
  },
  start: () => startTestStack({ servers: false }),
  residues,
  mend: (stack) => {
    for (const file of ["main", "other"]) writeConfig(stack.handle.configFile(file), 1);
    return Promise.resolve();
  },
  repair: (stack) => {
    replace(stack, 2);
    return Promise.resolve(() => Promise.resolve(stateOf(stack)));
  },
});

describe("config-lock", () => {
  let stack: TestStack;
  const ctx = () => stack.context("f", 2_000);
  const contentOf = (path: string) =>
    JSON.parse(readFileSync(path, "utf8")) as ProcessIdentity & { token: string };
  beforeEach(async () => {
    stack = await startTestStack({ servers: false });
  });
  afterEach(() => stack.stop());

  it("names this process in the lock, and writes a whole state under the version in force", async () => {
    await configLock.inject(ctx(), options);
    const content = contentOf(lockOf(stack));
    expect(content).toEqual({ ...identify(process.pid), token: "kiln-f" });
    expect(isAlive(content)).toBe(true);
    const state = stateOf(stack) as { checksum: string; values: unknown };
    expect(state).toMatchObject({ version: 1, values: { cacheSeconds: 45 } });
    expect(state.checksum).toBe(sha256(canonicalJson(state.values)));
    expect(await configLock.confirm(ctx(), options)).toMatchObject({
      effective: true,
      saw: expect.stringContaining(`held by process ${process.pid}`),
      plannedValuesHash: state.checksum,
    });
  });

  it("waits for a lock that somebody else holds, and gives up with nothing done", async () => {
    const theirs = JSON.stringify({ ...identify(process.pid), token: "owner" });
    writeFileSync(lockOf(stack), theirs);
    const before = readFileSync(fileOf(stack), "utf8");
    await expect(configLock.inject(stack.context("f", 100), options)).rejects.toThrow("aborted");
    await configLock.heal(ctx(), options);
    expect(readFileSync(lockOf(stack), "utf8")).toBe(theirs);
    expect(readFileSync(fileOf(stack), "utf8")).toBe(before);
    expect(readdirSync(stack.handle.scratchDir)).toEqual([]);
  });

  it("can be healed when it died with the lock taken and its state not yet in place", async () => {
    const dying = stack.context("f");
    let calls = 0;
    const remember: typeof dying.remember = async (memory) => {
      await dying.remember(memory);
      calls += 1;
      if (calls === 2) throw new Error("died");
    };
    await expect(configLock.inject({ ...dying, remember }, options)).rejects.toThrow("died");
    expect(existsSync(lockOf(stack))).toBe(true);
    expect(await configLock.confirm(ctx(), options)).toMatchObject({ effective: false });
    await configLock.heal(ctx(), options);
    expect(await residues(stack)).toEqual([]);
  });

  it("leaves the lock alone that the owner took after it had broken a stale one", async () => {
    await configLock.inject(ctx(), options);
    const theirs = JSON.stringify({ ...identify(process.pid), token: "owner" });
    writeFileSync(lockOf(stack), theirs);
    expect(await configLock.confirm(ctx(), options)).toMatchObject({ effective: false });
    await configLock.heal(ctx(), options);
    expect(readFileSync(lockOf(stack), "utf8")).toBe(theirs);
  });

  it("takes its lock back only under the guard that whoever breaks it must hold", async () => {
    await configLock.inject(ctx(), options);
    const guard = `${lockOf(stack)}.break`;
    writeFileSync(guard, JSON.stringify({ ...identify(process.pid), token: "owner" }));
    await expect(configLock.heal(stack.context("f", 100), options)).rejects.toThrow("aborted");
    expect(existsSync(lockOf(stack))).toBe(true);
    renameSync(guard, `${guard}.gone`);
    await configLock.heal(ctx(), options);
    expect(existsSync(lockOf(stack))).toBe(false);
  });

  it("clears away what a dead healer left of the guard", async () => {
    await configLock.inject(ctx(), options);
    const guard = `${lockOf(stack)}.break`;
    writeFileSync(guard, JSON.stringify({ ...(await deadProcess()), token: "kiln-f" }));
    await configLock.heal(ctx(), options);
    expect(await residues(stack)).toEqual([]);
  });

  it("needs a lock file that the stack names", async () => {
    const spec = {
      ...stack.handle.spec,
      configFiles: stack.handle.spec.configFiles?.map(({ lockFile: _lockFile, ...rest }) => rest),
    };
    const bare = { ...ctx(), stack: { ...stack.handle, spec } as TestStack["handle"] };
    await expect(configLock.inject(bare, options)).rejects.toThrow("no lock that Kiln knows of");
  });
});
