import { describe, expect, it, onTestFinished } from "vitest";
import { deadline } from "../support/clock.ts";
import { faultContract } from "./fault.contract.ts";
import { redisMemory } from "./redis-memory.ts";
import { gone, signalService } from "./testing/sustained.ts";
import { startTestStack, type TestStack } from "./testing/test-stack.ts";

const ask = (stack: TestStack, service: string, ...args: [string, ...string[]]) =>
  stack.handle.redis(service, args, deadline(5_000));
const settings = async (stack: TestStack, service = "cache"): Promise<unknown[]> => [
  await ask(stack, service, "CONFIG", "GET", "maxmemory"),
  await ask(stack, service, "CONFIG", "GET", "maxmemory-policy"),
];
const good = [
  ["maxmemory", "268435456"],
  ["maxmemory-policy", "allkeys-lru"],
];
const restore = async (stack: TestStack): Promise<void> => {
  for (const service of ["cache", "spare"])
    for (const setting of good) await ask(stack, service, "CONFIG", "SET", ...setting);
};

faultContract({
  fault: redisMemory,
  options: { service: "cache" },
  wrongTarget: { service: "spare" },
  // Little memory, but enough.
  weaker: async (ctx, fault, options) => {
    await fault.inject(ctx, options);
    await ctx.stack.redis("cache", ["CONFIG", "SET", "maxmemory", "4mb"], ctx.signal);
  },
  start: async () => {
    const stack = await startTestStack({ spare: true });
    await restore(stack);
    return stack;
  },
  residues: async (stack) => {
    const now = await settings(stack);
    const repaired = JSON.stringify(now[0]) === '["maxmemory","8388608"]';
    return repaired || JSON.stringify(now) === JSON.stringify(good) ? [] : [JSON.stringify(now)];
  },
  // Somebody gave it memory.
  repair: async (stack) => {
    await ask(stack, "cache", "CONFIG", "SET", "maxmemory", "8mb");
    return () => ask(stack, "cache", "CONFIG", "GET", "maxmemory");
  },
  mend: restore,
});

describe("redis-memory", () => {
  it("refuses writes, answers reads, and loses no key", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    await ask(stack, "cache", "CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    for (let n = 0; n < 50; n++) await ask(stack, "cache", "SET", `key-${n}`, "value");
    const ctx = stack.context("f-oom");
    await redisMemory.inject(ctx, { service: "cache" });
    await expect(ask(stack, "cache", "SET", "other", "value")).rejects.toMatchObject({ code: "redis-oom" });
    expect(await ask(stack, "cache", "GET", "key-7")).toBe("value");
    expect(await redisMemory.confirm(ctx, { service: "cache" })).toMatchObject({ effective: true });
    await redisMemory.heal(ctx, { service: "cache" });
    expect(await ask(stack, "cache", "DBSIZE")).toBe(50);
    expect(await settings(stack)).toEqual([
      ["maxmemory", "0"],
      ["maxmemory-policy", "allkeys-lru"],
    ]);
  });

  it("has nothing to heal when Redis was killed meanwhile", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-gone");
    await redisMemory.inject(ctx, { service: "cache" });
    signalService(stack, "cache", "SIGKILL");
    await gone(stack, "cache");
    await expect(redisMemory.heal(ctx, { service: "cache" })).resolves.toBeUndefined();
  });
});
