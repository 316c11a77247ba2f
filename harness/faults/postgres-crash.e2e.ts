import { describe, expect, it, onTestFinished } from "vitest";
import { deadline } from "../support/clock.ts";
import type { ProcessIdentity } from "../support/process-identity.ts";
import { faultContract } from "./fault.contract.ts";
import { postgresCrash } from "./postgres-crash.ts";
import { gone, signalService, untilEffective, works } from "./testing/sustained.ts";
import { startTestStack } from "./testing/test-stack.ts";

faultContract({
  fault: postgresCrash,
  options: { service: "database" },
  wrongTarget: { service: "archive" },
  // One session ended in good order: its backend is gone, but no other session is harmed.
  weaker: async (ctx, fault, options) => {
    const session = await ctx.stack.sqlSession("database", "user", "app", ctx.signal);
    const real = ctx.stack.process("database");
    const kind = { find: () => real.find(), signal: (one: ProcessIdentity) => real.signal(one, "SIGTERM") };
    await fault.inject({ ...ctx, stack: { ...ctx.stack, process: () => kind } }, options);
    await session.ended;
  },
  start: () => startTestStack({ databases: ["database", "archive"] }),
  // Momentary: heal does nothing, so there is nothing that it could overwrite.
  residues: () => Promise.resolve([]),
  mend: async (stack) => {
    await works(stack, "database");
    await works(stack, "archive");
  },
});

describe("postgres-crash", () => {
  it("drops every session, and the server mends itself with all that was committed", async () => {
    const stack = await startTestStack({ databases: ["database"] });
    onTestFinished(() => stack.stop());
    const { handle } = stack;
    const server = handle.process("database").find();
    const sessions = await Promise.all(
      ["one", "two", "three"].map((name) => handle.sqlSession("database", "user", name, deadline(5_000))),
    );
    await sessions[0]!.query("CREATE TABLE kept AS SELECT 7 AS value", [], deadline(5_000));
    const ctx = stack.context("f-crash");
    await postgresCrash.inject(ctx, { service: "database" });
    const ends = await Promise.all(sessions.map(({ ended }) => ended));
    for (const end of ends) expect(end).toBeInstanceOf(Error);
    const seen = await untilEffective(postgresCrash, ctx, { service: "database" });
    expect(seen.saw).toContain("dropped every session and recovered");
    expect(handle.process("database").find()).toEqual(server);
    expect(await handle.sql("database", "SELECT value FROM kept", [], deadline(5_000))).toEqual([
      { value: 7 },
    ]);
  });

  it("is told from a restart of the whole server", async () => {
    const stack = await startTestStack({ databases: ["database"] });
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-restart");
    await postgresCrash.inject(ctx, { service: "database" });
    signalService(stack, "database", "SIGKILL");
    await gone(stack, "database");
    await stack.revive("database");
    expect(await postgresCrash.confirm(ctx, { service: "database" })).toMatchObject({
      effective: false,
      saw: expect.stringContaining("itself was started again"),
    });
  });
});
