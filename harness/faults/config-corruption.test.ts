import {
  lstatSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sleep } from "../support/clock.ts";
import type { Json } from "../support/json.ts";
import { configCorruption } from "./config-corruption.ts";
import { spoiledVariants, type CorruptionVariant } from "./corrupt-bytes.ts";
import { faultContract } from "./fault.contract.ts";
import { startTestStack, writeConfig, type TestStack } from "./testing/test-stack.ts";

const options = { file: "main", variant: "malformed" } as const;
const residues = (stack: TestStack): Promise<string[]> => {
  const folder = stack.handle.configFile("main").replace(/[^/]+$/, "");
  const left = readdirSync(folder).filter((name) => name !== "main.json" && name !== "other.json");
  return Promise.resolve([
    ...readdirSync(stack.handle.scratchDir),
    ...left,
    ...(isGood(stack) ? [] : ["corrupt file"]),
  ]);
};
const isGood = (stack: TestStack): boolean =>
  readFileSync(stack.handle.configFile("main"), "utf8").includes('"checksum": "0123');
/** As a service with atomic writes replaces the file. */
const replaceFile = (path: string, version: number): void => {
  writeConfig(`${path}.new`, version);
  renameSync(`${path}.new`, path);
};

describe.each(["malformed", "partial-write", "unreadable"] as const)("%s", (variant) => {
  faultContract({
    fault: configCorruption,
    options: { file: "main", variant },
    wrongTarget: { file: "other", variant },
    // The file is touched, not corrupted.
    weaker: (ctx) => {
      utimesSync(ctx.stack.configFile("main"), new Date(), new Date());
      return Promise.resolve();
    },
    start: () => startTestStack({ servers: false }),
    residues,
    mend: (stack) => {
      for (const file of ["main", "other"]) writeConfig(stack.handle.configFile(file), 1);
      return Promise.resolve();
    },
    repair: (stack) => {
      replaceFile(stack.handle.configFile("main"), 2);
      return Promise.resolve(() => Promise.resolve(readFileSync(stack.handle.configFile("main"), "utf8")));
    },
  });
});

