import { expect, test } from "vitest";
import { deadline } from "../support/clock.ts";
import { blueGreen } from "./blue-green.ts";
import { drillContract, trial, untilSeen } from "./drill.contract.ts";
import { smallSpec, type SmallStack } from "./testing/small-stack.ts";

const slotOf = async ({ handle }: SmallStack): Promise<unknown> =>
  JSON.parse((await handle.http("front", "/slot", { signal: deadline(2_000) })).body);

drillContract({
  drill: blueGreen,
  options: {},
  does: "switch",
  undoes: "switch",
  state: async (stack) => ({
    ...((await slotOf(stack)) as object),
    serves: stack.handle.process("blue").find() !== undefined,
    other: stack.handle.process("green").find() !== undefined,
  }),
  undoneShows: false,
});

test("says which slot has the requests, by whoever hands them on and by its process", async () => {
  const { stack, fresh } = await trial();
  await blueGreen.inject(fresh(), {});
  const { saw } = await untilSeen(blueGreen, fresh(), {});
  const pid = stack.handle.process("green").find()?.pid;
  expect(saw).toBe(`green has the requests (pid ${pid}); before it was blue`);
  expect(fresh().recall()).toMatchObject({ was: "blue", over: true });
});

test("a switch that is only claimed is disproved", async () => {
  const { fresh } = await trial({ defect: "switch=lies" });
  await blueGreen.inject(fresh(), {});
  expect(await blueGreen.confirm(fresh(), {})).toEqual({
    effective: false,
    disproved: true,
    saw: "blue still has the requests, as before",
  });
});

test("an undo that leaves the requests where they are is no undo", async () => {
  const { fresh, stack } = await trial();
  await blueGreen.inject(fresh(), {});
  const context = fresh(1_500);
  const lying = { ...context.stack.operations, run: async () => ({ code: 0, signal: null, said: "" }) };
  await expect(
    blueGreen.heal({ ...context, stack: { ...stack.handle, operations: lying } }, {}),
  ).rejects.toThrow(/aborted/);
});

test("one slot is not enough", () => {
  const { operations = {} } = smallSpec;
  const slots = operations["blue-green"];
  if (slots === undefined) throw new Error("the small stack has slots");
  const one = { ...smallSpec, operations: { "blue-green": { ...slots, slots: { blue: "blue" } } } };
  expect(blueGreen.refuses(one)).toBe(
    `it has one slot only: operations["blue-green"].slots names blue, and requests need a second one to go to`,
  );
});
