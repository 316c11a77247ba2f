import { describe, expect, it, onTestFinished } from "vitest";
import { dataLimit } from "./data-limit.ts";
import { faultContract } from "./fault.contract.ts";
import { openConnection } from "./testing/old-connection.ts";
import { startTestStack } from "./testing/test-stack.ts";

faultContract({
  fault: dataLimit,
  options: { link: "cache", bytes: 3_000 },
  wrongTarget: { link: "alpha", bytes: 3_000 },
  weaker: (ctx, fault, options) => fault.inject(ctx, { ...options, bytes: 6_000 }),
  start: () => startTestStack(),
  residues: async (stack) => (await stack.handle.proxy("cache").state()).toxics,
});

describe("data-limit", () => {
  it("counts on a connection that was open before from inject on, and leaves an idle one alone", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const proxy = stack.handle.proxy("cache");
    const [busy, idle] = [await openConnection(proxy), await openConnection(proxy)];
    await busy.ping(5_000);
    const ctx = stack.context("f-old");
    await dataLimit.inject(ctx, { link: "cache", bytes: 3_000 });
    const before = busy.receivedBytes();
    await expect(busy.ping(5_000)).rejects.toThrow("ended by");
    expect(busy.receivedBytes() - before).toBe(3_000);
    await dataLimit.heal(ctx, { link: "cache", bytes: 3_000 });
    expect(await idle.ping(5_000)).toBeLessThan(500);
  });

  it("may cost its hold on an essential link", async () => {
    const stack = await startTestStack({ servers: false });
    onTestFinished(() => stack.stop());
    const scene = { stack: stack.handle.spec, holdMs: 12_000 };
    expect(dataLimit.expect({ link: "alpha", bytes: 100 }, scene).unavailableMs).toBe(12_000);
    expect(dataLimit.expect({ link: "cache", bytes: 100 }, scene).unavailableMs).toBe(0);
  });
});

it.each([0, 100_000])("refuses %d bytes", (bytes) => {
  expect(dataLimit.options.safeParse({ link: "cache", bytes }).success).toBe(false);
});
