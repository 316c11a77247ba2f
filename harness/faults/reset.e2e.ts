import { describe, expect, it, onTestFinished } from "vitest";
import { faultContract } from "./fault.contract.ts";
import { reset } from "./reset.ts";
import { openConnection } from "./testing/old-connection.ts";
import { startTestStack, type TestStack } from "./testing/test-stack.ts";

const options = { link: "cache", afterMs: 150 };

faultContract({
  fault: reset,
  options,
  wrongTarget: { ...options, link: "beta" },
  weaker: (ctx, fault) => fault.inject(ctx, { ...options, afterMs: 75 }),
  start: () => startTestStack(),
  residues: async (stack) => {
    const { enabled, toxics } = await stack.handle.proxy("cache").state();
    return enabled ? toxics : [...toxics, "proxy is closed"];
  },
  // Somebody took the toxic away and works again: heal must not cut that connection.
  repair: async (stack, id) => {
    const proxy = stack.handle.proxy("cache");
    await proxy.removeToxic(id);
    const client = await openConnection(proxy);
    return async () => {
      await client.ping(10);
      return client.isOpen();
    };
  },
});

describe("reset", () => {
  const start = async (): Promise<TestStack> => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    return stack;
  };

  it("bites without a delay as well", async () => {
    const stack = await start();
    const ctx = stack.context("f-at-once");
    await reset.inject(ctx, { link: "cache", afterMs: 0 });
    expect(await reset.confirm(ctx, { link: "cache", afterMs: 0 })).toMatchObject({ effective: true });
  });

  it("ends connections that were open before, and resets those that come back", async () => {
    const stack = await start();
    const proxy = stack.handle.proxy("cache");
    const old = await openConnection(proxy);
    const ctx = stack.context("f-old");
    await reset.inject(ctx, { link: "cache", afterMs: 0 });
    expect((await old.ended()).by).toBe("close");
    expect(await proxy.talk({ ask: { answerBytes: 1 }, waitMs: 2_000 }, ctx.signal)).toMatchObject({
      end: "reset",
      receivedBytes: 0,
    });
  });

  it("is not confirmed by connections that are closed in good order", async () => {
    const stack = await start();
    const ctx = stack.context("f-orderly");
    await stack.handle.proxy("cache").addToxic({
      name: ctx.id,
      type: "limit_data",
      stream: "downstream",
      attributes: { bytes: 0 },
    });
    const seen = await reset.confirm(ctx, { link: "cache", afterMs: 0 });
    expect(seen).toMatchObject({ effective: false, saw: expect.stringContaining("(closed)") });
  });

  it("is healed after an inject that ended while the link was closed", async () => {
    const stack = await start();
    const ctx = stack.context("f-half");
    await reset.inject(ctx, options);
    await stack.handle.proxy("cache").setEnabled(false);
    await reset.heal(ctx, options);
    expect(await stack.handle.proxy("cache").state()).toEqual({ enabled: true, toxics: [] });
  });
});

it.each([-1, 2_000])("refuses a reset after %d ms", (afterMs) => {
  expect(reset.options.safeParse({ link: "cache", afterMs }).success).toBe(false);
});
