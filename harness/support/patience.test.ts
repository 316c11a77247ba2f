import { expect, it } from "vitest";
import { sleep } from "./clock.ts";
import { patience } from "./patience.ts";

const blockFor = (ms: number): unknown => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

it("ends after its time", async () => {
  const { signal } = patience(150);
  await sleep(100);
  expect(signal.aborted).toBe(false);
  await sleep(150);
  expect(signal.reason).toMatchObject({ name: "TimeoutError" });
});

it("does not count time in which this process did not run", async () => {
  const { signal, done } = patience(500);
  await sleep(50);
  blockFor(900);
  // What came meanwhile is read in the turns that follow; the timers were due long before.
  await sleep(100);
  expect(signal.aborted).toBe(false);
  await sleep(600);
  expect(signal.aborted).toBe(true);
  done();
});

it("ends with its parent, and leaves nothing behind once done", async () => {
  const parent = new AbortController();
  const { signal } = patience(10_000, parent.signal);
  parent.abort(new Error("over"));
  expect(signal.reason).toMatchObject({ message: "over" });
  const other = patience(50);
  other.done();
  await sleep(150);
  expect(other.signal.aborted).toBe(false);
});
