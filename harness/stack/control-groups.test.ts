import { mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Hierarchy,
  cpuBooks,
  faultGroupOf,
  groupName,
  groupOf,
  hierarchyOf,
  makeGroup,
  memoryBooks,
  moveInto,
  parentFor,
  processesIn,
  removeGroup,
} from "./control-groups.ts";
import { parseMounts, readMounts } from "./mounts.ts";

// A plain folder stands for the kernel's: names and formats are tried, not what the kernel makes of them.
let mount: string;
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), "kiln-groups-"));
});
afterEach(() => rmSync(mount, { recursive: true, force: true }));

const version1 = (controller: Hierarchy["controller"]): Hierarchy => ({
  controller,
  version: 1,
  mount,
  root: "/",
});
const version2 = (controller: Hierarchy["controller"]): Hierarchy => ({
  controller,
  version: 2,
  mount,
  root: "/",
});
const content = (...path: string[]): string => readFileSync(join(mount, ...path), "utf8");

describe("where they are", () => {
  const table = [
    "22 27 0:21 / /proc rw,relatime - proc proc rw",
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct",
    "35 31 0:32 /docker/x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
    "40 31 0:40 / /mnt/two\\040words\\134 rw - tmpfs kiln@r rw,size=4k",
  ].join("\n");

  test("mounts are read as the kernel writes them", () => {
    expect(
      parseMounts(`${table}\n\nrubbish`).map(({ path, root, type }) => `${type} ${root} ${path}`),
    ).toEqual([
      "proc / /proc",
      "cgroup / /sys/fs/cgroup/cpu,cpuacct",
      "cgroup /docker/x /sys/fs/cgroup/memory",
      "tmpfs / /mnt/two words\\",
    ]);
    expect(readMounts().map(({ path }) => path)).toContain("/proc");
  });

  test("a controller's hierarchy is found in either version", () => {
    expect(hierarchyOf("cpu", parseMounts(table))).toMatchObject({
      version: 1,
      mount: "/sys/fs/cgroup/cpu,cpuacct",
    });
    expect(hierarchyOf("memory", parseMounts(table))).toMatchObject({ version: 1, root: "/docker/x" });
    const unified = [{ path: mount, root: "/", type: "cgroup2", source: "cgroup2", options: ["rw"] }];
    expect(hierarchyOf("memory", unified)).toBeUndefined();
    writeFileSync(join(mount, "cgroup.controllers"), "cpuset cpu io memory pids\n");
    expect(hierarchyOf("memory", unified)).toEqual(version2("memory"));
  });

  test("in version 2 a group is made where controllers are handed on", () => {
    const service = join(mount, "user.slice", "app.service");
    mkdirSync(service, { recursive: true });
    expect(parentFor(service, version2("cpu"))).toBeUndefined();
    expect(parentFor(service, version1("cpu"))).toBe(service);
    writeFileSync(join(mount, "cgroup.subtree_control"), "cpu memory\n");
    expect(parentFor(service, version2("cpu"))).toBe(mount);
    writeFileSync(join(mount, "user.slice", "cgroup.subtree_control"), "memory\n");
    expect(parentFor(service, version2("memory"))).toBe(join(mount, "user.slice"));
    expect(parentFor(service, version2("cpu"))).toBe(mount);
  });

  test("a process that is gone is in no group", () => {
    expect(groupOf(4_194_000, version1("cpu"))).toBeUndefined();
  });
});

