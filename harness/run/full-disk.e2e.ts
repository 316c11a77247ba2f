// A disk that fills up in the middle of a run, with a fault in force: the run ends by itself with a clear error, heals, takes all down, and
// leaves a folder that can be judged. On a small file system of its own, so the machine's disk stays as it is.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { thisMachine } from "../stack/machine-limits.ts";
import { deadline, eventually } from "../support/clock.ts";
import { hasErrno } from "../support/errors.ts";
import { cli, kiln, newestRun, startKiln } from "../testing/kiln-process.ts";
import { orphanedMemory, residuesOfRun } from "../testing/residues.ts";
import { readLock } from "./lock.ts";
import { isTornDown, openFaults, readLedger } from "./ledger.ts";

const mayMount =
  (await thisMachine.run("unshare", ["--mount", "mount", "-t", "tmpfs", "kiln", "/mnt"])) === undefined;

describe.skipIf(!mayMount)("a disk that fills up during a run", () => {
  let disk: string;
  beforeAll(() => {
    disk = mkdtempSync(join(tmpdir(), "kiln-runs-"));
    // More than the preflight asks for.
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=900m", "none", disk]);
  });
  afterAll(() => {
    execFileSync("umount", [disk]);
    rmSync(disk, { recursive: true });
  });

  test("ends it with a clear error, healed, with nothing left and a folder that can be judged", async () => {
    const before = orphanedMemory();
    const run = startKiln([cli, "run", "micro"], { runsDir: disk });
    await eventually(
      () => (run.output().includes("f01-latency injected") ? true : undefined),
      deadline(120_000),
    );
    fill(join(disk, "0-fill"));
    const { code, stderr } = await run.ended;
    expect(code, stderr).toBe(4);
    expect(stderr).toContain("database or disk is full");
    expect(stderr).toContain("kiln clean --keep");
    const runDir = newestRun(disk);
    expect(await residuesOfRun({ runId: runDir.split("/").at(-1) ?? "", runDir }, before)).toEqual([]);
    expect(readLock()).toBeUndefined();
    rmSync(join(disk, "0-fill"));
    // Whatever the harness could not write down for want of space, the next command does.
    const healed = await kiln(["heal"], { runsDir: disk });
    expect(healed.code, healed.stderr).toBe(0);
    expect(openFaults(readLedger(runDir))).toEqual([]);
    expect(isTornDown(readLedger(runDir)), healed.stdout).toBe(true);
    const judged = await kiln(["judge", runDir]);
    expect(judged.code, judged.stderr).toBe(2);
    expect(judged.stdout).toContain("outcome error");
  });
});

/** To the last block. */
function fill(path: string): void {
  const { bavail, bsize } = statfsSync(join(path, ".."));
  const megabyte = Buffer.alloc(1_048_576);
  for (let leftBytes = bavail * bsize; leftBytes > 0; leftBytes -= megabyte.length) {
    try {
      writeFileSync(path, megabyte.subarray(0, Math.min(leftBytes, megabyte.length)), { flag: "a" });
    } catch (error) {
      // The run writes, too, and may take the last block itself.
      if (hasErrno(error, "ENOSPC")) return;
      throw error;
    }
  }
}
