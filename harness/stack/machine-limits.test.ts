import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { Fault, FaultTable } from "../faults/fault.ts";
import { faultTable } from "../faults/index.ts";
import { makePlan } from "../plan/make-plan.ts";
import { exampleFaults } from "../plan/testing/example-faults.ts";
import { exampleScenario, exampleStack } from "../plan/testing/example-scenario.ts";
import type { FaultChoice } from "../scenario/scenario.ts";
import type { Capability } from "../scenario/stack-spec.ts";
import { groupOf, hierarchyOf } from "./control-groups.ts";
import { type Machine, machineLimits, thisMachine } from "./machine-limits.ts";

/** A fault on a link that does nothing but need something. */
function needing(name: string, ...needs: Capability[]): Fault {
  const example = exampleFaults.get("slow")!;
  return { ...example, name, needs, options: z.strictObject({ link: z.string() }) };
}

const lossy: FaultTable = new Map([["lossy", needing("lossy", "netem")]]);
const onPostgres = (fault: string, extra: Partial<FaultChoice> = {}): FaultChoice => ({
  fault,
  options: { link: "postgres" },
  at: "10m",
  ...extra,
});
const scenarioOf = (...planned: FaultChoice[]) =>
  exampleScenario({}, { faults: [], planned, window: undefined as never });

const never: Machine = {
  platform: "linux",
  mounts: () => {
    throw new Error("looked at the mounts");
  },
  run: () => Promise.reject(new Error("ran something")),
};
const says = (text: string | undefined): Machine => ({ ...never, mounts: () => [], run: async () => text });

const noNetem = "Error: Specified qdisc kind is unknown.";

describe("a fault that needs netem", () => {
  test("is refused with the machine's reason, or skipped where the scenario says so", async () => {
    const limits = await machineLimits(scenarioOf(onPostgres("lossy")), lossy, says(noNetem));
    expect(limits).toEqual({ netem: expect.stringContaining(noNetem) });
    expect(() => makePlan(scenarioOf(onPostgres("lossy")), "1", lossy, { limits })).toThrow(
      /"lossy" needs netem at link:postgres, which cannot be had here: this kernel has no network emulation.*qdisc kind is unknown/,
    );
    const { faults } = makePlan(scenarioOf(onPostgres("lossy", { ifMissing: "skip" })), "1", lossy, {
      limits,
    });
    expect(faults.map(({ skipped }) => skipped)).toEqual([{ missing: ["netem"], reason: limits.netem }]);
  });

  test("is planned where it can be had", async () => {
    const limits = await machineLimits(scenarioOf(onPostgres("lossy")), lossy, says(undefined));
    expect(limits).toEqual({});
    expect(makePlan(scenarioOf(onPostgres("lossy")), "1", lossy, { limits }).faults).toHaveLength(1);
  });

  test("is told the truth about this kernel, without a trace on its devices", async () => {
    const before = readdirSync("/sys/class/net").toSorted();
    const limits = await machineLimits(scenarioOf(onPostgres("lossy")), lossy);
    const rule = ["--net", "tc", "qdisc", "add", "dev", "lo", "root", "netem", "loss", "1%"];
    const works = (await thisMachine.run("unshare", rule)) === undefined;
    expect(limits.netem === undefined).toBe(works);
    expect(readdirSync("/sys/class/net").toSorted()).toEqual(before);
  });
});

test("nothing is tried that no fault of the scenario needs", async () => {
  const latency = { fault: "latency", options: { link: "postgres", delayMs: 50 }, at: "10m" };
  expect(await machineLimits(scenarioOf(latency), faultTable, never)).toEqual({});
});

test("every step of a pattern is looked at", async () => {
  const scenario = scenarioOf();
  const pattern = { pattern: "cascade", steps: [onPostgres("lossy")] };
  const chaos = { ...scenario.chaos, faults: [pattern as never] };
  expect(await machineLimits({ chaos }, lossy, says(noNetem))).toHaveProperty("netem");
});

test("on anything but Linux each is lacking, with that reason", async () => {
  const table: FaultTable = new Map([
    ["all", needing("all", "cpu-quota", "memory-limit", "volume", "netem", "proxy")],
  ]);
  const limits = await machineLimits(scenarioOf(onPostgres("all")), table, { ...never, platform: "darwin" });
  expect(Object.keys(limits).toSorted()).toEqual(["cpu-quota", "memory-limit", "netem", "volume"]);
  expect(new Set(Object.values(limits))).toEqual(new Set(["it needs Linux, and this is darwin"]));
});

