import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { deadline, eventually, sleep } from "../support/clock.ts";
import { descriptorLeak } from "./descriptor-leak.ts";
import { calm } from "./expectations.ts";
import { faultContract } from "./fault.contract.ts";
import { countOpenTo } from "./open-descriptors.ts";
import { restarted } from "./testing/restarted.ts";
import { jobsOf, startTestStack, type TestStack } from "./testing/test-stack.ts";

const options = { service: "alpha", perSecond: 50, most: 5_000 };

/** Node itself keeps some in reserve, and standard input is one. */
let usual = 0;

async function start(): Promise<TestStack> {
  const stack = await startTestStack();
  usual = await countOpenTo(stack.handle.process("alpha").find()!.pid, "/dev/null");
  return stack;
}

async function leftOf(stack: TestStack, id: string): Promise<string[]> {
  const left = readdirSync(stack.handle.scratchDir).filter((file) => file.includes(id));
  for (const service of ["alpha", "beta"] as const) {
    const { pid } = stack.handle.process(service).find()!;
    const count = await countOpenTo(pid, "/dev/null");
    left.push(...(await jobsOf(stack, service)));
    if (count !== usual) left.push(`${service} has ${count} descriptors of /dev/null`);
  }
  return left;
}

faultContract({
  fault: descriptorLeak,
  options,
  wrongTarget: { ...options, service: "beta" },
  weaker: (ctx, fault, options) => fault.inject(ctx, { ...options, perSecond: options.perSecond / 2 }),
  start,
  residues: leftOf,
  repair: (stack) => restarted(stack, "alpha"),
});

describe("descriptor-leak", () => {
  it("is still confirmed when all of it is there, by its size, and not at half of it", async () => {
    const stack = await start();
    onTestFinished(() => stack.stop());
    const short = { service: "alpha", perSecond: 500, most: 300 };
    const ctx = stack.context("f-whole");
    await descriptorLeak.inject(ctx, short);
    await sleep(1_000);
    expect(await descriptorLeak.confirm(ctx, short)).toMatchObject({
      effective: true,
      magnitude: { asked: 300, measured: 300 },
    });
    expect(await descriptorLeak.confirm(ctx, { ...short, most: 600 })).toMatchObject({ effective: false });
    await descriptorLeak.heal(ctx, short);
    expect(await leftOf(stack, "f-whole")).toEqual([]);
  });

  // prlimit is of util-linux, as taskset is.
  it.runIf(existsSync("/usr/bin/prlimit"))(
    "can be healed when it took the last descriptor, so that nobody can connect any more",
    async () => {
      const stack = await start();
      onTestFinished(() => stack.stop());
      const { pid } = stack.handle.process("alpha").find()!;
      execFileSync("/usr/bin/prlimit", ["--pid", String(pid), "--nofile=200:200"]);
      const ctx = stack.context("f-full");
      await descriptorLeak.inject(ctx, { ...options, perSecond: 200 });
      const health = () => stack.handle.http("alpha", "/health", { signal: deadline(1_000) });
      const full = (): Promise<true | undefined> =>
        health().then(
          () => undefined,
          () => true,
        );
      await eventually(full, deadline(10_000));
      await descriptorLeak.heal(stack.context("f-full"), options);
      expect(await health()).toMatchObject({ status: 200 });
      expect(await jobsOf(stack, "alpha")).toEqual([]);
      // Node's own reserve, used up meanwhile, may have come back as another file.
      expect(await countOpenTo(pid, "/dev/null")).toBeLessThanOrEqual(usual);
    },
  );

  it("is refused where it would be over before it could be confirmed", () => {
    const scene = {
      stack: { name: "any", driver: "processes", services: [], links: [] },
      holdMs: 10_000,
    } as const;
    expect(descriptorLeak.expect({ ...options, perSecond: 10 }, scene)).toEqual(calm);
    expect(() => descriptorLeak.expect({ ...options, perSecond: 1 }, scene)).toThrow("which takes 12s");
  });

  it("is not confirmed when only its intent was remembered", async () => {
    const stack = await start();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-intent");
    await ctx.remember({ identity: { ...stack.handle.process("alpha").find()! }, before: usual });
    expect(await descriptorLeak.confirm(ctx, options)).toMatchObject({
      effective: false,
      magnitude: { measured: 0 },
    });
  });
});
