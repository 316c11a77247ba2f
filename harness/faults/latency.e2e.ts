import { expect, it } from "vitest";
import { faultContract } from "./fault.contract.ts";
import { latency } from "./latency.ts";
import { startTestStack } from "./testing/test-stack.ts";

faultContract({
  fault: latency,
  options: { link: "cache", delayMs: 150 },
  wrongTarget: { link: "alpha", delayMs: 150 },
  weaker: (ctx, fault, options) => fault.inject(ctx, { ...options, delayMs: options.delayMs / 2 }),
  start: () => startTestStack(),
  residues: async (stack) => (await stack.handle.proxy("cache").state()).toxics,
});

it.each([10, 6_000])("refuses a delay of %d ms", (delayMs) => {
  expect(latency.options.safeParse({ link: "cache", delayMs }).success).toBe(false);
});
