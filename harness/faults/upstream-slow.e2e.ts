import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { faultContract } from "./fault.contract.ts";
import { startTestStack, type TestStack } from "./testing/test-stack.ts";
import { upstreamSlow } from "./upstream-slow.ts";

const options = { service: "beta", delayMs: 150, rate: 1 };
const controlState = async (stack: TestStack): Promise<string> =>
  JSON.stringify(await stack.handle.control("beta").get(AbortSignal.timeout(2_000)));

faultContract({
  fault: upstreamSlow,
  options,
  wrongTarget: { ...options, service: "alpha" },
  weaker: (ctx, fault) => fault.inject(ctx, { ...options, delayMs: options.delayMs / 2 }),
  start: () => startTestStack(),
  residues: async (stack) => {
    const state = await controlState(stack);
    return state === '{"errorRate":0}' ? [] : [state];
  },
});

describe("upstream-slow", () => {
  let stack: TestStack;
  beforeAll(async () => {
    stack = await startTestStack();
  });
  afterAll(() => stack.stop());

  it("slows a share of the calls, and tells it from half of that share", async () => {
    const share = { ...options, rate: 0.4 };
    await upstreamSlow.inject(stack.context("f"), share);
    const seen = await upstreamSlow.confirm(stack.context("f"), share);
    expect(seen).toMatchObject({ effective: true, magnitude: { asked: 150, unit: "ms" } });
    expect(await upstreamSlow.confirm(stack.context("f"), { ...share, rate: 0.8 })).toMatchObject({
      effective: false,
    });
    await upstreamSlow.heal(stack.context("f"), share);
    expect(await upstreamSlow.confirm(stack.context("f"), share)).toMatchObject({ effective: false });
  });

  it("ends by itself when nobody heals it", async () => {
    await upstreamSlow.inject({ ...stack.context("g"), selfHealMs: 300 }, options);
    await expect.poll(() => controlState(stack), { timeout: 5_000 }).toBe('{"errorRate":0}');
  });

  it("counts as healed when the service is gone, and not when it lives but refuses", async () => {
    await upstreamSlow.inject(stack.context("h"), options);
    const beta = stack.handle.process("beta");
    const identity = beta.find()!;
    beta.signal(identity, "SIGSTOP");
    await expect(upstreamSlow.heal(stack.context("h", 500), options)).rejects.toThrow(/timeout/);
    beta.signal(identity, "SIGKILL");
    await expect.poll(() => beta.find()).toBeUndefined();
    await upstreamSlow.heal(stack.context("h"), options);
  });

  it("slows every call unless told otherwise, and refuses what it could not measure", () => {
    expect(upstreamSlow.options.parse({ service: "beta", delayMs: 200 })).toMatchObject({ rate: 1 });
    for (const bad of [{ delayMs: 10 }, { delayMs: 6_000 }, { delayMs: 200, rate: 0.05 }])
      expect(upstreamSlow.options.safeParse({ service: "beta", ...bad }).success).toBe(false);
  });
});
