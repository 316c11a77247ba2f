// Real processes of every kind that the rule must tell apart.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { deadline, eventually } from "../support/clock.ts";
import { commandLine, identify, listenerOn } from "../support/process-identity.ts";
import { type MembershipQuery, membersOf, reapersOf } from "./membership.ts";
import { runMarker } from "../support/run-marker.ts";
import { freePorts } from "../support/free-ports.ts";

const runId = `membership-${process.pid}`;
const children: ChildProcess[] = [];
let base: string;
let runDir: string;

beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "kiln-members-")));
  runDir = join(base, "x");
  mkdirSync(join(runDir, "logs"), { recursive: true });
  mkdirSync(join(base, "x-2"));
  writeFileSync(join(runDir, "logs", "gateway.log"), "line\n");
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    // All are leaders of a group: their own children go with them.
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, "SIGKILL");
    await eventually(() => child.exitCode ?? child.signalCode ?? undefined, deadline(10_000));
  }
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

const PATH = process.env["PATH"] ?? "";

/** Starts a program and waits until it has replaced the copy of this process that it begins as. */
async function begin(
  argv: readonly [string, ...string[]],
  env: Record<string, string>,
  cwd = base,
): Promise<number> {
  // A path of its own: PATH may be missing from the environment on purpose.
  const child = spawn(argv[0], argv.slice(1), { env, cwd, stdio: "ignore", detached: true });
  children.push(child);
  const pid = child.pid!;
  await eventually(() => (commandLine(pid).startsWith(argv[0]) ? true : undefined), deadline(10_000), 5);
  return pid;
}

const pids = (query: Partial<MembershipQuery> = {}): number[] =>
  membersOf({ runId, runDir, ...query }).map(({ identity }) => identity.pid);

const sleeper = ["/bin/sleep", "600"] as const;

test("the marker makes a member, and another run's does not", async () => {
  const mine = await begin(sleeper, { PATH, [runMarker]: runId });
  await begin(sleeper, { PATH, [runMarker]: `${runId}-2` });
  expect(pids()).toEqual([mine]);
});

test("a user's tools on the run folder are not members, whether or not they have a terminal", async () => {
  await begin(["/usr/bin/tail", "-f", join(runDir, "logs", "gateway.log")], { PATH });
  await begin(sleeper, { PATH }, runDir);
  await begin(["/bin/bash", "-c", "sleep 600 & wait", "kiln", "judge", runDir], { PATH });
  expect(pids()).toEqual([]);
});

test("a program that lost its environment is a member by its folder or an argument, and only under that folder", async () => {
  const byFolder = await begin(sleeper, {}, join(runDir, "logs"));
  const byArgument = await begin(["/usr/bin/tail", "-f", join(runDir, "logs", "gateway.log")], {});
  const byOption = await begin(
    ["/bin/bash", "-c", "read -t 600 < /dev/zero; sleep 600", `--data=${runDir}/data`],
    {},
  );
  await begin(sleeper, {}, join(base, "x-2"));
  await begin(sleeper, {}, base);
  const found = pids();
  expect(found).toContain(byFolder);
  expect(found).toContain(byArgument);
  expect(found).toContain(byOption);
  expect(membersOf({ runId, runDir }).filter(({ parentPid }) => parentPid === process.pid)).toHaveLength(3);
});

test("finds them through a symbolic link to the run folder, too", async () => {
  const member = await begin(sleeper, {}, join(runDir, "logs"));
  const link = join(base, "linked");
  symlinkSync(runDir, link);
  expect(pids({ runDir: link })).toEqual([member]);
});

test("a child with a cleaned environment is a member while its parent lives", async () => {
  const parent = await begin(["/bin/bash", "-c", `env -i PATH=${PATH} sleep 600; true`], {
    PATH,
    [runMarker]: runId,
  });
  const members = await eventually(() => {
    const found = membersOf({ runId, runDir });
    return found.some(({ command }) => command === "sleep 600") ? found : undefined;
  }, deadline(10_000));
  expect(
    members.map(({ identity, parentPid }) =>
      identity.pid === parent ? "parent" : parentPid === parent ? "child" : "other",
    ),
  ).toEqual(["parent", "child"]);
  for (const { identity } of members) if (identity.pid !== parent) process.kill(identity.pid, "SIGKILL");
});

test("an orphan with a cleaned environment is known by the run's port and an argument under its folder", async () => {
  const [port = 0, other = 0] = await freePorts(2, runId);
  const script = "require('node:http').createServer().listen(Number(process.argv[2]), '127.0.0.1')";
  const orphan = await begin([process.execPath, "-e", script, join(runDir, "config.env"), String(port)], {
    PATH,
  });
  const stranger = await begin([process.execPath, "-e", script, "elsewhere", String(other)], { PATH });
  for (const [taken, pid] of [
    [port, orphan],
    [other, stranger],
  ] as const) {
    await eventually(() => (listenerOn(taken, [pid]) === undefined ? undefined : true), deadline(10_000));
  }
  expect(pids()).toEqual([]);
  expect(pids({ ports: [port, other] })).toEqual([orphan]);
});

test("what the ledger says was started is a member, by its exact identity", async () => {
  const pid = await begin(sleeper, { PATH });
  const identity = identify(pid)!;
  expect(pids({ started: [identity] })).toEqual([pid]);
  expect(pids({ started: [{ ...identity, startTicks: identity.startTicks - 1 }] })).toEqual([]);
});

test("excluded processes and reapers of the run are never members", async () => {
  const excluded = await begin(sleeper, { PATH, [runMarker]: runId });
  mkdirSync(join(base, "run"));
  const program = join(base, "run", "reaper.ts");
  writeFileSync(program, "setInterval(() => {}, 1_000);");
  const reaper = await begin([process.execPath, program, runDir], {}, runDir);
  expect(reapersOf(runDir).map(({ pid }) => pid)).toEqual([reaper]);
  expect(reapersOf(join(base, "x-2"))).toEqual([]);
  expect(pids()).toEqual([excluded]);
  expect(pids({ exclude: [identify(excluded)!] })).toEqual([]);
});
