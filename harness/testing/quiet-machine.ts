// Before each test on real parts: while a hypervisor takes the processor away, what is measured says nothing, and the test waits for its
// end. It costs nothing on a machine that is left alone: looked at is what was stolen since the test before.
import { beforeEach } from "vitest";
import { cpuTicks } from "../probes/system-probe.ts";
import { sleep } from "../support/clock.ts";

/** As in judge/starved.ts: above it what a run needs no longer fits on two cores. */
const stolenLimit = 0.25;
const lookEveryMs = 1_000;
/** A machine that is never left alone has to be tried as it is. */
const longestMs = 120_000;

let last = cpuTicks();

function stolenSinceLast(): number {
  const now = cpuTicks();
  const ticks = now.total - last.total;
  const share = ticks > 0 ? (now.stolen - last.stolen) / ticks : 0;
  last = now;
  return share;
}

beforeEach(async () => {
  for (let waitedMs = 0; stolenSinceLast() >= stolenLimit && waitedMs < longestMs; waitedMs += lookEveryMs)
    await sleep(lookEveryMs);
});
