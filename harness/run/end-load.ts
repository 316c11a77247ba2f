// Ends what is left of a dead harness's load. A k6 ends by itself with its pipe, also one that still waits for its segment: it writes its
// number of users each second, and SIGPIPE ends it (seen with v2.2.0: 0.3 s later). One that is stopped or stuck writes nothing, and would stay.
// The process of the browser journeys looks for its parent once a second; the same holds for it.
import { type Clock, deadline, eventually, systemClock } from "../support/clock.ts";
import { isAlive, signalProcess } from "../support/process-identity.ts";
import { readLedger, startedProcesses } from "./ledger.ts";

/** SIGKILL: nobody is left to read its last rows. */
const goneMs = 5_000;

/** Resolves to how many were still there. Rejects with the deadline's error when one does not go. */
export async function endLoad(runDir: string, clock: Clock = systemClock): Promise<number> {
  const left = startedProcesses(readLedger(runDir))
    .filter(({ name }) => /^(?:k6-\d+|journeys)$/.test(name))
    .map(({ identity }) => identity)
    .filter(isAlive);
  for (const identity of left) signalProcess(identity, "SIGKILL");
  await eventually(() => (left.some(isAlive) ? undefined : true), deadline(goneMs), 20, clock);
  return left.length;
}
