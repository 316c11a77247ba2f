// What a start script starts, on a small real program in place of a server.
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { deadline, eventually } from "../support/clock.ts";
import { identify, isAlive, listenerOn, workingDirectory } from "../support/process-identity.ts";
import { freePort } from "../support/free-ports.ts";
import { redact } from "../support/redact.ts";
import { membersOf } from "./membership.ts";
import { logsDir, readStackRecord, serviceDir, writeStackRecord } from "./record.ts";
import type { Launch } from "./servers/server.ts";
import type { StackRecord } from "./stack.ts";
import { startScriptPath, writeStartScripts } from "./start-script.ts";
import { sweep } from "./sweep.ts";

const awkward = `it's $HOME; "quoted" \\ and spaced`;

function newRecord(port: number): StackRecord {
  const runDir = realpathSync(mkdtempSync(join(tmpdir(), "kiln-start-")));
  onTestFinished(() => rmSync(runDir, { recursive: true, force: true }));
  for (const folder of [logsDir(runDir), serviceDir(runDir, "store")]) mkdirSync(folder, { recursive: true });
  return {
    v: 1,
    runId: `start-${process.pid}-${port}`,
    runDir,
    spec: { name: "s", driver: "processes", services: [], links: [] },
    toxiproxyPort: 20_000,
    servicePorts: { store: port },
    linkPorts: {},
    agentToken: "the-agent-token",
    controlToken: "the-control-token",
  };
}

function launch(record: StackRecord, args: readonly string[]): Launch {
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    name: "store",
    request: {
      name: "store",
      command: process.execPath,
      args,
      env: { AWKWARD: awkward },
      cwd: serviceDir(record.runDir, "store"),
    },
    stopSignal: "SIGTERM",
    awaited: "nothing",
    prepare: nothing,
    start: () => Promise.reject(new Error("not by Kiln")),
    ready: nothing,
    afterFirstStart: nothing,
  };
}

test("becomes the server with its arguments, environment and log, and nothing of its caller's environment", async () => {
  const record = newRecord(1);
  const program = "console.log(JSON.stringify({ argv: process.argv.slice(1), env: process.env }))";
  writeStartScripts(record, [launch(record, ["-e", program, "--", awkward])]);
  const path = startScriptPath(record.runDir, "store");
  expect(statSync(path).mode & 0o777).toBe(0o700);
  execFileSync(path, { env: { ...process.env, CALLERS_OWN: "1" } });
  const { argv, env } = JSON.parse(readFileSync(join(logsDir(record.runDir), "store.log"), "utf8"));
  expect(argv).toEqual([awkward]);
  expect(env).toMatchObject({ AWKWARD: awkward, KILN_RUN: record.runId, PATH: process.env["PATH"] });
  expect(env).not.toHaveProperty("CALLERS_OWN");
});

test("what it starts is a member of the run, is found by its port, and is ended with the run", async () => {
  const port = await freePort(`start-script/${process.pid}`);
  const record = newRecord(port);
  const program = `require("node:net").createServer().listen(${port}, "127.0.0.1")`;
  writeStartScripts(record, [launch(record, ["-e", program])]);
  // As a watchdog would: in a session of its own, with an environment without the marker.
  const child = spawn(startScriptPath(record.runDir, "store"), [], {
    detached: true,
    stdio: "ignore",
    env: { PATH: process.env["PATH"] ?? "" },
  });
  const started = identify(child.pid!)!;
  await eventually(() => listenerOn(port, [started.pid]), deadline(10_000));
  expect(workingDirectory(started.pid)).toBe(serviceDir(record.runDir, "store"));
  const { runId, runDir } = record;
  expect(membersOf({ runId, runDir }).map(({ identity }) => identity)).toEqual([started]);
  await sweep({ runId, runDir });
  expect(isAlive(started)).toBe(false);
});

test("the run's tokens are never written outside stack.json, whoever wrote or read it", () => {
  const record = newRecord(2);
  writeStackRecord(record);
  expect(readStackRecord(record.runDir)).toEqual(record);
  expect(redact("x the-control-token, the-agent-token y")).toBe("x [redacted], [redacted] y");
});