describe("control groups and mounts", () => {
  const table: FaultTable = new Map(
    (["cpu-quota", "memory-limit", "volume"] as const).map((name) => [name, needing(name, name)]),
  );
  const scenario = scenarioOf(
    ...[...table.keys()].map((name, index) => onPostgres(name, { at: `${10 + 5 * index}m` })),
  );

  test("lacking ones are named with what to do about it", async () => {
    const limits = await machineLimits(
      scenario,
      table,
      says("unshare: unshare failed: Operation not permitted"),
    );
    expect(limits["cpu-quota"]).toMatch(/no control groups \(cgroups\) with the cpu controller/);
    expect(limits["memory-limit"]).toMatch(/memory controller/);
    expect(limits.volume).toMatch(/Operation not permitted; run Kiln as root/);
    expect(
      (await machineLimits(scenario, table, says("the program unshare is not installed"))).volume,
    ).toContain("not installed");
  });

  test("version 2 without a controller that is handed on", async () => {
    const mount = mkdtempSync(join(tmpdir(), "kiln-groups-"));
    onTestFinished(() => rmSync(mount, { recursive: true }));
    const own = groupOf(process.pid, { controller: "cpu", version: 2, mount, root: "/" });
    mkdirSync(own!, { recursive: true });
    writeFileSync(join(mount, "cgroup.controllers"), "cpu memory\n");
    const machine: Machine = {
      ...says(undefined),
      mounts: () => [{ path: mount, root: "/", type: "cgroup2", source: "cgroup2", options: ["rw"] }],
    };
    expect((await machineLimits(scenario, table, machine))["cpu-quota"]).toMatch(
      /do not hand the cpu controller on/,
    );
    writeFileSync(join(mount, "cgroup.subtree_control"), "cpu memory\n");
    // A group of a plain folder keeps its files: it cannot be removed as a kernel's can.
    await expect(machineLimits(scenario, table, machine)).rejects.toThrow(/ENOTEMPTY/);
    expect(readFileSync(join(mount, `kiln-probe-${process.pid}`, "cpu.max"), "utf8")).toBe("100000 100000");
  });

  test("this machine is tried without leaving anything, quickly", async () => {
    const cpu = hierarchyOf("cpu");
    const parent = cpu === undefined ? undefined : groupOf(process.pid, cpu);
    const stale = parent === undefined ? undefined : join(parent, "kiln-probe-4194000");
    const may = (await machineLimits(scenario, table))["cpu-quota"] === undefined;
    if (may && stale !== undefined && cpu?.version === 1) mkdirSync(stale);
    const fromMs = performance.now();
    const limits = await machineLimits(scenario, table);
    expect(performance.now() - fromMs).toBeLessThan(1_000);
    for (const reason of Object.values(limits)) expect(reason).toMatch(/root|control groups/);
    const groups =
      parent === undefined ? [] : readdirSync(parent).filter((name) => name === "kiln-probe-4194000");
    expect(groups).toEqual([]);
    expect(readFileSync("/proc/mounts", "utf8")).not.toMatch(/^kiln \/tmp /m);
  });
});

test("a volume is what makes that capability", () => {
  const services = exampleStack.services.map((service) =>
    service.name === "api" ? { ...service, volume: { size: "8MiB" } } : service,
  );
  const scenario = (service: string) =>
    exampleScenario(
      { stack: { ...exampleStack, services } },
      {
        window: undefined as never,
        faults: [],
        planned: [{ fault: "disk-full", options: { service, leave: 0 }, hold: "5s", at: "10m" }],
      },
    );
  expect(makePlan(scenario("api"), "1", faultTable).faults).toHaveLength(1);
  expect(() => makePlan(scenario("worker"), "1", faultTable)).toThrow(
    /"disk-full" needs volume at service:worker, which the stack does not offer/,
  );
  const limits = { volume: "no right to mount" };
  expect(() => makePlan(scenario("api"), "1", faultTable, { limits })).toThrow(
    /cannot be had here: no right to mount/,
  );
});
