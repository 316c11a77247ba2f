import { describe, expect, it, onTestFinished } from "vitest";
import { sleep } from "../support/clock.ts";
import { faultContract } from "./fault.contract.ts";
import { latency } from "./latency.ts";
import { partition, partitionDirections, type PartitionOptions } from "./partition.ts";
import { openConnection } from "./testing/old-connection.ts";
import { startTestStack, type TestStack } from "./testing/test-stack.ts";

const residues = async (stack: TestStack): Promise<readonly string[]> =>
  (await stack.handle.proxy("cache").state()).toxics;

faultContract<PartitionOptions>({
  fault: partition,
  options: { link: "cache", direction: "both" },
  wrongTarget: { link: "beta", direction: "both" },
  weaker: (ctx, fault, options) => fault.inject(ctx, { ...options, direction: "from-service" }),
  start: () => startTestStack(),
  residues,
});

faultContract<PartitionOptions>({
  fault: partition,
  options: { link: "cache", direction: "from-service" },
  wrongTarget: { link: "beta", direction: "from-service" },
  weaker: (ctx, fault, options) => fault.inject(ctx, { ...options, direction: "to-service" }),
  start: () => startTestStack(),
  residues,
});

describe("partition", () => {
  const start = async (): Promise<TestStack> => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    return stack;
  };

  it("is not confirmed by a link that is very slow", async () => {
    const stack = await start();
    const ctx = stack.context("f-slow");
    await latency.inject(ctx, { link: "cache", delayMs: 5_000 });
    for (const direction of partitionDirections)
      expect(await partition.confirm(ctx, { link: "cache", direction })).toMatchObject({ effective: false });
  });

  it.each([
    { direction: "both", arrives: false },
    { direction: "to-service", arrives: false },
    { direction: "from-service", arrives: true },
  ] as const)(
    "$direction on an open connection: silence, no close, and a close when it is healed",
    async (row) => {
      const stack = await start();
      const proxy = stack.handle.proxy("cache");
      const old = await openConnection(proxy);
      const ctx = stack.context("f-old");
      const options = { link: "cache", direction: row.direction };
      await partition.inject(ctx, options);
      const before = old.receivedBytes();
      old.send("SET seen yes");
      await sleep(300);
      expect(old.receivedBytes()).toBe(before);
      expect(old.isOpen()).toBe(true);
      expect(await partition.confirm(ctx, options)).toMatchObject({ effective: true });
      await partition.heal(ctx, options);
      expect((await old.ended()).by).toBe("close");
      expect(await (await openConnection(proxy)).ask("EXISTS seen")).toBe(row.arrives ? ":1" : ":0");
    },
  );
});

it("refuses a direction that is none", () => {
  expect(partition.options.safeParse({ link: "cache", direction: "sideways" }).success).toBe(false);
});
