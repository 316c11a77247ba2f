import { describe, expect, it, onTestFinished } from "vitest";
import { faultContract } from "./fault.contract.ts";
import { slicing } from "./slicing.ts";
import { openConnection } from "./testing/old-connection.ts";
import { startTestStack } from "./testing/test-stack.ts";

const options = { link: "cache", sliceBytes: 256, gapMs: 10 };

faultContract({
  fault: slicing,
  options,
  wrongTarget: { ...options, link: "alpha" },
  weaker: (ctx, fault) => fault.inject(ctx, { ...options, sliceBytes: 512 }),
  start: () => startTestStack(),
  residues: async (stack) => (await stack.handle.proxy("cache").state()).toxics,
});

describe("slicing", () => {
  it("is not confirmed with pauses of half the length", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-short-gaps");
    await slicing.inject(ctx, { ...options, gapMs: 20 });
    expect(await slicing.confirm(ctx, { ...options, gapMs: 40 })).toMatchObject({ effective: false });
    expect(await slicing.confirm(ctx, { ...options, gapMs: 20 })).toMatchObject({ effective: true });
  });

  it("acts on a connection that was open before, and leaves it whole", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const old = await openConnection(stack.handle.proxy("cache"));
    const ctx = stack.context("f-old");
    await slicing.inject(ctx, options);
    const before = old.reads.length;
    await old.ping(2_000);
    // 2,000 bytes make eight pieces or more; a busy reader takes some of them together.
    expect(old.reads.length - before).toBeGreaterThanOrEqual(4);
    await slicing.heal(ctx, options);
    const after = old.reads.length;
    await old.ping(2_000);
    expect(old.reads.length - after).toBeLessThanOrEqual(2);
  });
});

it.each([
  { sliceBytes: 8, gapMs: 10 },
  { sliceBytes: 8_192, gapMs: 10 },
  { sliceBytes: 256, gapMs: 1 },
  { sliceBytes: 256, gapMs: 500 },
])("refuses %o", (wrong) => {
  expect(slicing.options.safeParse({ link: "cache", ...wrong }).success).toBe(false);
});
