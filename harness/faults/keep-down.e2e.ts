import { describe, expect, it, onTestFinished } from "vitest";
import { membersOf } from "../stack/membership.ts";
import { deadline, eventually, sleep } from "../support/clock.ts";
import { identify, signalProcess, workingDirectory } from "../support/process-identity.ts";
import { faultContract } from "./fault.contract.ts";
import { keepDown } from "./keep-down.ts";
import { gone, served, signalService, sustain, untilEffective } from "./testing/sustained.ts";
import { startTestStack } from "./testing/test-stack.ts";

faultContract({
  fault: keepDown,
  options: { service: "gamma" },
  wrongTarget: { service: "alpha" },
  // Killed once: its keeper brings it back.
  weaker: async (ctx, fault, options) => {
    await fault.inject(ctx, options);
    await eventually(() => ctx.stack.process("gamma").find(), ctx.signal);
  },
  start: () => startTestStack({ keeper: true }),
  // Heal touches no process, so there is nothing that it could overwrite.
  residues: async (stack) => {
    await served(stack, "gamma");
    return [];
  },
  mend: async (stack) => {
    await stack.revive("alpha");
    await served(stack, "gamma");
  },
});

describe("keep-down", () => {
  it("kills what takes the place, again and again, until it is healed", async () => {
    const stack = await startTestStack({ keeper: true });
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-down");
    await keepDown.inject(ctx, { service: "gamma" });
    const sustained = sustain(keepDown, ctx, { service: "gamma" });
    const seen = new Set<number>();
    let answers = 0;
    const untilMs = ctx.clock.nowMs() + 2_500;
    while (ctx.clock.nowMs() < untilMs) {
      const pid = stack.handle.process("gamma").find()?.pid;
      if (pid !== undefined) seen.add(pid);
      const answered = await stack.handle.exchange("gamma", deadline(50)).then(
        () => 1,
        () => 0,
      );
      answers += answered;
      await sleep(20);
    }
    expect(seen.size).toBeGreaterThan(1);
    await sustained.end();
    await served(stack, "gamma");
    // Each newcomer lives for a look at most; the rest of the time it is down.
    expect(answers).toBeLessThan(25);
  });

  it("leaves no process of a PostgreSQL, so that a new one starts at once on its data", async () => {
    const stack = await startTestStack({ databases: ["database"] });
    onTestFinished(() => stack.stop());
    const { handle } = stack;
    const session = await handle.sqlSession("database", "user", "app", deadline(5_000));
    await session.query("CREATE TABLE kept AS SELECT 1 AS value", [], deadline(5_000));
    const folder = workingDirectory(handle.process("database").find()!.pid);
    // A worker that does not notice that its server is dead.
    const [row] = await session.query("SELECT pg_backend_pid() AS pid", [], deadline(5_000));
    signalProcess(identify(Number(row?.["pid"]))!, "SIGSTOP");
    const ctx = stack.context("f-database");
    await keepDown.inject(ctx, { service: "database" });
    expect(await session.ended).toMatchObject({ code: expect.stringMatching(/store-unreachable|sql-57/) });
    await untilEffective(keepDown, ctx, { service: "database" });
    const members = membersOf({ runId: "", runDir: handle.scratchDir.replace(/\/scratch$/, "") });
    expect(members.filter(({ identity }) => workingDirectory(identity.pid) === folder)).toEqual([]);
    await keepDown.heal(ctx, { service: "database" });
    await stack.revive("database");
    expect(await handle.sql("database", "SELECT value FROM kept", [], deadline(5_000))).toEqual([
      { value: 1 },
    ]);
    expect(await keepDown.confirm(ctx, { service: "database" })).toMatchObject({ effective: false });
  });

  it("is not taken for a service that is merely silent", async () => {
    const stack = await startTestStack();
    onTestFinished(() => stack.stop());
    const ctx = stack.context("f-silent");
    await keepDown.inject(ctx, { service: "cache" });
    await gone(stack, "cache");
    await stack.revive("cache");
    signalService(stack, "cache", "SIGSTOP");
    const seen = await keepDown.confirm(ctx, { service: "cache" });
    expect(seen).toMatchObject({ effective: false, saw: expect.stringContaining("took the place") });
  });
});
