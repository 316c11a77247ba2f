import { describe, expect, it, onTestFinished } from "vitest";
import { deadline } from "../support/clock.ts";
import { processStat, signalProcess } from "../support/process-identity.ts";
import { faultContract } from "./fault.contract.ts";
import { pause } from "./pause.ts";
import { workersOf } from "./service-process.ts";
import { gone, signalService, untilEffective } from "./testing/sustained.ts";
import { startTestStack, type TestStack } from "./testing/test-stack.ts";

const stateOf = (stack: TestStack, service: string): string | undefined => {
  const identity = stack.handle.process(service).find();
  return identity === undefined ? undefined : processStat(identity.pid)?.state;
};

faultContract({
  fault: pause,
  options: { service: "alpha" },
  wrongTarget: { service: "beta" },
  // Stopped and let go again.
  weaker: async (ctx, fault, options) => {
    await fault.inject(ctx, options);
    const target = ctx.stack.process("alpha");
    target.signal(target.find()!, "SIGCONT");
  },
  start: () => startTestStack(),
  residues: (stack) =>
    Promise.resolve(
      ["alpha", "beta"].flatMap((service) =>
        stateOf(stack, service) === "T" ? [`${service} is stopped`] : [],
      ),
    ),
  // Its watchdog kills the stopped process and starts another.
  repair: async (stack) => {
    signalService(stack, "alpha", "SIGKILL");
    await gone(stack, "alpha");
    await stack.revive("alpha");
    return () => Promise.resolve(stack.handle.process("alpha").find());
  },
});

describe("pause of PostgreSQL", () => {
  it("silences open sessions as well as new ones, and both go on after heal, by another process too", async () => {
    const stack = await startTestStack({ databases: ["database"] });
    onTestFinished(() => stack.stop());
    const { handle } = stack;
    const open = await handle.sqlSession("database", "user", "app", deadline(60_000));
    const other = await handle.sqlSession("database", "user", "app", deadline(60_000));
    await pause.inject(stack.context("f-db"), { service: "database" });
    const seen = await untilEffective(pause, stack.context("f-db"), { service: "database" });
    expect(seen.saw).toMatch(/all \d+ processes/);
    await expect(open.query("SELECT 1", [], deadline(500))).rejects.toMatchObject({ name: "TimeoutError" });
    expect(await open.ended).toBeDefined();
    const answer = other.query("SELECT 2 AS two", [], deadline(10_000));
    await pause.heal(stack.context("f-db"), { service: "database" });
    expect(await answer).toEqual([{ two: 2 }]);
    expect(await pause.confirm(stack.context("f-db"), { service: "database" })).toMatchObject({
      effective: false,
    });
    await other.end();
  });

  it("is not confirmed while only some of its processes are stopped", async () => {
    const stack = await startTestStack({ databases: ["database"] });
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-half");
    await pause.inject(ctx, { service: "database" });
    const main = stack.handle.process("database").find()!;
    const [worker] = workersOf(ctx, "database", main);
    signalProcess(worker!, "SIGCONT");
    await expect.poll(() => processStat(worker!.pid)?.state).not.toBe("T");
    expect(await pause.confirm(ctx, { service: "database" })).toMatchObject({
      effective: false,
      saw: expect.stringContaining("are not stopped"),
    });
    await pause.heal(ctx, { service: "database" });
  });
});

describe("pause", () => {
  it("of Redis makes it silent", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-cache");
    await pause.inject(ctx, { service: "cache" });
    await untilEffective(pause, ctx, { service: "cache" });
    await expect(stack.handle.redis("cache", ["PING"], deadline(300))).rejects.toMatchObject({
      name: "TimeoutError",
    });
    await pause.heal(ctx, { service: "cache" });
    expect(await stack.handle.redis("cache", ["PING"], deadline(20_000))).toBe("PONG");
  });
});
