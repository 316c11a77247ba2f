// A whole small run with one fault and no load, as a process of its own: lock, ledger, reaper, stack, inject, confirm, heal, take-down.
//   node mini-run.ts <run folder> '<CrashKind as JSON>'
// Says "up" when the stack is up and "over" at its end. KILN_CRASH_POINT stops it on the way (support/crash-point.ts).
import { writeFileSync } from "node:fs";
import { createActiveFault } from "../../faults/active-fault.ts";
import { faultTable } from "../../faults/index.ts";
import { bringUp } from "../../stack/process-stack.ts";
import { deadline, systemClock } from "../../support/clock.ts";
import { sha256, canonicalJson } from "../../support/json.ts";
import { identify } from "../../support/process-identity.ts";
import { loadTools } from "../../support/tools.ts";
import type { FaultStep } from "../../plan/plan.ts";
import { createFaultLedger } from "../fault-ledger.ts";
import { openLedger } from "../ledger.ts";
import { acquireLock } from "../lock.ts";
import { startReaper } from "../reaper-client.ts";
import { createSpawner } from "../spawn.ts";
import type { CrashKind } from "./crash-kinds.ts";
import { miniStack } from "./mini-stack.ts";

const [runDir = "", kindJson = ""] = process.argv.slice(2);
const kind = JSON.parse(kindJson) as CrashKind;
const runId = runDir.split("/").at(-1) ?? "";
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const lock = acquireLock({ runId, runDir, wallMs: systemClock.wallMs() });
const ledger = await openLedger(runDir);
const harness = identify(process.pid);
if (harness === undefined) throw new TypeError("this process has an identity");
await ledger.append({ op: "open", runId, bootId: harness.bootId, harness });
const reaper = await startReaper(runDir, say);
const spawn = createSpawner({ ledger, runId, runDir, logsDir: `${runDir}/logs` });
const stack = await bringUp(miniStack(kind.postgres === true), {
  runDir,
  runId,
  spawn,
  tools: loadTools(),
  signal: deadline(60_000),
});
try {
  const values = { cacheSeconds: 30 };
  writeFileSync(
    stack.handle.configFile("alpha"),
    JSON.stringify({ version: 1, checksum: sha256(canonicalJson(values)), values }),
  );
  say("up");
  await oneFault();
} finally {
  await stack.down();
  await ledger.append({ op: "torn-down", by: "harness" });
  await ledger.close();
  await reaper.bye();
  lock.release();
}
say("over");

async function oneFault(): Promise<void> {
  const fault = faultTable.get(kind.fault);
  if (fault === undefined) throw new TypeError(`no fault ${kind.fault}`);
  const startMs = systemClock.nowMs();
  const options = fault.options.parse(kind.options) as FaultStep["options"];
  const active = createActiveFault({
    // With the engine's slack on top, what can end by itself does so this long after it was put in.
    step: { id: "f1", fault: kind.fault, options, startMs, healMs: startMs + 2_000 },
    table: faultTable,
    stack: stack.handle,
    clock: systemClock,
    journal: { write: (body) => say(JSON.stringify(body)) },
    ledger: createFaultLedger(ledger),
    selfHealSlackMs: 2_000,
  });
  const over = new AbortController();
  const work = kind.busy === true ? keepBusy(over.signal) : Promise.resolve();
  try {
    await active.inject();
    await active.confirm();
  } catch (error) {
    say(`verb failed: ${String(error)}`);
  }
  if (!(await active.heal())) say("heal failed");
  over.abort();
  await work;
}

/** An idle service is never throttled. */
async function keepBusy(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const answer = stack.handle.http("alpha", "/block/20", { signal: deadline(5_000) });
    await answer.catch((error: unknown) => say(`alpha is silent: ${String(error)}`));
  }
}
