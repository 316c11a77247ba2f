import { readFileSync, readdirSync, renameSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { canonicalJson, sha256 } from "../support/json.ts";
import { configDrift } from "./config-drift.ts";
import { faultContract } from "./fault.contract.ts";
import { startTestStack, writeConfig, type TestStack } from "./testing/test-stack.ts";

const options = { file: "main", key: "limits.perMinute", value: 25 } as const;
interface State {
  readonly checksum: string;
  readonly values: { readonly limits: { readonly perMinute: number } };
}
const stateOf = (stack: TestStack): State =>
  JSON.parse(readFileSync(stack.handle.configFile("main"), "utf8")) as State;
/** As a service with atomic writes replaces the file. */
const replace = (stack: TestStack, version: number): void => {
  const path = stack.handle.configFile("main");
  writeConfig(`${path}.new`, version);
  renameSync(`${path}.new`, path);
};
const residues = (stack: TestStack): Promise<string[]> => {
  const known = ["main.json", "other.json"];
  const left = readdirSync(dirname(stack.handle.configFile("main"))).filter((name) => !known.includes(name));
  const wrong = stateOf(stack).values.limits.perMinute === 10 ? [] : ["the wrong value"];
  return Promise.resolve([...readdirSync(stack.handle.scratchDir), ...left, ...wrong]);
};
const mend = (stack: TestStack): Promise<void> => {
  for (const file of ["main", "other"]) writeConfig(stack.handle.configFile(file), 1);
  return Promise.resolve();
};

faultContract({
  fault: configDrift,
  options,
  wrongTarget: { ...options, file: "other" },
  // Another wrong value, half as far away.
  weaker: (ctx, fault) => fault.inject(ctx, { ...options, value: 17 }),
  start: () => startTestStack(),
  residues,
  mend,
  repair: (stack) => {
    replace(stack, 2);
    return Promise.resolve(() => Promise.resolve(stateOf(stack)));
  },
});

describe("config-drift", () => {
  let stack: TestStack;
  let path: string;
  const ctx = () => stack.context("f");
  beforeAll(async () => {
    stack = await startTestStack();
    path = stack.handle.configFile("main");
  });
  afterAll(() => stack.stop());
  beforeEach(async () => {
    await configDrift.heal(ctx(), options);
    stack.memories.clear();
    await mend(stack);
  });

  it("writes a whole state of the same version by rename, and brings back the very file", async () => {
    const before = { bytes: readFileSync(path), stat: statSync(path) };
    await configDrift.inject(ctx(), options);
    const state = stateOf(stack);
    expect(state).toMatchObject({ version: 1, values: { limits: { perMinute: 25 } } });
    expect(state.checksum).toBe(sha256(canonicalJson(state.values)));
    expect(statSync(path).ino).not.toBe(before.stat.ino);
    expect(statSync(path).mode).toBe(before.stat.mode);
    expect(await configDrift.confirm(ctx(), options)).toEqual({
      effective: true,
      saw: "config file main holds limits.perMinute = 25 instead of 10, and its owner serves 25",
      plannedValuesHash: state.checksum,
    });
    await configDrift.heal(ctx(), options);
    expect(readFileSync(path).equals(before.bytes)).toBe(true);
    expect(statSync(path).ino).toBe(before.stat.ino);
  });

  it("is not confirmed while the owner goes on serving the old value", async () => {
    await configDrift.inject(ctx(), options);
    const { http } = stack.handle;
    const stale = {
      ...stack.handle,
      http: (...[service]: Parameters<typeof http>) =>
        http(service, "/config/other", { signal: ctx().signal }),
    };
    expect(await configDrift.confirm({ ...ctx(), stack: stale }, options)).toMatchObject({
      effective: false,
      saw: expect.stringContaining("serves 10"),
    });
  });

  it("is confirmed although the stack has put the file right, by rename or in place; heal leaves that alone", async () => {
    await configDrift.inject(ctx(), options);
    replace(stack, 2);
    const seen = await configDrift.confirm(ctx(), options);
    expect(seen).toMatchObject({ effective: true, saw: expect.stringContaining("was replaced") });
    await configDrift.heal(ctx(), options);
    expect(stateOf(stack)).toMatchObject({ version: 2 });
    await configDrift.inject(stack.context("g"), options);
    writeFileSync(path, "somebody is writing here");
    expect(await configDrift.confirm(stack.context("g"), options)).toMatchObject({ effective: true });
    await configDrift.heal(stack.context("g"), options);
    expect(readFileSync(path, "utf8")).toBe("somebody is writing here");
  });

  it("does nothing when the file was replaced while the wrong state was made", async () => {
    const late = {
      ...ctx(),
      remember: async (memory: Parameters<ReturnType<typeof ctx>["remember"]>[0]) => {
        replace(stack, 2);
        await ctx().remember(memory);
      },
    };
    await expect(configDrift.inject(late, options)).rejects.toThrow("was replaced by somebody else");
    expect(await configDrift.confirm(ctx(), options)).toMatchObject({ effective: false });
    await configDrift.heal(ctx(), options);
    expect(stateOf(stack)).toMatchObject({ version: 2, values: { limits: { perMinute: 10 } } });
    expect(await residues(stack)).toEqual([]);
  });

  it("is not confirmed by a file that was only touched", async () => {
    utimesSync(path, new Date(), new Date());
    expect(await configDrift.confirm(ctx(), options)).toMatchObject({ effective: false });
  });

  it("refuses a value that the file has already, without a trace", async () => {
    await expect(configDrift.inject(ctx(), { ...options, value: 10 })).rejects.toThrow("it is 10 already");
    await configDrift.heal(ctx(), options);
    expect(await residues(stack)).toEqual([]);
  });
});
