import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { systemClock } from "../../support/clock.ts";
import type { Journey } from "./contract.ts";
import { visit } from "./visit.ts";

const page = {} as Page;

function make(journey: Journey, withinMs = 5_000, picture: string | undefined = "journey-0007.png") {
  return visit({
    journey,
    page,
    url: "http://127.0.0.1:1",
    id: "run-7",
    number: 7,
    withinMs,
    picture: () => Promise.resolve(picture),
    clock: systemClock,
  });
}

test("times each step; the first one is the page's", async () => {
  const seen: unknown[] = [];
  const result = await make(async (given) => {
    seen.push(given.page === page, given.url, given.id);
    await given.step("load", () => systemClock.sleepUntil(systemClock.nowMs() + 20));
    seen.push(await given.step("look", () => Promise.resolve("what it saw")));
  });
  expect(seen).toEqual([true, "http://127.0.0.1:1", "run-7", "what it saw"]);
  expect(result).toMatchObject({ number: 7, outcome: "ok", steps: [{ name: "load" }, { name: "look" }] });
  expect(result.pageMs).toBeGreaterThanOrEqual(20);
  expect(result.tookMs).toBeGreaterThanOrEqual(result.pageMs ?? Infinity);
  expect(result).not.toHaveProperty("screenshot");
});

test("says at which step it failed, why, and shows it", async () => {
  const error =
    "locator.waitFor: Timeout 12000ms exceeded.\nCall log:\n\u001B[2m  - waiting for getByText('saved')\u001B[22m";
  const result = await make(async ({ step }) => {
    await step("load", () => Promise.resolve());
    await step("create", () => Promise.reject(new Error(error)));
  });
  expect(result).toMatchObject({
    outcome: "failed",
    failedAt: "create",
    error: "locator.waitFor: Timeout 12000ms exceeded.",
    steps: [{ name: "load" }],
    screenshot: "journey-0007.png",
  });
  const between = await make(async ({ step }) => {
    await step("load", () => Promise.resolve());
    throw new Error("not as expected");
  });
  expect(between.failedAt).toBe('after "load"');
  const first = await make(
    ({ step }) => step("load", () => Promise.reject(new Error("no"))),
    5_000,
    undefined,
  );
  expect(first).toMatchObject({ pageMs: null, failedAt: "load" });
});

test("one that takes too long is given up, and what it still does is not counted", async () => {
  const late = Promise.withResolvers<void>();
  let goOn: (() => Promise<unknown>) | undefined;
  const result = await make(async ({ step }) => {
    goOn = () => step("later", () => Promise.resolve());
    await step("hang", () => late.promise);
  }, 30);
  await goOn?.();
  expect(result).toMatchObject({
    outcome: "failed",
    failedAt: "hang",
    error: "not over within 30 ms",
    steps: [],
  });
  expect(result.tookMs).toBeGreaterThanOrEqual(29);
});
