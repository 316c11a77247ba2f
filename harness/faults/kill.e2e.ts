import { describe, expect, it, onTestFinished } from "vitest";
import { faultContract } from "./fault.contract.ts";
import { kill } from "./kill.ts";
import { startTestStack } from "./testing/test-stack.ts";

faultContract({
  fault: kill,
  options: { service: "alpha" },
  wrongTarget: { service: "beta" },
  // Stopped, not dead.
  weaker: async (ctx, _fault, { service }) => {
    const identity = ctx.stack.process(service).find()!;
    await ctx.remember({ service, identity: { ...identity } });
    ctx.stack.process(service).signal(identity, "SIGSTOP");
  },
  start: () => startTestStack(),
  // Momentary: heal does nothing, so there is nothing that it could overwrite.
  residues: () => Promise.resolve([]),
  mend: async (stack) => {
    for (const service of ["alpha", "beta"] as const) {
      const identity = stack.handle.process(service).find();
      if (identity !== undefined) stack.handle.process(service).signal(identity, "SIGCONT");
      await stack.revive(service);
    }
  },
});

describe("kill", () => {
  it("is confirmed by the old process, although a new one already serves", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-revived");
    await kill.inject(ctx, { service: "alpha" });
    await expect.poll(() => stack.handle.process("alpha").find()).toBeUndefined();
    await stack.revive("alpha");
    expect(await kill.confirm(ctx, { service: "alpha" })).toMatchObject({ effective: true });
    await kill.heal(ctx, { service: "alpha" });
    expect(stack.handle.process("alpha").find()).toBeDefined();
  });

  it("cannot kill what is not there", async () => {
    const stack = await startTestStack({ servers: false });
    onTestFinished(() => stack.stop());
    await expect(kill.inject(stack.context("f-none"), { service: "alpha" })).rejects.toMatchObject({
      code: "service-gone",
    });
  });
});
