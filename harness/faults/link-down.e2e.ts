import { describe, expect, it, onTestFinished } from "vitest";
import { faultContract } from "./fault.contract.ts";
import { latency } from "./latency.ts";
import { linkDown } from "./link-down.ts";
import { startTestStack } from "./testing/test-stack.ts";

faultContract({
  fault: linkDown,
  options: { link: "cache" },
  wrongTarget: { link: "beta" },
  // So slow that an exchange exceeds its limit: a slow link is not a cut one.
  weaker: (ctx, _fault, { link }) => latency.inject(ctx, { link, delayMs: 4_000 }),
  start: () => startTestStack(),
  residues: async (stack) => ((await stack.handle.proxy("cache").state()).enabled ? [] : ["proxy is closed"]),
  mend: async (stack) => {
    const proxy = stack.handle.proxy("cache");
    for (const name of (await proxy.state()).toxics) await proxy.removeToxic(name);
  },
});

describe("link-down", () => {
  it("costs its hold on an essential link, and nothing on another", async () => {
    const stack = await startTestStack({ servers: false });
    onTestFinished(() => stack.stop());
    const scene = { stack: stack.handle.spec, holdMs: 12_000 };
    expect(linkDown.expect({ link: "alpha" }, scene).unavailableMs).toBe(12_000);
    expect(linkDown.expect({ link: "cache" }, scene).unavailableMs).toBe(0);
  });

  it("is not confirmed when the target itself is gone", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-target-gone");
    await linkDown.inject(ctx, { link: "beta" });
    const beta = stack.handle.process("beta");
    beta.signal(beta.find()!, "SIGKILL");
    await expect(linkDown.confirm(ctx, { link: "beta" })).rejects.toThrow("could not be asked");
  });
});
