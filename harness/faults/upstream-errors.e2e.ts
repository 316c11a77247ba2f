import { describe, expect, it, onTestFinished } from "vitest";
import { faultContract } from "./fault.contract.ts";
import { startTestStack } from "./testing/test-stack.ts";
import { upstreamErrors } from "./upstream-errors.ts";

faultContract({
  fault: upstreamErrors,
  options: { service: "beta", rate: 0.2 },
  wrongTarget: { service: "alpha", rate: 0.2 },
  weaker: (ctx, fault, options) => fault.inject(ctx, { ...options, rate: options.rate / 2 }),
  start: () => startTestStack(),
  residues: async (stack) => {
    const state = JSON.stringify(await stack.handle.control("beta").get(AbortSignal.timeout(2_000)));
    return state === '{"errorRate":0}' ? [] : [state];
  },
});

describe("upstream-errors", () => {
  it("counts as healed when the service is gone, and not when it lives but refuses", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-gone");
    await upstreamErrors.inject(ctx, { service: "beta", rate: 0.5 });
    const beta = stack.handle.process("beta");
    const identity = beta.find()!;
    beta.signal(identity, "SIGSTOP");
    await expect(
      upstreamErrors.heal(stack.context("f-gone", 500), { service: "beta", rate: 0.5 }),
    ).rejects.toThrow("aborted due to timeout");
    beta.signal(identity, "SIGKILL");
    await expect.poll(() => beta.find()).toBeUndefined();
    await upstreamErrors.heal(ctx, { service: "beta", rate: 0.5 });
  });
});
