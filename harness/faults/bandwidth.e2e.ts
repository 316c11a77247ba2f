import { describe, expect, it, onTestFinished } from "vitest";
import { bandwidth } from "./bandwidth.ts";
import { faultContract } from "./fault.contract.ts";
import { openConnection } from "./testing/old-connection.ts";
import { startTestStack } from "./testing/test-stack.ts";

faultContract({
  fault: bandwidth,
  options: { link: "cache", kibPerSecond: 64 },
  wrongTarget: { link: "alpha", kibPerSecond: 64 },
  weaker: (ctx, fault, options) => fault.inject(ctx, { ...options, kibPerSecond: 128 }),
  start: () => startTestStack(),
  residues: async (stack) => (await stack.handle.proxy("cache").state()).toxics,
});

describe("bandwidth", () => {
  it("acts on a connection that was open before, and no more once healed", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const old = await openConnection(stack.handle.proxy("cache"));
    const ctx = stack.context("f-old");
    const options = { link: "cache", kibPerSecond: 64 };
    await bandwidth.inject(ctx, options);
    expect(await old.ping(32 * 1_024)).toBeGreaterThan(450);
    await bandwidth.heal(ctx, options);
    expect(await old.ping(32 * 1_024)).toBeLessThan(250);
  });

  it("is not confirmed by twice the harm", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-double");
    await bandwidth.inject(ctx, { link: "cache", kibPerSecond: 32 });
    expect(await bandwidth.confirm(ctx, { link: "cache", kibPerSecond: 64 })).toMatchObject({
      effective: false,
    });
  });
});

it.each([4, 1_024])("refuses %d KiB/s", (kibPerSecond) => {
  expect(bandwidth.options.safeParse({ link: "cache", kibPerSecond }).success).toBe(false);
});
