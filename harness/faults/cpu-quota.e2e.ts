import { describe, expect, it, onTestFinished } from "vitest";
import { groupOf, groupsOfRun, hierarchyOf, removeGroups } from "../stack/control-groups.ts";
import { thisMachine, tryGroup } from "../stack/machine-limits.ts";
import { deadline, eventually } from "../support/clock.ts";
import { isAlive } from "../support/process-identity.ts";
import { type CpuQuotaOptions, cpuQuota } from "./cpu-quota.ts";
import { faultContract } from "./fault.contract.ts";
import type { FaultContext } from "./fault.ts";
import { recallGroup } from "./own-group.ts";
import { bringHome, groupResidues, moveElsewhere, runIdOf } from "./testing/own-groups.ts";
import { startTestStack, type TestStack } from "./testing/test-stack.ts";

const lacking = tryGroup({ controller: "cpu", cores: 1 }, thisMachine);
const cpu = hierarchyOf("cpu")!;
const options = { service: "alpha", cores: 0.2 };

/** Asks a service for all the CPU that it can get, until the stack is stopped. */
function withWork(stack: TestStack, service = "alpha"): TestStack {
  const stop = new AbortController();
  const worked = (async () => {
    while (!stop.signal.aborted) {
      // Replaced or gone in the middle of it: the next one is asked.
      await stack.handle
        .http(service, "/block/300", { signal: deadline(20_000, stop.signal) })
        .catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    ...stack,
    stop: async () => {
      stop.abort();
      await worked;
      await stack.stop();
    },
  };
}

/** Put in, and taken out after the test whatever comes of it. */
async function injected(stack: TestStack, id: string, asked: CpuQuotaOptions): Promise<FaultContext> {
  await cpuQuota.inject(stack.context(id), asked);
  onTestFinished(() => cpuQuota.heal(stack.context(id), asked));
  return stack.context(id, 60_000);
}

describe.skipIf(lacking !== undefined)("with control groups", () => {
  faultContract({
    fault: cpuQuota,
    options,
    wrongTarget: { ...options, service: "beta" },
    weaker: (ctx, fault, asked) => fault.inject(ctx, { ...asked, cores: 2 * asked.cores }),
    start: async () => withWork(await startTestStack()),
    residues: async (stack) => groupResidues(stack, "cpu"),
    // There it stays.
    repair: (stack) => moveElsewhere(stack, "alpha", "cpu"),
    mend: () => bringHome("cpu"),
  });

  describe("cpu-quota", () => {
    it.each([0.05, 0.4])("measures %d cores", async (cores) => {
      const stack = withWork(await startTestStack());
      onTestFinished(() => stack.stop());
      const asked = { service: "alpha", cores };
      const ctx = await injected(stack, `f-${cores}`, asked);
      // As the engine does it: looks again, for a busy machine may keep the service from wanting more than its quota for a while.
      const look = async () => {
        const seen = await cpuQuota.confirm(ctx, asked);
        return seen.effective ? seen : undefined;
      };
      const seen = await eventually(look, deadline(25_000));
      expect(seen.magnitude!.measured / cores).toBeGreaterThan(0.8);
      expect(seen.magnitude!.measured / cores).toBeLessThan(1.25);
    });

    it("is not effective on a service that wants less", async () => {
      const stack = await startTestStack();
      onTestFinished(() => stack.stop());
      const ctx = await injected(stack, "f-idle", options);
      const seen = await cpuQuota.confirm(ctx, options);
      expect(seen).toMatchObject({ effective: false, saw: expect.stringContaining("was not throttled") });
    });

    it("stays with the service when its process is replaced, until it is healed", async () => {
      const stack = await startTestStack();
      onTestFinished(() => stack.stop());
      const ctx = () => stack.context("f-followed");
      const alpha = stack.handle.process("alpha");
      await injected(stack, "f-followed", options);
      const kept = cpuQuota.sustain!(ctx(), options).catch((error: unknown) => error);
      const first = alpha.find()!;
      alpha.signal(first, "SIGKILL");
      await eventually(() => (isAlive(first) ? undefined : true), deadline(5_000));
      await stack.revive("alpha");
      const plan = recallGroup(ctx(), "alpha")!;
      const second = alpha.find()!;
      await eventually(() => (groupOf(second.pid, cpu) === plan.path ? true : undefined), deadline(5_000));
      await cpuQuota.heal(ctx(), options);
      expect(groupResidues(stack, "cpu")).toEqual([]);
      // Healed behind its back, as a reaper does: the next replacement is left alone.
      alpha.signal(second, "SIGKILL");
      await eventually(() => (isAlive(second) ? undefined : true), deadline(5_000));
      await stack.revive("alpha");
      expect(await kept).toMatchObject({ code: "cgroup-unavailable" });
      expect(groupResidues(stack, "cpu")).toEqual([]);
    });

    it("takes a PostgreSQL's children along, also those that come later, and brings all back", async () => {
      const stack = await startTestStack({ databases: ["store"] });
      onTestFinished(() => stack.stop());
      const store = { service: "store", cores: 0.5 };
      const before = await stack.handle.sqlSession("store", "operator", "before", deadline(60_000));
      const ctx = await injected(stack, "f-store", store);
      const plan = recallGroup(ctx, "store")!;
      const after = await stack.handle.sqlSession("store", "operator", "after", deadline(60_000));
      const pids = await Promise.all(
        [before, after].map(async (session) => {
          const [row] = await session.query("select pg_backend_pid() as pid", [], deadline(5_000));
          return Number(row?.["pid"]);
        }),
      );
      expect(plan.moved.length).toBeGreaterThan(5);
      for (const pid of pids) expect(groupOf(pid, cpu)).toBe(plan.path);
      await cpuQuota.heal(ctx, store);
      for (const pid of [...pids, ...plan.moved.map((moved) => moved.pid)].filter((one) => one > 0))
        expect([groupOf(process.pid, cpu), undefined]).toContain(groupOf(pid, cpu));
      await before.end();
      await after.end();
      expect(groupsOfRun(runIdOf(stack))).toEqual([]);
    });

    it("leaves another service's process where it is, although this one started it", async () => {
      const stack = await startTestStack({ keeper: true });
      onTestFinished(() => stack.stop());
      const plan = stack.handle.cgroup("keeper").plan("cpu", "f-keeper");
      const gamma = stack.handle.process("gamma").find()!;
      expect(plan.moved.map(({ pid }) => pid)).toContain(stack.handle.process("keeper").find()!.pid);
      expect(plan.moved.map(({ pid }) => pid)).not.toContain(gamma.pid);
    });

    it("leaves groups that a take-down finds by the run alone", async () => {
      const stack = await startTestStack();
      onTestFinished(() => stack.stop());
      const runId = runIdOf(stack);
      await injected(stack, "f-left", options);
      const [group] = groupsOfRun(runId);
      expect(group).toContain(`kiln-${runId}@f-left`);
      await expect(removeGroups(runId)).rejects.toMatchObject({ code: "cgroup-left" });
      const alpha = stack.handle.process("alpha");
      alpha.signal(alpha.find()!, "SIGKILL");
      expect(await removeGroups(runId)).toEqual([group]);
      expect(groupsOfRun(runId)).toEqual([]);
      // Heal finds neither its group nor its processes, and that is fine.
      await cpuQuota.heal(stack.context("f-left"), options);
    });
  });
});
