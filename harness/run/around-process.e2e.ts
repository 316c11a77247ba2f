// SIGKILL of a harness with faults around processes in force, or about to be: no control group, no mount and no process of the run stays,
// whoever cleans up. Needs the right to mount and to make control groups.
import { appendFileSync, existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { faultTable } from "../faults/index.ts";
import { processesIn } from "../stack/control-groups.ts";
import { machineLimits, thisMachine } from "../stack/machine-limits.ts";
import { readStackRecord, portsOf } from "../stack/record.ts";
import { processHandle } from "../stack/process-handle.ts";
import { deadline, eventually, sleep } from "../support/clock.ts";
import { signalProcess } from "../support/process-identity.ts";
import { reapersOf } from "../stack/membership.ts";
import { residuesOfRun } from "../testing/residues.ts";
import { healRun, reconcileRuns } from "./heal-run.ts";
import { ledgerPath, openFaults, readLedger } from "./ledger.ts";
import { type DoomedRun, startDoomedRun } from "./testing/doomed-run.ts";

const chosen = ["cpu-quota", "memory-limit", "disk-full"].map((fault) => ({ fault }));
const limits = await machineLimits(
  { chaos: { faults: [], planned: chosen } } as never,
  faultTable,
  thisMachine,
);

let run: DoomedRun;
afterEach(async () => run.discard());

/** Without shared memory, of which this stack has none: others on this machine may. */
async function left(): Promise<string[]> {
  const record = readStackRecord(run.runDir);
  const ports = record === undefined ? [] : portsOf(record);
  const found = await residuesOfRun({ runId: run.runId, runDir: run.runDir, ports }, []);
  return found.filter((line) => !line.startsWith("System V") && !line.startsWith("/dev/shm/"));
}

const unlocked = () => (existsSync(run.lockFile) ? undefined : true);

describe.skipIf(Object.keys(limits).length > 0)("faults around processes", () => {
  test("all in force: the reaper takes them back, ends everything and leaves nothing", async () => {
    run = startDoomedRun("around-process");
    await run.said("up");
    const there = await left();
    for (const part of ["mount ", "@f2", "@f3"])
      expect(there.filter((line) => line.includes(part))).not.toEqual([]);
    run.child.kill("SIGKILL");
    await eventually(unlocked, deadline(30_000), 20);
    expect(await left()).toEqual([]);
    const ledger = readLedger(run.runDir);
    expect(openFaults(ledger)).toEqual([]);
    expect(ledger.filter(({ op }) => op === "healed")).toHaveLength(3);
    const mounted = ledger.flatMap((entry) => (entry.op === "mount" ? [entry.path] : []));
    expect(mounted).toEqual(["alpha", "beta"].map((name) => join(run.runDir, "stack", name, "volume")));
  });

  test.each([0, 3, 6, 12, 25, 50])("killed %d ms after the first began: nothing is left", async (afterMs) => {
    run = startDoomedRun("around-process");
    await run.said("faults come");
    await sleep(afterMs);
    run.child.kill("SIGKILL");
    await eventually(unlocked, deadline(30_000), 20);
    expect(await left()).toEqual([]);
  });

  test.each(["mount", "process"])("killed in bring-up, at the first %s: nothing is left", async (what) => {
    run = startDoomedRun("around-process");
    const begun = () =>
      readLedger(run.runDir).some((entry) => entry.op === what || ("what" in entry && entry.what === what));
    await eventually(() => (begun() ? true : undefined), deadline(30_000), 1);
    run.child.kill("SIGKILL");
    await eventually(unlocked, deadline(30_000), 20);
    expect(await left()).toEqual([]);
  });

  test("harness and reaper dead: healing alone brings every process back to its group and frees the disk", async () => {
    run = startDoomedRun("around-process");
    await run.said("up");
    await killBoth();
    const record = readStackRecord(run.runDir)!;
    const handle = processHandle(record);
    const inCpu = (await left()).find((line) => line.includes("@f2"))!.replace("control group ", "");
    expect(processesIn(inCpu)).toContain(handle.process("alpha").find()!.pid);
    expect(handle.volume("alpha").freeBytes()).toBe(0);
    expect((await healRun(run.runDir, { by: "heal", faults: faultTable })).failed).toEqual([]);
    expect((await left()).filter((line) => line.includes("control group"))).toEqual([]);
    expect(processesIn(dirname(inCpu))).toContain(handle.process("alpha").find()!.pid);
    expect(handle.volume("alpha").freeBytes()).toBeGreaterThan(7 * 1_048_576);
    // The next start of any run takes the rest down.
    await reconcileRuns(dirname(run.runDir), { by: "heal", faults: faultTable });
    expect(await left()).toEqual([]);
  });

  test("a heal that fails does not keep the take-down from leaving nothing", async () => {
    run = startDoomedRun("around-process");
    await run.said("up");
    await killBoth();
    for (const id of ["f2", "f3"])
      appendFileSync(
        ledgerPath(run.runDir),
        `${JSON.stringify({ seq: 900, op: "memory", id, memory: { no: "sense" } })}\n`,
      );
    const [done] = await reconcileRuns(dirname(run.runDir), { by: "heal", faults: faultTable });
    expect(done!.heal.failed.map(({ fault }) => fault.id).toSorted()).toEqual(["f2", "f3"]);
    expect(done!.takeDown.cgroups).toHaveLength(2);
    expect(done!.takeDown.mounts).toHaveLength(2);
    expect(await left()).toEqual([]);
  });
});

async function killBoth(): Promise<void> {
  const [reaper] = reapersOf(run.runDir);
  signalProcess(reaper!, "SIGKILL");
  run.child.kill("SIGKILL");
  const gone = () => reapersOf(run.runDir).length === 0 && run.child.signalCode !== null;
  await eventually(() => (gone() ? true : undefined), deadline(10_000), 5);
}
