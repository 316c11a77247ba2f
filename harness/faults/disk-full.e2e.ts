import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openLedger } from "../run/ledger.ts";
import { createSpawner } from "../run/spawn.ts";
import type { ServiceSpec } from "../scenario/stack-spec.ts";
import { bringUp } from "../stack/process-stack.ts";
import { volumeSpec } from "../stack/testing/volume-stack.ts";
import { mountsOfRun } from "../stack/volumes.ts";
import { thisMachine } from "../stack/machine-limits.ts";
import { deadline, eventually, systemClock } from "../support/clock.ts";
import type { Json } from "../support/json.ts";
import { loadTools } from "../support/tools.ts";
import { diskFull } from "./disk-full.ts";
import { faultContract } from "./fault.contract.ts";
import type { TestStack } from "./testing/test-stack.ts";

const mayMount =
  (await thisMachine.run("unshare", ["--mount", "mount", "-t", "tmpfs", "kiln", "/mnt"])) === undefined;
const options = { service: "alpha", leave: 256 * 1_024 };

async function append(stack: TestStack, text: string, service = "alpha"): Promise<number> {
  const signal = deadline(5_000);
  return (await stack.handle.http(service, "/entries", { method: "POST", body: { text }, signal })).status;
}

/** Volumes on which more than the empty log takes room. */
const fullOf = (stack: TestStack): string[] =>
  ["alpha", "beta"].filter((service) => stack.handle.volume(service).freeBytes() < 8 * 1_048_576 - 8_192);

describe.skipIf(!mayMount)("on volumes", () => {
  faultContract({
    fault: diskFull,
    options,
    wrongTarget: { ...options, service: "beta" },
    weaker: (ctx, fault, asked) => fault.inject(ctx, { ...asked, leave: 2 * asked.leave }),
    start: () => startVolumeStack(),
    residues: async (stack) => fullOf(stack),
    // Somebody else removes the file: heal finds nothing to do.
    repair: async (stack, id) => {
      const volume = stack.handle.volume("alpha");
      volume.remove(`.kiln-${id}`);
      return async () => volume.freeBytes();
    },
  });

  describe("disk-full", () => {
    it("keeps the service from writing until it is healed, and nobody else", async () => {
      const stack = await started();
      const ctx = stack.context("f-full");
      const full = { service: "alpha", leave: 0 };
      await diskFull.inject(ctx, full);
      expect(await diskFull.confirm(ctx, full)).toMatchObject({
        effective: true,
        magnitude: { asked: 0, measured: 0 },
        saw: expect.stringContaining("ENOSPC"),
      });
      // Its first line needs a block.
      expect(await append(stack, "x")).toBe(507);
      expect(await append(stack, "x", "beta")).toBe(200);
      await diskFull.heal(ctx, full);
      expect(await append(stack, "x")).toBe(200);
    });

    it("stays full when the service makes room, and is not put back once it was healed", async () => {
      const stack = await started();
      while ((await append(stack, "y".repeat(500_000))) === 200);
      const full = { service: "alpha", leave: 0 };
      await diskFull.inject(stack.context("f-kept"), full);
      const stop = new AbortController();
      const kept = diskFull.sustain!({ ...stack.context("f-kept"), signal: stop.signal }, full).catch(
        (error: unknown) => error,
      );
      const { path, freeBytes } = stack.handle.volume("alpha");
      await stack.handle.http("alpha", "/entries", { method: "DELETE", signal: deadline(5_000) });
      await eventually(() => (freeBytes() === 0 ? true : undefined), deadline(5_000));
      await diskFull.heal(stack.context("f-kept"), full);
      expect(await kept).toMatchObject({ code: "ENOENT" });
      expect(stop.signal.aborted).toBe(false);
      expect(freeBytes()).toBeGreaterThan(7 * 1_048_576);
      expect(statSync(path).dev).not.toBe(statSync(dirname(path)).dev);
    });

    it("is mounted before anything starts and gone after the end, also with a file open in it", async () => {
      const stack = await startVolumeStack();
      const runId = stack.runDir.split("/").at(-1)!;
      const mounts = ["alpha", "beta"].map((name) => join(stack.runDir, "stack", name, "volume"));
      expect(stack.said).toEqual(mounts.map((path) => `mount ${path}`));
      expect(mountsOfRun(stack.runDir, runId).toSorted()).toEqual(mounts);
      writeFileSync(join(mounts[0]!, "mine"), "x");
      await stack.stop();
      expect(mountsOfRun(stack.runDir, runId)).toEqual([]);
    });

    it("fills a Redis and a PostgreSQL, whose data then lies on the volume", async () => {
      const stack = await started([
        { kind: "redis", name: "cache", volume: { size: "16MiB" } },
        { kind: "postgres", name: "store", user: "kiln", database: "kiln", volume: { size: "160MiB" } },
      ]);
      for (const service of ["cache", "store"]) {
        const full = { service, leave: 0 };
        const ctx = stack.context(`f-${service}`);
        await diskFull.inject(ctx, full);
        expect(await diskFull.confirm(ctx, full)).toMatchObject({ effective: true });
        await diskFull.heal(ctx, full);
        expect(await diskFull.confirm(ctx, full)).toMatchObject({ effective: false });
        expect(diskFull.expect(full, { stack: stack.handle.spec, holdMs: 5_000 })).toMatchObject({
          revivedByDriver: true,
          unavailableMs: 5_000,
        });
      }
      expect(stack.handle.process("cache").find()).toBeDefined();
    });
  });
});

interface VolumeStack extends TestStack {
  readonly runDir: string;
  /** What the driver said of mounts, in order. */
  readonly said: readonly string[];
}

/** As a run brings it up. */
async function startVolumeStack(servers: readonly ServiceSpec[] = []): Promise<VolumeStack> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "kiln-fault-volumes-")));
  const runId = `volumes-${process.pid}-${base.slice(-6)}`;
  const runDir = join(base, runId);
  mkdirSync(runDir);
  const ledger = await openLedger(runDir);
  const spawn = createSpawner({ ledger, runId, runDir, logsDir: join(runDir, "logs") });
  const said: string[] = [];
  const live = await bringUp(volumeSpec(servers), {
    runDir,
    runId,
    spawn,
    tools: loadTools(),
    signal: deadline(60_000),
    mounts: {
      announce: async (path) => void said.push(`mount ${path}`),
      note: (text) => void said.push(text),
    },
  });
  const memories = new Map<string, string>();
  const { handle } = live;
  return {
    handle,
    memories,
    runDir,
    said,
    context: (id, limitMs = 30_000) => ({
      id,
      stack: handle,
      clock: systemClock,
      signal: deadline(limitMs),
      selfHealMs: 120_000,
      remember: async (memory) => void memories.set(id, JSON.stringify(memory)),
      recall: () => {
        const text = memories.get(id);
        return text === undefined ? undefined : (JSON.parse(text) as Json);
      },
    }),
    revive: (service) => live.restart(service),
    stop: async () => {
      await live.down();
      await ledger.close();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

async function started(...args: Parameters<typeof startVolumeStack>): Promise<VolumeStack> {
  const stack = await startVolumeStack(...args);
  onTestFinished(() => stack.stop());
  return stack;
}
