import { describe, expect, it, onTestFinished } from "vitest";
import { deadline, eventually } from "../support/clock.ts";
import { eventLoopBlock } from "./event-loop-block.ts";
import { faultContract } from "./fault.contract.ts";
import { restarted } from "./testing/restarted.ts";
import { jobsOf, startTestStack, type TestStack } from "./testing/test-stack.ts";

const options = { service: "alpha" };

faultContract({
  fault: eventLoopBlock,
  options,
  wrongTarget: { service: "beta" },
  // Ends by itself after half of the time that a look lasts.
  weaker: (ctx, fault, options) => fault.inject({ ...ctx, selfHealMs: 1_000 }, options),
  start: () => startTestStack(),
  residues: async (stack) => [
    ...(await jobsOf(stack, "alpha")),
    ...(await jobsOf(stack, "beta")),
    ...(await silent(stack)),
  ],
  repair: (stack) => restarted(stack, "alpha"),
});

async function silent({ handle }: TestStack): Promise<string[]> {
  return handle.http("alpha", "/health", { signal: deadline(2_000) }).then(
    () => [],
    () => ["alpha does not answer"],
  );
}

describe("event-loop-block", () => {
  it("does not take a stopped process, a busy one or a dead one for a blocked one", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-stopped");
    const alpha = stack.handle.process("alpha");
    const identity = alpha.find()!;
    await ctx.remember({ identity: { ...identity } });
    alpha.signal(identity, "SIGSTOP");
    expect(await eventLoopBlock.confirm(ctx, options)).toMatchObject({
      effective: false,
      saw: expect.stringContaining("in state T"),
    });
    alpha.signal(identity, "SIGCONT");
    const busy = stack.handle.http("alpha", "/block/4000", { signal: deadline(10_000) });
    expect(await eventLoopBlock.confirm(ctx, options)).toMatchObject({
      effective: false,
      saw: expect.stringContaining("in state R"),
    });
    await busy;
    alpha.signal(identity, "SIGKILL");
    await eventually(() => (alpha.find() === undefined ? true : undefined), deadline(5_000));
    expect(await eventLoopBlock.confirm(ctx, options)).toMatchObject({
      effective: false,
      saw: expect.stringContaining("could not be asked"),
    });
    await eventLoopBlock.heal(ctx, options);
  });

  it("lets the service answer again within a second of heal, by another process than the injector", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    await eventLoopBlock.inject(stack.context("f-heal"), options);
    await eventLoopBlock.heal(stack.context("f-heal"), options);
    const { status } = await stack.handle.http("alpha", "/health", { signal: deadline(1_000) });
    expect(status).toBe(200);
  });

  it("demands a restart only where it is held longer than the watchdog may take", async () => {
    const stack = await startTestStack({ servers: false });
    onTestFinished(() => stack.stop());
    const { spec } = stack.handle;
    const watchdog = {
      service: "beta",
      supervises: "alpha",
      eventsFile: "events",
      unresponsiveMs: 6_000,
      processGoneMs: 1,
      backoffCapMs: 1,
    };
    const supervised = { ...spec, watchdog };
    expect(eventLoopBlock.expect(options, { stack: supervised, holdMs: 20_000 })).toEqual({
      recovery: { atLeast: "hard", atMost: "hard" },
      service: "alpha",
      actWithinMs: 6_000,
      restarts: true,
      unavailableMs: 9_000,
    });
    expect(eventLoopBlock.expect(options, { stack: supervised, holdMs: 4_000 })).toMatchObject({
      recovery: { atLeast: "none", atMost: "hard" },
      actWithinMs: null,
      restarts: true,
      unavailableMs: 7_000,
    });
    expect(eventLoopBlock.expect(options, { stack: spec, holdMs: 20_000 })).toMatchObject({
      recovery: { atLeast: "none", atMost: "soft" },
      restarts: false,
      unavailableMs: 23_000,
    });
    expect(eventLoopBlock.expect({ service: "beta" }, { stack: spec, holdMs: 20_000 }).unavailableMs).toBe(0);
    expect(() => eventLoopBlock.expect(options, { stack: spec, holdMs: 2_000 })).toThrow("held for 2s");
  });
});
