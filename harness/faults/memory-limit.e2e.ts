import { readdirSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { groupOf, hierarchyOf } from "../stack/control-groups.ts";
import { thisMachine, tryGroup } from "../stack/machine-limits.ts";
import { deadline, eventually } from "../support/clock.ts";
import { faultContract } from "./fault.contract.ts";
import { memoryLeak } from "./memory-leak.ts";
import { memoryLimit } from "./memory-limit.ts";
import { recallGroup } from "./own-group.ts";
import { bringHome, groupResidues, moveElsewhere } from "./testing/own-groups.ts";
import { startTestStack, type TestStack } from "./testing/test-stack.ts";

const mib = 1_048_576;
const lacking = tryGroup({ controller: "memory", bytes: 64 * mib }, thisMachine);
const memory = hierarchyOf("memory")!;
const options = { service: "alpha", headroom: 16 * mib };

function residues(stack: TestStack): string[] {
  const files = readdirSync(stack.handle.scratchDir).filter((name) => name.startsWith("press"));
  return [...groupResidues(stack, "memory"), ...files];
}

describe.skipIf(lacking !== undefined)("with control groups", () => {
  faultContract({
    fault: memoryLimit,
    options,
    wrongTarget: { ...options, service: "beta" },
    weaker: (ctx, fault, asked) => fault.inject(ctx, { ...asked, headroom: 2 * asked.headroom }),
    start: () => startTestStack(),
    residues: async (stack) => residues(stack),
    // There it stays.
    repair: (stack) => moveElsewhere(stack, "alpha", "memory"),
    mend: () => bringHome("memory"),
  });

  describe("memory-limit", () => {
    it.each([4, 256])("measures %d MiB, and the service lives on", async (headroomMib) => {
      const stack = await startTestStack();
      onTestFinished(() => stack.stop());
      const limited = { service: "alpha", headroom: headroomMib * mib };
      const ctx = stack.context("f-sized");
      const before = stack.handle.process("alpha").find();
      await memoryLimit.inject(ctx, limited);
      onTestFinished(() => memoryLimit.heal(ctx, limited));
      const seen = await memoryLimit.confirm(ctx, limited);
      expect(seen).toMatchObject({ effective: true });
      expect(seen.magnitude!.measured / headroomMib).toBeCloseTo(1, 1);
      expect(stack.handle.process("alpha").find()).toEqual(before);
    });

    it("kills a service that takes more, and says so", async () => {
      const stack = await startTestStack();
      onTestFinished(() => stack.stop());
      const ctx = stack.context("f-killed");
      await memoryLimit.inject(ctx, options);
      onTestFinished(() => memoryLimit.heal(ctx, options));
      const path = recallGroup(ctx, "alpha")!.path;
      await memoryLeak.inject(stack.context("f-leak"), { service: "alpha", ratePerMin: 1_024 * mib });
      const gone = () => (stack.handle.process("alpha").find() === undefined ? true : undefined);
      await eventually(gone, deadline(30_000));
      expect(await memoryLimit.confirm(ctx, options)).toMatchObject({
        effective: true,
        saw: expect.stringContaining("the kernel killed alpha"),
        magnitude: { asked: 16 },
      });
      await stack.revive("alpha");
      expect(groupOf(stack.handle.process("alpha").find()!.pid, memory)).not.toBe(path);
      await memoryLimit.heal(ctx, options);
      expect(residues(stack)).toEqual([]);
    });

    it("does not take a death of another cause for its own", async () => {
      const stack = await startTestStack();
      onTestFinished(() => stack.stop());
      const ctx = stack.context("f-other");
      await memoryLimit.inject(ctx, options);
      onTestFinished(() => memoryLimit.heal(ctx, options));
      const alpha = stack.handle.process("alpha");
      alpha.signal(alpha.find()!, "SIGKILL");
      await expect.poll(() => alpha.find()).toBeUndefined();
      expect(await memoryLimit.confirm(ctx, options)).toMatchObject({ effective: false });
      await memoryLimit.heal(ctx, options);
    });

    it("expects a restart to be right where something restarts, and otherwise the driver", async () => {
      const stack = await startTestStack({ servers: false, keeper: true });
      onTestFinished(() => stack.stop());
      const scene = { stack: stack.handle.spec, holdMs: 9_000 };
      expect(memoryLimit.expect({ ...options, service: "gamma" }, scene)).toMatchObject({
        restarts: true,
        recovery: { atLeast: "none", atMost: "hard" },
      });
      expect(memoryLimit.expect(options, scene)).toMatchObject({
        restarts: false,
        revivedByDriver: true,
        unavailableMs: 9_000,
      });
    });
  });
});