describe("what is written and read", () => {
  test("a CPU quota", () => {
    makeGroup(join(mount, "one"), version1("cpu"), { controller: "cpu", cores: 0.05 });
    expect([content("one", "cpu.cfs_period_us"), content("one", "cpu.cfs_quota_us")]).toEqual([
      "100000",
      "5000",
    ]);
    makeGroup(join(mount, "two"), version2("cpu"), { controller: "cpu", cores: 1.5 });
    expect(content("two", "cpu.max")).toBe("150000 100000");
    writeFileSync(
      join(mount, "two", "cpu.stat"),
      "usage_usec 9\nnr_periods 40\nnr_throttled 12\nthrottled_usec 7\n",
    );
    expect(cpuBooks(join(mount, "two"))).toEqual({ periods: 40, throttledPeriods: 12, periodMs: 100 });
    expect(cpuBooks(join(mount, "none"))).toBeUndefined();
  });

  test("a memory limit without swap, where the kernel has swap accounts", () => {
    makeGroup(join(mount, "one"), version1("memory"), { controller: "memory", bytes: 4_096 });
    expect(content("one", "memory.limit_in_bytes")).toBe("4096");
    expect(() => content("one", "memory.memsw.limit_in_bytes")).toThrow("ENOENT");
    writeFileSync(join(mount, "one", "memory.memsw.limit_in_bytes"), "");
    makeGroup(join(mount, "one"), version1("memory"), { controller: "memory", bytes: 8_192 });
    expect(content("one", "memory.memsw.limit_in_bytes")).toBe("8192");
    mkdirSync(join(mount, "two"));
    writeFileSync(join(mount, "two", "memory.swap.max"), "max");
    makeGroup(join(mount, "two"), version2("memory"), { controller: "memory", bytes: 4_096 });
    expect([content("two", "memory.max"), content("two", "memory.swap.max")]).toEqual(["4096", "0"]);
  });

  test("memory's books, also of a kernel that keeps no peak", () => {
    const write = (name: string, text: string): void => writeFileSync(join(mount, name), text);
    expect(memoryBooks(mount, version1("memory"))).toBeUndefined();
    write("memory.usage_in_bytes", "100\n");
    write("memory.max_usage_in_bytes", "300\n");
    write("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    expect(memoryBooks(mount, version1("memory"))).toEqual({ usageBytes: 100, peakBytes: 300, kills: 2 });
    write("memory.current", "100\n");
    write("memory.events", "low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n");
    expect(memoryBooks(mount, version2("memory"))).toEqual({ usageBytes: 100, peakBytes: 100, kills: 1 });
    write("memory.peak", "400\n");
    expect(memoryBooks(mount, version2("memory"))).toMatchObject({ peakBytes: 400 });
  });

  test("what cannot be written is told with its reason", () => {
    mkdirSync(join(mount, "one", "cpu.max"), { recursive: true });
    expect(() => makeGroup(join(mount, "one"), version2("cpu"), { controller: "cpu", cores: 1 })).toThrow(
      expect.objectContaining({ code: "cgroup-unavailable" }),
    );
    expect(() => makeGroup("/proc/none", version2("cpu"), { controller: "cpu", cores: 1 })).toThrow(
      /cannot make/,
    );
    expect(() => moveInto(join(mount, "none"), process.pid)).toThrow(/cannot move process/);
  });
});

test("a fault's group is known by its name, and one run's is never another's", () => {
  expect(groupName("20261121-031509-smoke-1", "f01-cpu-quota")).toBe(
    "kiln-20261121-031509-smoke-1@f01-cpu-quota",
  );
  expect(groupName("a-b", "f1").startsWith(groupName("a", ""))).toBe(false);
  expect(faultGroupOf("/sys/fs/cgroup/cpu/x/kiln-r@f1/y")).toBe("kiln-r@f1");
  expect(faultGroupOf("/sys/fs/cgroup/cpu/kiln-probe-7/user@1000.service")).toBeUndefined();
});

test("a group that is not empty is not removed, and its absence is fine", async () => {
  await removeGroup(join(mount, "none"));
  mkdirSync(join(mount, "full", "inner"), { recursive: true });
  await expect(removeGroup(join(mount, "full"))).rejects.toMatchObject({ code: "cgroup-left" });
});

/** The real version 2 hierarchy of this machine, where it has one that this user may write: its controllers do not matter for moving. */
const unified = readMounts().find(({ type }) => type === "cgroup2");
const mayMove = ((): boolean => {
  try {
    mkdirSync(join(unified?.path ?? "/none", `kiln-test-${process.pid}`));
    rmdirSync(join(unified?.path ?? "/none", `kiln-test-${process.pid}`));
    return true;
  } catch {
    // No such hierarchy, or no right to it.
    return false;
  }
})();

test.skipIf(!mayMove)("a process moves in a real hierarchy of version 2, and back", async () => {
  const real: Hierarchy = { controller: "cpu", version: 2, mount: unified!.path, root: unified!.root };
  const home = groupOf(process.pid, real)!;
  const group = join(real.mount, `kiln-test-${process.pid}`);
  mkdirSync(group);
  expect(moveInto(group, process.pid)).toBe(true);
  expect([groupOf(process.pid, real), processesIn(group)]).toEqual([group, [process.pid]]);
  expect(moveInto(home, process.pid)).toBe(true);
  expect(groupOf(process.pid, real)).toBe(home);
  expect(moveInto(home, 4_194_000)).toBe(false);
  await removeGroup(group);
});
