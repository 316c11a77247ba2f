import { describe, expect, it } from "vitest";
import { faultContract } from "./fault.contract.ts";
import { memoryLeak } from "./memory-leak.ts";
import { restarted } from "./testing/restarted.ts";
import { jobsOf, startTestStack } from "./testing/test-stack.ts";

const ratePerMin = 60 * 1_048_576;

faultContract({
  fault: memoryLeak,
  options: { service: "alpha", ratePerMin },
  wrongTarget: { service: "beta", ratePerMin },
  weaker: (ctx, fault, options) => fault.inject(ctx, { ...options, ratePerMin: options.ratePerMin / 2 }),
  start: () => startTestStack(),
  residues: async (stack) => [...(await jobsOf(stack, "alpha")), ...(await jobsOf(stack, "beta"))],
  repair: (stack) => restarted(stack, "alpha"),
});

describe("memory-leak", () => {
  it("takes its rate as a size, and says what is wrong with another text", () => {
    expect(memoryLeak.options.parse({ service: "alpha", ratePerMin: "20MiB" })).toEqual({
      service: "alpha",
      ratePerMin: 20_971_520,
    });
    const parse = (rate: unknown): string | undefined =>
      memoryLeak.options.safeParse({ service: "alpha", ratePerMin: rate }).error?.message;
    expect(parse("20MB")).toContain('expected a size such as \\"20MiB\\"');
    expect(parse("1KiB")).toContain("expected a size from 4MiB to 1GiB");
    expect(parse(true)).toContain("expected a size such as");
  });
});
