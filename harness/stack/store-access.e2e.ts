// Kiln's own sessions in real servers: what they may do, what is said of a refusal, and that nothing of them can hang.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signalService, works } from "../faults/testing/sustained.ts";
import { startTestStack, type TestStack } from "../faults/testing/test-stack.ts";
import { deadline, eventually, systemClock } from "../support/clock.ts";
import { projectRoot } from "../support/tools.ts";

let stack: TestStack;
const within = (ms = 5_000) => deadline(ms);
const open = (account: "operator" | "user" = "user") =>
  stack.handle.sqlSession("database", account, "a-test", within());

beforeAll(async () => {
  stack = await startTestStack({ databases: ["database"] });
});
afterAll(() => stack.stop());

describe("a session in PostgreSQL", () => {
  it("belongs to the services' own user, who owns the database and is no superuser, or to the operator", async () => {
    const text = `SELECT current_user::text AS name, current_setting('is_superuser') AS super,
        pg_get_userbyid(datdba)::text AS owner FROM pg_database WHERE datname = current_database()`;
    const user = await open();
    expect(await user.query(text, [], within())).toEqual([{ name: "app", super: "off", owner: "app" }]);
    await user.query("CREATE TABLE mine (id int)", [], within());
    expect(await stack.handle.sql("database", text, [], within())).toMatchObject([
      { super: "on", owner: "app" },
    ]);
    await user.end();
    expect(await user.ended).toBeUndefined();
  });

  it("says by its code why it was refused, and goes on", async () => {
    const session = await open();
    await expect(session.query("SELECT 1 / $1::int", [0], within())).rejects.toMatchObject({
      code: "sql-22012",
    });
    expect(await session.query("SELECT $1::text AS said", ["yes"], within())).toEqual([{ said: "yes" }]);
    await session.end();
  });

  it("says why it was ended by somebody else, idle or in the middle of a statement", async () => {
    const [idle, busy] = [await open(), await open()];
    const asked = busy.query("SELECT pg_sleep(30)", [], within(30_000)).catch((error: unknown) => error);
    const text = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'a-test'`;
    await stack.handle.sql("database", text, [], within());
    expect(await idle.ended).toMatchObject({ code: "sql-57P01" });
    expect(await asked).toMatchObject({ code: "sql-57P01" });
    expect(await busy.ended).toMatchObject({ code: "sql-57P01" });
  });

  it("can be given up and ended although the server is silent", async () => {
    const [open1, open2] = [await open(), await open()];
    signalService(stack, "database", "SIGSTOP");
    // The backends still answer; a new session needs the server itself.
    await expect(stack.handle.sqlSession("database", "user", "late", within(300))).rejects.toMatchObject({
      name: "TimeoutError",
    });
    await expect(open1.query("SELECT pg_sleep(30)", [], within(300))).rejects.toMatchObject({
      name: "TimeoutError",
    });
    const startedMs = systemClock.nowMs();
    await open2.end();
    expect(systemClock.nowMs() - startedMs).toBeLessThan(1_000);
    signalService(stack, "database", "SIGCONT");
    await works(stack, "database");
  });
});

describe("a session in Redis", () => {
  it("answers, is refused by code, and goes on", async () => {
    const session = await stack.handle.redisSession("cache", "a-test", within());
    expect(await session.call(["SET", "key", "value"], within())).toBe("OK");
    await expect(session.call(["INCR", "key"], within())).rejects.toMatchObject({ code: "redis-err" });
    expect(await session.call(["MGET", "key", "none"], within())).toEqual(["value", null]);
    await session.end();
    expect(await session.ended).toBeUndefined();
  });

  it("can be given up although the server is silent, and says when it is gone", async () => {
    const session = await stack.handle.redisSession("cache", "a-test", within());
    signalService(stack, "cache", "SIGSTOP");
    await expect(stack.handle.redis("cache", ["PING"], within(300))).rejects.toMatchObject({
      name: "TimeoutError",
    });
    signalService(stack, "cache", "SIGKILL");
    expect(await session.ended).toMatchObject({ code: "store-unreachable" });
    await expect(stack.handle.redis("cache", ["PING"], within())).rejects.toMatchObject({
      code: "store-unreachable",
    });
    await eventually(() => (stack.handle.process("cache").find() === undefined ? true : undefined), within());
    await stack.revive("cache");
  });
});

describe("the way in", () => {
  it("leads to servers of the right kind only", async () => {
    await expect(stack.handle.sql("cache", "SELECT 1", [], within())).rejects.toMatchObject({
      code: "stack-no-such-part",
    });
    await expect(stack.handle.redis("database", ["PING"], within())).rejects.toMatchObject({
      code: "stack-no-such-part",
    });
  });

  it("loads the client libraries with the first session only: healing must be small and must not fail for them", () => {
    const script = `
      import { createRequire } from "node:module";
      for (const file of ["run/heal-run.ts", "faults/index.ts", "stack/process-handle.ts"])
        await import(${JSON.stringify(join(projectRoot, "harness/"))} + file);
      const loaded = Object.keys(createRequire(import.meta.url).cache);
      console.log(loaded.filter((path) => /node_modules.(pg|ioredis)\\b/.test(path)).length);`;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      cwd: projectRoot,
      encoding: "utf8",
    });
    expect(output.trim()).toBe("0");
  });
});