describe("config-corruption", () => {
  let stack: TestStack;
  let path: string;
  const confirm = () => configCorruption.confirm(stack.context("f"), options);
  const heal = () => configCorruption.heal(stack.context("f"), options);
  const inject = (variant: CorruptionVariant = "malformed") =>
    configCorruption.inject(stack.context("f"), { file: "main", variant });
  const replace = (version: number): void => replaceFile(path, version);
  /** File times have the resolution of the kernel's clock tick (up to 10 ms). */
  const afterATick = (): Promise<void> => sleep(30);

  beforeEach(async () => {
    stack = await startTestStack({ servers: false });
    path = stack.handle.configFile("main");
  });
  afterEach(() => stack.stop());

  it.each(spoiledVariants)("makes the file %s in place, and restores bytes and mode", async (variant) => {
    const before = { bytes: readFileSync(path), stat: statSync(path) };
    await inject(variant);
    const after = { bytes: readFileSync(path), stat: statSync(path) };
    expect(after.stat.ino).toBe(before.stat.ino);
    expect(after.bytes.equals(before.bytes)).toBe(false);
    expect(await confirm()).toMatchObject({ effective: true });
    await heal();
    expect(readFileSync(path).equals(before.bytes)).toBe(true);
    expect(statSync(path).mode).toBe(before.stat.mode);
    expect(await residues(stack)).toEqual([]);
  });

  it("is confirmed although the stack has replaced the file meanwhile, and heal leaves that alone", async () => {
    await inject();
    await afterATick();
    replace(2);
    expect(await confirm()).toMatchObject({ effective: true, saw: expect.stringContaining("was replaced") });
    await heal();
    expect(readFileSync(path, "utf8")).toContain('"version": 2');
  });

  it("is confirmed although the stack has written the file again in place", async () => {
    await inject();
    await afterATick();
    writeConfig(path, 3);
    expect(await confirm()).toMatchObject({ effective: true, saw: expect.stringContaining("written again") });
    await heal();
    expect(readFileSync(path, "utf8")).toContain('"version": 3');
  });

  it("is not confirmed when the file had been replaced before the write: nobody ever saw it", async () => {
    const ctx = stack.context("f");
    const late = async (memory: Json): Promise<void> => {
      if (stack.memories.get("f") === undefined) replace(2);
      await ctx.remember(memory);
    };
    await configCorruption.inject({ ...ctx, remember: late }, options);
    expect(await confirm()).toMatchObject({ effective: false, saw: expect.stringContaining("never held") });
    await heal();
    expect(readFileSync(path, "utf8")).toContain('"version": 2');
    expect(await residues(stack)).toEqual([]);
  });

  it("is not confirmed when inject remembered but did not write, also after an ordinary update", async () => {
    const ctx = stack.context("f");
    const dying = async (memory: Json): Promise<void> =>
      ctx.remember(memory).then(() => Promise.reject(new Error("died")));
    await expect(configCorruption.inject({ ...ctx, remember: dying }, options)).rejects.toThrow("died");
    expect(await confirm()).toMatchObject({ effective: false });
    await afterATick();
    replace(2);
    expect(await confirm()).toMatchObject({ effective: false });
  });

  describe("unreadable", () => {
    it("puts a link to itself in the file's place, which nobody can read, and brings back the very file", async () => {
      const before = { bytes: readFileSync(path), stat: statSync(path) };
      await inject("unreadable");
      expect(lstatSync(path).isSymbolicLink()).toBe(true);
      expect(() => readFileSync(path)).toThrow("ELOOP");
      expect(() => writeFileSync(path, "in place")).toThrow("ELOOP");
      expect(await confirm()).toEqual({ effective: true, saw: "reading config file main fails with ELOOP" });
      await heal();
      expect(readFileSync(path).equals(before.bytes)).toBe(true);
      expect(statSync(path)).toMatchObject({ ino: before.stat.ino, mode: before.stat.mode });
      expect(await residues(stack)).toEqual([]);
    });

    it("is confirmed although the stack has replaced the link at once, and heal leaves that alone", async () => {
      await inject("unreadable");
      replace(2);
      expect(await confirm()).toMatchObject({
        effective: true,
        saw: expect.stringContaining("was replaced"),
      });
      await heal();
      expect(readFileSync(path, "utf8")).toContain('"version": 2');
      expect(await residues(stack)).toEqual([]);
    });

    it("leaves another's link alone, and a file that was removed", async () => {
      await inject("unreadable");
      unlinkSync(path);
      symlinkSync("elsewhere.json", path);
      await heal();
      expect(lstatSync(path).isSymbolicLink()).toBe(true);
      unlinkSync(path);
      writeConfig(path, 1);
      await configCorruption.inject(stack.context("g"), { file: "main", variant: "unreadable" });
      unlinkSync(path);
      await configCorruption.heal(stack.context("g"), { file: "main", variant: "unreadable" });
      expect(() => statSync(path)).toThrow("ENOENT");
    });

    it("does nothing when the file was replaced just before, and says so", async () => {
      const ctx = stack.context("f");
      const late = async (memory: Json): Promise<void> => {
        replace(2);
        await ctx.remember(memory);
      };
      await expect(
        configCorruption.inject({ ...ctx, remember: late }, { file: "main", variant: "unreadable" }),
      ).rejects.toThrow("was replaced by somebody else");
      expect(await confirm()).toMatchObject({ effective: false });
      await heal();
      expect(readFileSync(path, "utf8")).toContain('"version": 2');
      expect(await residues(stack)).toEqual([]);
    });

    it("is healed when the process died between the change and the second note of it", async () => {
      const ctx = stack.context("f");
      let calls = 0;
      const dying = async (memory: Json): Promise<void> => {
        calls += 1;
        if (calls === 2) throw new Error("died");
        await ctx.remember(memory);
      };
      await expect(
        configCorruption.inject({ ...ctx, remember: dying }, { file: "main", variant: "unreadable" }),
      ).rejects.toThrow("died");
      expect(lstatSync(path).isSymbolicLink()).toBe(true);
      await heal();
      expect(await residues(stack)).toEqual([]);
    });
  });

  it("heals a new process's way: what is neither good nor corrupt stays", async () => {
    await inject("truncated");
    writeFileSync(path, "somebody is writing here");
    await heal();
    expect(readFileSync(path, "utf8")).toBe("somebody is writing here");
  });
});
