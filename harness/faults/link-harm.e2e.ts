// Healing a link must not hang on clients that have left while answers were held back for them.
import { expect, it, onTestFinished } from "vitest";
import { deadline, sleep, systemClock } from "../support/clock.ts";
import { easeOff } from "./link-harm.ts";
import { openConnection } from "./testing/old-connection.ts";
import { startTestStack } from "./testing/test-stack.ts";

it.each([
  { delayMs: 600, withinMs: 1_200 },
  { delayMs: 5_000, withinMs: 1_600 },
])("a delay of $delayMs ms goes although clients left with many answers under way", async (row) => {
  const stack = await startTestStack();
  onTestFinished(() => stack.stop());
  const proxy = stack.handle.proxy("cache");
  const clients = await Promise.all(Array.from({ length: 4 }, () => openConnection(proxy)));
  const staying = await openConnection(proxy);
  const slow = { name: "slow", type: "latency", stream: "downstream" } as const;
  await proxy.addToxic({ ...slow, attributes: { latency: row.delayMs, jitter: 0 } });
  // One answer each, so that Toxiproxy holds ten pieces of data for each client.
  for (let n = 0; n < 10; n++) {
    for (const client of clients) client.send("PING");
    await sleep(20);
  }
  for (const client of clients) client.destroy();
  const startedMs = systemClock.nowMs();
  const harmless = { ...slow, attributes: { latency: 0, jitter: 0 } };
  await easeOff(stack.context("f-slow"), "cache", harmless, row.delayMs);
  expect(await proxy.exchange(deadline(1_000))).toBeLessThan(500);
  expect(systemClock.nowMs() - startedMs).toBeLessThan(row.withinMs);
  expect((await proxy.state()).toxics).toEqual([]);
  expect(await staying.ping(1)).toBeLessThan(500);
});

it("leaves answers that are held to their time", async () => {
  const stack = await startTestStack();
  onTestFinished(() => stack.stop());
  const proxy = stack.handle.proxy("cache");
  const client = await openConnection(proxy);
  const slow = { name: "slow", type: "latency", stream: "downstream" } as const;
  await proxy.addToxic({ ...slow, attributes: { latency: 400, jitter: 0 } });
  const under = client.ping(10);
  await sleep(100);
  const later = { ...slow, attributes: { latency: 50, jitter: 0 } };
  expect(await proxy.updateToxic(later, { keepHeld: true })).toBe(true);
  expect(await under).toBeGreaterThan(390);
  const nextMs = await client.ping(10);
  expect(nextMs).toBeGreaterThan(45);
  expect(nextMs).toBeLessThan(300);
  expect(await proxy.updateToxic({ ...later, name: "other" }, { keepHeld: true })).toBe(false);
  expect(await proxy.updateToxic({ ...later, name: "other" })).toBe(false);
});
