// The faults around a process in force all at once, on a stack with volumes, as a run puts them in: for tests that end it in the middle.
import { createActiveFault } from "../../faults/active-fault.ts";
import { faultTable } from "../../faults/index.ts";
import type { FaultStep } from "../../plan/plan.ts";
import { bringUp } from "../../stack/process-stack.ts";
import { volumeSpec } from "../../stack/testing/volume-stack.ts";
import { deadline, systemClock } from "../../support/clock.ts";
import type { Spawner } from "../../support/spawner.ts";
import { loadTools } from "../../support/tools.ts";
import { createFaultLedger } from "../fault-ledger.ts";
import type { Ledger } from "../ledger.ts";
import { createMountListener } from "../mount-listener.ts";

const steps: readonly Pick<FaultStep, "id" | "fault" | "options">[] = [
  { id: "f1", fault: "disk-full", options: { service: "alpha", leave: 0 } },
  { id: "f2", fault: "cpu-quota", options: { service: "alpha", cores: 0.5 } },
  { id: "f3", fault: "memory-limit", options: { service: "beta", headroom: 33_554_432 } },
];

export async function holdAroundProcess(run: {
  readonly runDir: string;
  readonly runId: string;
  readonly spawn: Spawner;
  readonly ledger: Ledger;
}): Promise<void> {
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  const journal = { write: (body: object) => say(JSON.stringify(body)) };
  const stack = await bringUp(volumeSpec(), {
    ...run,
    tools: loadTools(),
    signal: deadline(60_000),
    mounts: createMountListener(run.ledger, { ...journal, close: () => undefined } as never),
  });
  const ledger = createFaultLedger(run.ledger);
  say("faults come");
  for (const step of steps) {
    const times = { startMs: 0, healMs: 600_000 };
    const parts = { stack: stack.handle, clock: systemClock, journal, ledger, table: faultTable };
    await createActiveFault({ step: { ...step, ...times }, ...parts }).inject();
  }
}
