// The reaper: a process of its own, `node …/harness/run/reaper.ts <run folder>`, that outlives the harness. Its standard input is a pipe
// from the harness. End of file: the harness is dead, so heal all open faults, and then take the run down and release the lock, or, where it
// was detached, resume it (after-death.ts); exit. "bye": an orderly end, exit. No byte for 15 s while the pipe is open: the harness is
// stopped, so raise the epoch and heal, but take nothing down.
// It ignores the signals that a terminal or a job's end sends to everybody. What it needs for healing is loaded only then.
import { systemClock } from "../support/clock.ts";
import { epochOf, openFaults, openLedger, readLedger } from "./ledger.ts";

const silenceMs = 15_000;
const lookEveryMs = 1_000;

async function main(runDir: string): Promise<void> {
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => say(`${name} ignored`));
  // A full disk must not end the reaper because it cannot log.
  process.stderr.on("error", () => undefined);
  const end = await watchHarness(runDir);
  if (end === "bye") return;
  say("the harness is gone");
  const { afterDeath } = await import("./after-death.ts");
  await afterDeath(runDir, say);
}

/** Resolves with how the harness ended. Heals in between whenever it falls silent. */
async function watchHarness(runDir: string): Promise<"bye" | "dead"> {
  let lastBeatMs = systemClock.nowMs();
  let healedSince = false;
  const over = new AbortController();
  const ended = new Promise<"bye" | "dead">((resolve) => {
    process.stdin.on("data", (bytes: Buffer) => {
      lastBeatMs = systemClock.nowMs();
      healedSince = false;
      if (bytes.includes("bye")) resolve("bye");
    });
    process.stdin.once("end", () => resolve("dead"));
    process.stdin.once("error", () => resolve("dead"));
    // A harness that died meanwhile breaks this pipe, too; what has to be done about it comes from standard input.
    process.stdout.once("error", () => say("nobody waits for this reaper"));
    process.stdout.write("ready\n");
  });
  const silence = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await systemClock.sleepUntil(systemClock.nowMs() + lookEveryMs, over.signal);
      if (healedSince || systemClock.nowMs() - lastBeatMs < silenceMs) continue;
      healedSince = true;
      await healBehindBack(runDir);
    }
  };
  const silent = silence().catch((error: unknown) => {
    if (!over.signal.aborted) say(`watching the heartbeat failed: ${String(error)}`);
  });
  const end = await ended;
  over.abort();
  // A heal under way is finished first: two at a time would write the ledger twice.
  await silent;
  return end;
}

/** The epoch is raised first: a harness that wakes in the middle must see that its faults are no longer its own. */
async function healBehindBack(runDir: string): Promise<void> {
  const entries = readLedger(runDir);
  if (openFaults(entries).length === 0) {
    say("no sign of the harness for 15 s; no fault is open");
    return;
  }
  say("no sign of the harness for 15 s: healing all open faults");
  const ledger = await openLedger(runDir);
  await ledger.append({ op: "epoch", epoch: epochOf(entries) + 1, by: "reaper" });
  await ledger.close();
  const { healAll } = await import("./clean-up.ts");
  await healAll(runDir, say);
}

function say(text: string): void {
  process.stderr.write(`${new Date(systemClock.wallMs()).toISOString()} ${text}\n`);
}

const [runDir] = process.argv.slice(2);
if (runDir === undefined) process.exit(3);
await main(runDir);
// Standard input may still be open.
process.exit(0);
