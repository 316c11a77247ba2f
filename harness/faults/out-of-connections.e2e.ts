import { describe, expect, it, onTestFinished } from "vitest";
import type { SqlSession } from "../stack/stack.ts";
import { deadline, eventually, sleep } from "../support/clock.ts";
import type { FaultContext } from "./fault.ts";
import { faultContract } from "./fault.contract.ts";
import { outOfConnections } from "./out-of-connections.ts";
import { sessionName } from "./store.ts";
import { gone, signalService, sustain, untilEffective } from "./testing/sustained.ts";
import { startTestStack, type TestStack } from "./testing/test-stack.ts";

const database = { service: "database" };
const cache = { service: "cache" };
const own = async (stack: TestStack, id: string): Promise<number> => {
  const text = "SELECT count(*)::int AS own FROM pg_stat_activity WHERE application_name = $1";
  const name = sessionName({ id } as FaultContext);
  const [row] = await stack.handle.sql("database", text, [name], deadline(5_000));
  return Number(row?.["own"]);
};
const limitOf = async (stack: TestStack, service = "cache"): Promise<unknown> =>
  stack.handle.redis(service, ["CONFIG", "GET", "maxclients"], deadline(5_000));

/** Sessions that a test opens and forgets. */
const opened: SqlSession[] = [];

faultContract({
  fault: outOfConnections,
  options: database,
  wrongTarget: cache,
  // Half of the free connections.
  weaker: async (ctx, fault, options) => {
    await fault.inject(ctx, options);
    for (let n = 0; n < 48; n++)
      opened.push(await ctx.stack.sqlSession("database", "user", sessionName(ctx), ctx.signal));
  },
  start: () => startTestStack({ databases: ["database"] }),
  // Heal ends what bears the fault's own name and changes nothing else: there is nothing that it could overwrite.
  residues: async (stack, id) => ((await own(stack, id)) === 0 ? [] : [`${await own(stack, id)} sessions`]),
  mend: async () => {
    await Promise.all(opened.splice(0).map((session) => session.end()));
  },
});

faultContract({
  fault: outOfConnections,
  options: cache,
  wrongTarget: { service: "spare" },
  // The limit is lowered, and the connections that are left are not taken.
  weaker: (ctx, fault, options) => fault.inject(ctx, options),
  start: () => startTestStack({ spare: true }),
  residues: async (stack) => {
    const limit = await limitOf(stack);
    // 777: what somebody set it to.
    return Array.isArray(limit) && ["10000", "777"].includes(String(limit[1]))
      ? []
      : [`maxclients ${JSON.stringify(limit)}`];
  },
  repair: async (stack) => {
    await stack.handle.redis("cache", ["CONFIG", "SET", "maxclients", "777"], deadline(5_000));
    return () => limitOf(stack);
  },
  mend: async (stack) => {
    for (const service of ["cache", "spare"])
      await stack.handle.redis(service, ["CONFIG", "SET", "maxclients", "10000"], deadline(5_000));
  },
});

describe("out-of-connections of PostgreSQL", () => {
  it("leaves open sessions and the reserved connections alone, and takes what becomes free", async () => {
    const stack = await startTestStack({ databases: ["database"] });
    onTestFinished(() => stack.stop());
    const { handle } = stack;
    const [first, second] = [
      await handle.sqlSession("database", "user", "app", deadline(5_000)),
      await handle.sqlSession("database", "user", "app", deadline(5_000)),
    ];
    const ctx = stack.context("f-full", 60_000);
    await outOfConnections.inject(ctx, database);
    const sustained = sustain(outOfConnections, ctx, database);
    const seen = await untilEffective(outOfConnections, ctx, database);
    // 100 connections, 3 of them reserved, 2 in use.
    expect(seen.magnitude).toEqual({ asked: 95, measured: 95, unit: "connections" });
    expect(await second.query("SELECT 1 AS one", [], deadline(5_000))).toEqual([{ one: 1 }]);
    await first.end();
    await expect.poll(() => own(stack, "f-full"), { timeout: 5_000 }).toBe(96);
    await expect(handle.sqlSession("database", "user", "app", deadline(5_000))).rejects.toMatchObject({
      code: "sql-53300",
    });
    await sustained.end();
    await eventually(async () => ((await own(stack, "f-full")) === 0 ? true : undefined), deadline(5_000));
    await second.end();
  });

  it("is healed by another process although the one that holds the connections does nothing, and is not taken up again", async () => {
    const stack = await startTestStack({ databases: ["database"] });
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-frozen", 60_000);
    await outOfConnections.inject(ctx, database);
    const sustained = sustain(outOfConnections, ctx, database);
    await untilEffective(outOfConnections, ctx, database);
    await outOfConnections.heal(stack.context("f-frozen"), database);
    expect(await sustained.done).toMatchObject({ code: "sql-57P01" });
    expect(await own(stack, "f-frozen")).toBe(0);
  });

  it("has nothing to heal when the server is gone", async () => {
    const stack = await startTestStack({ databases: ["database"] });
    onTestFinished(() => stack.stop());
    await outOfConnections.inject(stack.context("f-gone"), database);
    signalService(stack, "database", "SIGKILL");
    await gone(stack, "database");
    await expect(outOfConnections.heal(stack.context("f-gone"), database)).resolves.toBeUndefined();
  });
});

describe("out-of-connections of Redis", () => {
  it("leaves open clients alone and takes what becomes free", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const { handle } = stack;
    const [first, second] = [
      await handle.redisSession("cache", "app", deadline(5_000)),
      await handle.redisSession("cache", "app", deadline(5_000)),
    ];
    const ctx = stack.context("f-redis", 60_000);
    await outOfConnections.inject(ctx, cache);
    const sustained = sustain(outOfConnections, ctx, cache);
    await untilEffective(outOfConnections, ctx, cache);
    expect(await second.call(["PING"], deadline(5_000))).toBe("PONG");
    await first.end();
    await sleep(1_000);
    await expect(handle.redisSession("cache", "app", deadline(5_000))).rejects.toThrow(
      /max number of clients|cache|Redis/,
    );
    const held = String(await second.call(["CLIENT", "LIST"], deadline(5_000)));
    expect(held.split("\n").filter((line) => line.includes("name=kiln-f-redis"))).toHaveLength(17);
    await sustained.end();
    await outOfConnections.heal(stack.context("f-redis"), cache);
    expect(await limitOf(stack)).toEqual(["maxclients", "10000"]);
    await second.end();
  });
});
