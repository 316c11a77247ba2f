import { describe, expect, it, onTestFinished } from "vitest";
import { sleep } from "../support/clock.ts";
import { crashLoop } from "./crash-loop.ts";
import { faultContract } from "./fault.contract.ts";
import { served, sustain } from "./testing/sustained.ts";
import { startTestStack } from "./testing/test-stack.ts";

faultContract({
  fault: crashLoop,
  options: { service: "gamma", kills: 2, aliveMs: 100 },
  wrongTarget: { service: "alpha", kills: 2, aliveMs: 100 },
  // One kill is no loop.
  weaker: (ctx, fault, options) => fault.inject(ctx, options),
  start: () => startTestStack({ keeper: true }),
  // Heal touches no process, so there is nothing that it could overwrite.
  residues: async (stack) => {
    await served(stack, "gamma");
    return [];
  },
  mend: (stack) => stack.revive("alpha"),
});

describe("crash-loop", () => {
  it("kills as often as asked and not once more, and leaves each process its time", async () => {
    const stack = await startTestStack({ keeper: true });
    onTestFinished(() => stack.stop());
    const options = { service: "gamma", kills: 3, aliveMs: 400 };
    const ctx = stack.context("f-loop");
    await crashLoop.inject(ctx, options);
    const startedMs = ctx.clock.nowMs();
    expect(await sustain(crashLoop, ctx, options).done).toBeUndefined();
    expect(ctx.clock.nowMs() - startedMs).toBeGreaterThan(2 * 400);
    const { killed } = JSON.parse(stack.memories.get("f-loop")!) as { killed: { pid: number }[] };
    expect(new Set(killed.map(({ pid }) => pid)).size).toBe(3);
    await expect
      .poll(() => crashLoop.confirm(ctx, options))
      .toMatchObject({ effective: true, saw: expect.stringContaining("3 processes of gamma are gone") });
    await served(stack, "gamma");
    const survivor = stack.handle.process("gamma").find();
    await sleep(600);
    expect(stack.handle.process("gamma").find()).toEqual(survivor);
  });

  it("stops at once when it is healed in the middle", async () => {
    const stack = await startTestStack({ keeper: true });
    onTestFinished(() => stack.stop());
    const options = { service: "gamma", kills: 10, aliveMs: 10_000 };
    const ctx = stack.context("f-cut");
    await crashLoop.inject(ctx, options);
    const sustained = sustain(crashLoop, ctx, options);
    await served(stack, "gamma");
    await sustained.end();
    await crashLoop.heal(ctx, options);
    expect(await crashLoop.confirm(ctx, options)).toMatchObject({ effective: false });
  });
});
