import { describe, expect, it, onTestFinished } from "vitest";
import type { SqlSession, StackHandle } from "../stack/stack.ts";
import { deadline, eventually } from "../support/clock.ts";
import { faultContract } from "./fault.contract.ts";
import type { FaultContext } from "./fault.ts";
import { poolExhaustion } from "./pool-exhaustion.ts";
import { sessionName } from "./store.ts";
import { sustain } from "./testing/sustained.ts";
import { startTestStack, type TestStack } from "./testing/test-stack.ts";

const options = { service: "database", table: "orders", connections: 4 };

/** A pool of a service: so many sessions, each asking for the table's rows again and again. */
class Pool {
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[];

  constructor(handle: StackHandle, size: number, table = "orders") {
    this.#loops = Array.from({ length: size }, () => this.#ask(handle, table));
  }

  async #ask(handle: StackHandle, table: string): Promise<void> {
    const session = await handle.sqlSession("database", "user", "app", deadline(10_000));
    try {
      while (!this.#stop.signal.aborted)
        await session.query(`SELECT count(*) FROM ${table}`, [], this.#stop.signal);
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    } finally {
      await session.end();
    }
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#loops);
  }
}

async function start(size: number): Promise<TestStack & { readonly pool: Pool }> {
  const stack = await startTestStack({ databases: ["database"] });
  const session = await stack.handle.sqlSession("database", "user", "app", deadline(10_000));
  for (const table of ["orders", "refunds"])
    await session.query(`CREATE TABLE ${table} AS SELECT generate_series(1, 10) AS id`, [], deadline(10_000));
  await session.end();
  const pool = new Pool(stack.handle, size);
  return { ...stack, pool, stop: () => pool.end().then(() => stack.stop()) };
}

const locks = async ({ handle }: TestStack, id: string): Promise<string[]> => {
  const text = "SELECT pid FROM pg_stat_activity WHERE application_name = $1";
  const rows = await handle.sql("database", text, [sessionName({ id } as FaultContext)], deadline(5_000));
  return rows.map((row) => `session ${String(row["pid"])}`);
};

let shared: SqlSession | undefined;

faultContract({
  fault: poolExhaustion,
  options,
  wrongTarget: { ...options, table: "refunds" },
  // A lock that keeps out writers only: the pool's reads go on.
  weaker: async (ctx, fault, asked) => {
    await fault.inject(ctx, asked);
    shared = await ctx.stack.sqlSession("database", "operator", sessionName(ctx), ctx.signal);
    await shared.query("BEGIN", [], ctx.signal);
    await shared.query("LOCK TABLE orders IN SHARE MODE", [], ctx.signal);
  },
  start: () => start(4),
  // Heal ends what bears the fault's own name and changes nothing else: there is nothing that it could overwrite.
  residues: locks,
  mend: async () => {
    await shared?.end();
    shared = undefined;
  },
});

describe("pool-exhaustion", () => {
  it("is not confirmed by a pool that is too small, nor by a lock on another table", async () => {
    const stack = await start(2);
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-small", 60_000);
    await poolExhaustion.inject(ctx, options);
    const sustained = sustain(poolExhaustion, ctx, options);
    const seen = await eventually(async () => {
      const look = await poolExhaustion.confirm(ctx, options);
      return look.magnitude?.measured === 2 ? look : undefined;
    }, deadline(10_000));
    expect(seen).toMatchObject({ effective: false, magnitude: { asked: 4, measured: 2 } });
    const other = await poolExhaustion.confirm(ctx, { ...options, table: "refunds" });
    expect(other).toMatchObject({ effective: false, saw: expect.stringContaining("not locked by Kiln") });
    await sustained.end();
  });

  it("ends by the server's hand when its process does nothing any more, and by another process's heal", async () => {
    const stack = await start(4);
    onTestFinished(() => stack.stop());
    const late = { ...stack.context("f-late", 60_000), selfHealMs: 700 };
    await poolExhaustion.inject(late, options);
    // 25P03: idle_in_transaction_session_timeout.
    expect(await sustain(poolExhaustion, late, options).done).toMatchObject({ code: "sql-25P03" });
    const ctx = stack.context("f-held", 60_000);
    await poolExhaustion.inject(ctx, options);
    const { done } = sustain(poolExhaustion, ctx, options);
    await eventually(
      async () => ((await locks(stack, "f-held")).length > 0 ? true : undefined),
      deadline(5_000),
    );
    await poolExhaustion.heal(stack.context("f-held"), options);
    expect(await done).toMatchObject({ code: "sql-57P01" });
  });

  it("refuses a table that is not there", async () => {
    const stack = await start(0);
    onTestFinished(() => stack.stop());
    const asked = { ...options, table: "nowhere" };
    await expect(poolExhaustion.inject(stack.context("f-none"), asked)).rejects.toMatchObject({
      code: "table-unknown",
    });
  });
});
