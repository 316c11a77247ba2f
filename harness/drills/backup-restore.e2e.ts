import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { backupRestore } from "./backup-restore.ts";
import { drillContract, trial, untilSeen } from "./drill.contract.ts";

const options = { writes: 5 };

drillContract({
  drill: backupRestore,
  options,
  does: "backup",
  undoes: "tidy",
  // What the drill may leave is a backup and its own writes, both of them as any user's.
  state: () => Promise.resolve("as before"),
  undoneShows: false,
});

test("holds the backup to what was acknowledged before it, and the check to what was so only after it", async () => {
  const { stack, fresh } = await trial();
  await backupRestore.inject(fresh(), options);
  expect(await untilSeen(backupRestore, fresh(), options)).toEqual({
    effective: true,
    saw: "the restored backup holds the 5 writes that were acknowledged before the backup, and not the one from after it",
    magnitude: { asked: 5, measured: 5, unit: "writes" },
  });
  const { id } = fresh();
  const live = (await readFile(join(stack.folder, "live"), "utf8")).trim().split("\n");
  const ids = ["1", "2", "3", "4", "5", "after"].map((name) => `drill-${id}-${name}`);
  expect(live).toEqual(ids);
  await backupRestore.heal(fresh(), options);
  expect(await readdir(stack.folder)).toContain("tidied");
});

test("a backup that lost a write is disproved", async () => {
  const { fresh } = await trial({ defect: "backup=loses" });
  await backupRestore.inject(fresh(), options);
  expect(await backupRestore.confirm(fresh(), options)).toMatchObject({
    effective: false,
    disproved: true,
    saw: expect.stringContaining("does not hold all of 5 writes"),
  });
});

test.each([
  ["says yes to everything", "check=yes", "the check proves nothing"],
  ["cannot tell", "check=unsure", "the check could not tell (exit code 4)"],
])("a check that %s proves nothing, and disproves nothing", async (_, defect, saw) => {
  const { fresh } = await trial({ defect });
  await backupRestore.inject(fresh(), options);
  const seen = await backupRestore.confirm(fresh(), options);
  expect(seen).toMatchObject({ effective: false, saw: expect.stringContaining(saw) });
  expect(seen.disproved).toBeUndefined();
});

test("without a single acknowledged write there is nothing to prove", async () => {
  const { fresh } = await trial({ frontDefect: "deaf" });
  await expect(backupRestore.inject(fresh(), options)).rejects.toThrow("none of 5 writes was acknowledged");
});
