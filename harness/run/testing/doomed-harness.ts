// A harness that only holds a run open: lock, ledger, reaper, stack, one open fault; then says "up" and waits to be killed. For tests.
//   node doomed-harness.ts <run folder> [without-stack | around-process]
import { systemClock } from "../../support/clock.ts";
import { identify } from "../../support/process-identity.ts";
import { loadTools } from "../../support/tools.ts";
import { bringUp } from "../../stack/process-stack.ts";
import { openLedger } from "../ledger.ts";
import { acquireLock } from "../lock.ts";
import { startReaper } from "../reaper-client.ts";
import { createSpawner } from "../spawn.ts";
import { holdAroundProcess } from "./around-process.ts";
import { echoStack } from "../../stack/testing/echo-stack.ts";

const [runDir = "", mode = ""] = process.argv.slice(2);
const runId = runDir.split("/").at(-1) ?? "";
acquireLock({ runId, runDir, wallMs: systemClock.wallMs() });
const ledger = await openLedger(runDir);
const harness = identify(process.pid);
if (harness === undefined) throw new TypeError("this process has an identity");
await ledger.append({ op: "open", runId, bootId: harness.bootId, harness });
const reaper = await startReaper(runDir, (text) => process.stdout.write(`note ${text}\n`));
const spawn = createSpawner({ ledger, runId, runDir, logsDir: `${runDir}/logs` });
process.stdout.write(`reaper ${reaper.pid}\n`);

if (mode === "without-stack") {
  await spawn({ name: "sleeper", command: "sleep", args: ["600"], cwd: runDir });
} else if (mode === "around-process") {
  await holdAroundProcess({ runDir, runId, spawn, ledger });
} else {
  const stack = await bringUp(echoStack, {
    runDir,
    runId,
    spawn,
    tools: loadTools(),
    signal: new AbortController().signal,
  });
  await ledger.append({
    op: "fault",
    id: "f1",
    fault: "latency",
    options: { link: "postgres", delayMs: 150 },
  });
  const slow = { type: "latency", stream: "downstream", attributes: { latency: 150, jitter: 0 } } as const;
  await stack.handle.proxy("postgres").addToxic({ name: "f1", ...slow });
}
process.stdout.write("up\n");
