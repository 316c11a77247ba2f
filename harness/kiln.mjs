#!/usr/bin/env node
// The `kiln` command. Runs harness/cli.ts, which needs Node 24.15 or newer, whatever Node started this file: in this process when it is
// new enough, else in the Node that the project's packages bring along. Plain JavaScript, as Node 20 must be able to read it.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const harness = dirname(fileURLToPath(import.meta.url));
const leastNode = [24, 15];

function isNewEnough(version) {
  const [major, minor] = version.split(".").map(Number);
  return major > leastNode[0] || (major === leastNode[0] && minor >= leastNode[1]);
}

/** Hands everything to the other Node: terminal, arguments, signals; ends as it ends. */
function runUnder(node) {
  const child = spawn(node, [join(harness, "cli.ts"), ...process.argv.slice(2)], { stdio: "inherit" });
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  const forward = (signal) => child.kill(signal);
  for (const signal of signals) process.on(signal, forward);
  child.on("error", (error) => {
    process.stderr.write(`kiln: ${node} cannot be started: ${error.message}. Mend: node tools/setup.mjs\n`);
    process.exitCode = 4;
  });
  child.on("exit", (code, signal) => {
    for (const name of signals) process.off(name, forward);
    if (signal === null) {
      process.exitCode = code;
      return;
    }
    // The shell's number for a signal, in case this process outlives its own copy of it.
    process.exitCode = 128 + (constants.signals[signal] ?? 0);
    process.kill(process.pid, signal);
  });
}

if (isNewEnough(process.versions.node)) {
  await import("./cli.ts");
} else {
  const locked = join(harness, "..", "node_modules", ".bin", "node");
  if (existsSync(locked)) {
    runUnder(locked);
  } else {
    const need = leastNode.join(".");
    process.stderr.write(
      `kiln: Node ${need} or newer is needed and this is ${process.versions.node}. Mend: node ${join(harness, "..", "tools", "setup.mjs")}\n`,
    );
    process.exitCode = 4;
  }
}
