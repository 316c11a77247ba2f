import { describe, expect, it, onTestFinished } from "vitest";
import { sleep, systemClock } from "../support/clock.ts";
import { faultContract } from "./fault.contract.ts";
import { openConnection } from "./testing/old-connection.ts";
import { startTestStack } from "./testing/test-stack.ts";
import { timeout } from "./timeout.ts";

const options = { link: "cache", afterMs: 400 };

faultContract({
  fault: timeout,
  options,
  wrongTarget: { ...options, link: "beta" },
  weaker: (ctx, fault) => fault.inject(ctx, { ...options, afterMs: 200 }),
  start: () => startTestStack(),
  residues: async (stack) => (await stack.handle.proxy("cache").state()).toxics,
});

describe("timeout", () => {
  it("closes connections that were open before, idle ones and busy ones, at their time", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const proxy = stack.handle.proxy("cache");
    const [idle, busy] = [await openConnection(proxy), await openConnection(proxy)];
    const ctx = stack.context("f-old");
    const injectedMs = systemClock.nowMs();
    await timeout.inject(ctx, options);
    const before = busy.receivedBytes();
    // Steady traffic, far closer together than the time until the end.
    while (busy.isOpen() && systemClock.nowMs() - injectedMs < 3_000) {
      busy.send("PING");
      await sleep(20);
    }
    for (const connection of [idle, busy]) {
      expect(connection.isOpen()).toBe(false);
      const { atMs } = await connection.ended();
      expect(atMs - injectedMs).toBeGreaterThan(395);
      expect(atMs - injectedMs).toBeLessThan(1_000);
    }
    expect(busy.receivedBytes()).toBe(before);
  });

  it("is not confirmed by a link that is silent for ever", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-silent");
    await stack.handle.proxy("cache").addToxic({
      name: ctx.id,
      type: "timeout",
      stream: "downstream",
      attributes: { timeout: 0 },
    });
    const seen = await timeout.confirm(ctx, options);
    expect(seen).toMatchObject({ effective: false, saw: expect.stringContaining("(unfinished)") });
  });
});

it.each([50, 10_000])("refuses an end after %d ms", (afterMs) => {
  expect(timeout.options.safeParse({ link: "cache", afterMs }).success).toBe(false);
});
