// What the reaper does once it has to act; kept apart from reaper.ts so that the idle reaper loads none of it.
import { basename } from "node:path";
import { messageOf } from "../support/errors.ts";
import { healRun } from "./heal-run.ts";
import { releaseLock } from "./lock.ts";
import { readLedger } from "./ledger.ts";
import { takeDown } from "./take-down.ts";

export type Say = (text: string) => void;

export async function healAll(runDir: string, say: Say): Promise<void> {
  // Loaded here, so that a fault module that cannot be loaded does not keep the run from being taken down.
  const [{ faultTable }, { withDrills }] = await Promise.all([
    import("../faults/index.ts"),
    import("../drills/index.ts"),
  ]);
  const { healed, failed } = await healRun(runDir, { by: "reaper", faults: withDrills(faultTable) });
  for (const { id, fault } of healed) say(`healed ${fault} (${id})`);
  for (const { fault, error } of failed) say(`could not heal ${fault.fault} (${fault.id}): ${error}`);
}

/** Each step is tried even when the one before failed: a heal that fails must not leave the processes. */
export async function cleanUpAfter(
  runDir: string,
  say: Say,
  { keepLock = false }: { readonly keepLock?: boolean } = {},
): Promise<void> {
  try {
    await healAll(runDir, say);
  } catch (error) {
    say(`healing failed: ${messageOf(error)}`);
  }
  try {
    const { ended, segments, problems } = await takeDown({ runDir, by: "reaper" });
    for (const text of problems) say(text);
    say(`ended ${ended.length} processes, removed ${segments.join(", ") || "no shared memory"}`);
  } catch (error) {
    say(`taking down failed: ${messageOf(error)}`);
    return;
  }
  if (keepLock) return;
  release(runDir);
  say("done");
}

/** The machine is free for the next run. */
export function release(runDir: string): void {
  releaseLock(readLedger(runDir).find((entry) => entry.op === "open")?.runId ?? basename(runDir));
}
