import { readFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { cpuBurn } from "./cpu-burn.ts";
import { faultContract } from "./fault.contract.ts";
import { restarted } from "./testing/restarted.ts";
import { jobsOf, startTestStack } from "./testing/test-stack.ts";

faultContract({
  fault: cpuBurn,
  options: { service: "alpha", share: 0.6 },
  wrongTarget: { service: "beta", share: 0.6 },
  weaker: (ctx, fault, options) => fault.inject(ctx, { ...options, share: options.share / 2 }),
  start: () => startTestStack(),
  residues: async (stack) => [...(await jobsOf(stack, "alpha")), ...(await jobsOf(stack, "beta"))],
  repair: (stack) => restarted(stack, "alpha"),
});

describe("cpu-burn", () => {
  it("pins its thread to one core", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-pinned");
    await cpuBurn.inject(ctx, { service: "alpha", share: 0.2 });
    const { tid } = ctx.recall() as { tid: number };
    const pid = stack.handle.process("alpha").find()!.pid;
    expect(
      /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/${pid}/task/${tid}/status`, "utf8"))?.[1],
    ).toMatch(/^\d+$/);
  });

  it("counts as healed when its process is gone, and not when that process does not answer", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    await cpuBurn.inject(stack.context("f-gone"), { service: "alpha", share: 0.2 });
    const alpha = stack.handle.process("alpha");
    const identity = alpha.find()!;
    alpha.signal(identity, "SIGSTOP");
    await expect(
      cpuBurn.heal(stack.context("f-gone", 500), { service: "alpha", share: 0.2 }),
    ).rejects.toMatchObject({ code: "agent-unreachable" });
    alpha.signal(identity, "SIGKILL");
    await expect.poll(() => alpha.find()).toBeUndefined();
    await cpuBurn.heal(stack.context("f-gone"), { service: "alpha", share: 0.2 });
  });
});
