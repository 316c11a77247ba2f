import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { canonicalJson, sha256 } from "../support/json.ts";
import { configUpdate } from "./config-update.ts";
import { drillContract, trial, untilSeen } from "./drill.contract.ts";
import { goodValues, type SmallStack } from "./testing/small-stack.ts";

const options = { key: "cacheSeconds", value: 60 };
const inForce = async ({ handle }: SmallStack) =>
  JSON.parse(await readFile(handle.configFile("settings"), "utf8")) as { version: number; values: unknown };

drillContract({
  drill: configUpdate,
  options,
  does: "set",
  undoes: "restore",
  state: async (stack) => (await inForce(stack)).values,
  undoneShows: true,
});

test("says which values are planned, by their hash, and that versions only rise", async () => {
  const { stack, fresh } = await trial();
  await configUpdate.inject(fresh(), options);
  const seen = await untilSeen(configUpdate, fresh(), options);
  const planned = { ...goodValues, cacheSeconds: 60 };
  expect(seen).toEqual({
    effective: true,
    saw: "version 2 is in force, with cacheSeconds = 60 (before: version 1)",
    plannedValuesHash: sha256(canonicalJson(planned)),
  });
  expect(await inForce(stack)).toMatchObject({ version: 2, values: planned });
  await configUpdate.heal(fresh(), options);
  expect(await inForce(stack)).toMatchObject({ version: 3, values: goodValues });
});

test("a change that is only claimed, and one of another value, are disproved", async () => {
  const claimed = await trial({ defect: "set=lies" });
  await configUpdate.inject(claimed.fresh(), options);
  expect(await configUpdate.confirm(claimed.fresh(), options)).toMatchObject({
    effective: false,
    disproved: true,
    saw: "version 1 is in force, still with the values of before",
  });
  const other = await trial();
  await configUpdate.inject(other.fresh(), options);
  await configUpdate.inject(other.fresh(), { key: "strict", value: false });
  // What the ledger remembers now is the second change; the first look below is for a third.
  await configUpdate.heal(other.fresh(), options);
  expect(await configUpdate.confirm(other.fresh(), options)).toMatchObject({
    effective: false,
    disproved: true,
  });
});

test.each([
  [{ key: "cacheSeconds", value: 30 }, "it is 30 already"],
  [{ key: "cacheSeconds", value: true }, "30 is no boolean"],
  [{ key: "limits.none", value: 1 }, "there is no number"],
])("%j is refused before anything is done", async (wrong, why) => {
  const { stack, fresh } = await trial();
  await expect(configUpdate.inject(fresh(), wrong)).rejects.toThrow(why);
  expect(fresh().recall()).toBeUndefined();
  expect(await inForce(stack)).toMatchObject({ version: 1 });
});
