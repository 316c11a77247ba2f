import { describe, expect, it, onTestFinished } from "vitest";
import { deadline } from "../support/clock.ts";
import { clockShift, type ClockShiftOptions } from "./clock-shift.ts";
import { faultContract } from "./fault.contract.ts";
import { restarted } from "./testing/restarted.ts";
import { jobsOf, startTestStack, type TestStack } from "./testing/test-stack.ts";

const options: ClockShiftOptions = { service: "alpha", byMs: 3_600_000, direction: "behind" };
const dayMs = 86_400_000;

/** How far the service's own Date.now() is ahead, as its users are told. */
async function aheadMs({ handle }: TestStack, service: string): Promise<number> {
  const { body } = await handle.http(service, "/time", { signal: deadline(5_000) });
  return (JSON.parse(body) as { nowMs: number }).nowMs - Date.now();
}

async function leftOf(stack: TestStack): Promise<string[]> {
  const left: string[] = [];
  for (const service of ["alpha", "beta"] as const) {
    left.push(...(await jobsOf(stack, service)));
    const ahead = await aheadMs(stack, service);
    if (Math.abs(ahead) > 500) left.push(`${service} is ${ahead} ms ahead`);
  }
  return left;
}

faultContract({
  fault: clockShift,
  options,
  wrongTarget: { ...options, service: "beta" },
  weaker: (ctx, fault, options) => fault.inject(ctx, { ...options, byMs: options.byMs / 2 }),
  start: () => startTestStack(),
  residues: leftOf,
  repair: (stack) => restarted(stack, "alpha"),
});

describe("clock-shift", () => {
  it.each([
    { byMs: 1_000, direction: "ahead" },
    { byMs: 10 * dayMs, direction: "ahead" },
    { byMs: 10 * dayMs, direction: "behind" },
  ] as const)("shows in what the service answers: %o", async (shift) => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-shift");
    await clockShift.inject(ctx, { service: "alpha", ...shift });
    const signed = shift.direction === "ahead" ? shift.byMs : -shift.byMs;
    expect(Math.abs((await aheadMs(stack, "alpha")) - signed)).toBeLessThan(300);
    expect(Math.abs(await aheadMs(stack, "beta"))).toBeLessThan(300);
    const seen = await clockShift.confirm(ctx, { service: "alpha", ...shift });
    expect(seen).toMatchObject({ effective: true, magnitude: { asked: shift.byMs, unit: "ms" } });
    expect(Math.abs((seen.magnitude?.measured ?? 0) - shift.byMs)).toBeLessThan(100);
    const other = shift.direction === "ahead" ? "behind" : "ahead";
    expect(await clockShift.confirm(ctx, { service: "alpha", ...shift, direction: other })).toMatchObject({
      effective: false,
    });
    await clockShift.heal(ctx, { service: "alpha", ...shift });
    expect(await leftOf(stack)).toEqual([]);
  });

  it("is ahead unless told otherwise, and says how to set a clock back", () => {
    expect(clockShift.options.parse({ service: "alpha", byMs: 1_000 }).direction).toBe("ahead");
    const refused = (byMs: number): string | undefined =>
      clockShift.options.safeParse({ service: "alpha", byMs }).error?.message;
    expect(refused(-60_000)).toContain("behind");
    expect(refused(999)).toContain("1000 or more");
    expect(refused(11 * dayMs)).toBeDefined();
  });
});
