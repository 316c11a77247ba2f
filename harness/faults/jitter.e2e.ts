import { describe, expect, it, onTestFinished } from "vitest";
import { faultContract } from "./fault.contract.ts";
import { delays, jitter, type JitterOptions } from "./jitter.ts";
import { openConnection } from "./testing/old-connection.ts";
import { startTestStack } from "./testing/test-stack.ts";

const options: JitterOptions = { link: "cache", delayMs: 60, jitterMs: 50, seed: 7 };
/** Ends what keeps the weaker fault up. */
let endWeaker = (): Promise<void> => Promise.resolve();

faultContract({
  fault: jitter,
  options,
  wrongTarget: { ...options, link: "alpha" },
  weaker: async (ctx, fault) => {
    const weak = { ...options, jitterMs: options.jitterMs / 2 };
    await fault.inject(ctx, weak);
    const stop = new AbortController();
    // It ends with an error when the test heals first and its toxic is gone.
    const ended = fault.sustain?.({ ...ctx, signal: stop.signal }, weak).catch(() => undefined);
    endWeaker = async () => {
      stop.abort();
      await ended;
    };
  },
  start: () => startTestStack(),
  residues: async (stack) => (await stack.handle.proxy("cache").state()).toxics,
  mend: () => endWeaker(),
});

describe("jitter", () => {
  it("draws the same delays from the same seed, each round whole", () => {
    const draw = (seed: number): number[] => Array.from({ length: 25 }, delays(options, seed));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    for (let round = 0; round < 5; round++)
      expect(
        draw(3)
          .slice(5 * round, 5 * round + 5)
          .toSorted((a, b) => a - b),
      ).toEqual([10, 35, 60, 85, 110]);
  });

  it("is not confirmed by a delay that does not change", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-constant");
    await jitter.inject(ctx, options);
    const seen = await jitter.confirm(ctx, options);
    expect(seen).toMatchObject({ effective: false });
    expect(seen.magnitude?.measured).toBeLessThan(10);
  });

  it("acts on a connection that was open before, and leaves it open", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const old = await openConnection(stack.handle.proxy("cache"));
    const ctx = stack.context("f-old");
    await jitter.inject(ctx, options);
    expect(await old.ping(10)).toBeGreaterThanOrEqual(59);
    await jitter.heal(ctx, options);
    expect(await old.ping(10)).toBeLessThan(50);
  });
});

it.each([
  { delayMs: 10, jitterMs: 10 },
  { delayMs: 50, jitterMs: 10 },
  { delayMs: 50, jitterMs: 60 },
  { delayMs: 300, jitterMs: 150 },
])("refuses %o", (wrong) => {
  expect(jitter.options.safeParse({ link: "cache", ...wrong }).success).toBe(false);
});
