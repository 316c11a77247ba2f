import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runMarker } from "../support/run-marker.ts";
import { environmentOf, identify, isAlive } from "../support/process-identity.ts";
import type { Spawner } from "../support/spawner.ts";
import { type Ledger, openLedger, readLedger } from "./ledger.ts";
import { createSpawner } from "./spawn.ts";

let runDir: string;
let ledger: Ledger;
let spawn: Spawner;

beforeEach(async () => {
  runDir = mkdtempSync(join(tmpdir(), "kiln-spawn-"));
  ledger = await openLedger(runDir);
  spawn = createSpawner({ ledger, runId: "r1", runDir, logsDir: join(runDir, "logs") });
});

afterEach(async () => {
  await ledger.close();
  rmSync(runDir, { recursive: true, force: true });
});

const log = (name: string) => readFileSync(join(runDir, "logs", `${name}.log`), "utf8");

test("writes the intent before and the identity after, and appends output to the log", async () => {
  for (const word of ["one", "two"]) {
    const spawned = await spawn({
      name: "talker",
      command: "sh",
      args: ["-c", `echo ${word}; echo ${word} >&2`],
      cwd: runDir,
    });
    expect(await spawned.exited).toEqual({ code: 0, signal: null });
    expect(isAlive(spawned.identity)).toBe(false);
  }
  expect(log("talker")).toBe("one\none\ntwo\ntwo\n");
  expect(readLedger(runDir)).toMatchObject([
    { op: "intent", id: "talker#1", what: "process", text: "talker" },
    { op: "done", id: "talker#1" },
    { op: "intent", id: "talker#2" },
    { op: "done", id: "talker#2" },
  ]);
});

test("the child has the marker, what it was given, and none of the caller's secrets; it leads a session of its own", async () => {
  process.env["KILN_TEST_SECRET"] = "hidden";
  const { identity, child, exited } = await spawn({
    name: "s",
    command: "sleep",
    args: ["600"],
    cwd: runDir,
    env: { GIVEN: "1" },
  });
  delete process.env["KILN_TEST_SECRET"];
  expect(identity).toEqual(identify(child.pid!));
  const environment = environmentOf(identity.pid);
  expect(environment).toEqual(
    expect.arrayContaining(["GIVEN=1", `${runMarker}=r1`, `PATH=${process.env["PATH"]}`]),
  );
  expect(environment.join()).not.toContain("hidden");
  const stat = readFileSync(`/proc/${identity.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  expect(Number(stat[3])).toBe(identity.pid);
  child.kill("SIGKILL");
  expect(await exited).toEqual({ code: null, signal: "SIGKILL" });
});

test("folders outside the run folder are in the ledger before the process is", async () => {
  const { exited } = await spawn({
    name: "f",
    command: "true",
    args: [],
    cwd: runDir,
    folders: ["/tmp/kiln-x"],
  });
  await exited;
  expect(readLedger(runDir)).toMatchObject([
    { op: "folder", path: "/tmp/kiln-x" },
    { op: "intent", id: "f#1" },
    { op: "done", id: "f#1" },
  ]);
});

test("hands the output to the caller when asked, errors still to the log", async () => {
  // It has ended before the spawner returns: nothing of its output may be lost.
  const { child, exited } = await spawn({
    name: "p",
    command: "sh",
    args: ["-c", "echo out; echo err >&2"],
    cwd: runDir,
    stdout: "pipe",
  });
  expect(await text(child.stdout!)).toBe("out\n");
  await exited;
  expect(log("p")).toBe("err\n");
});

test("a program that cannot be started is an environment error with a hint", async () => {
  const request = { name: "none", command: "/nonexistent/program", args: [], cwd: runDir };
  await expect(spawn(request)).rejects.toMatchObject({
    code: "spawn-failed",
    kind: "environment",
    hint: expect.stringContaining("/nonexistent/program"),
  });
});
