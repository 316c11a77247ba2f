// The table of drills. A new drill is a module, its test, and its line here.
import type { Fault, FaultTable } from "../faults/fault.ts";
import { backupRestore } from "./backup-restore.ts";
import { blueGreen } from "./blue-green.ts";
import { configUpdate } from "./config-update.ts";
import type { Drill, DrillTable } from "./drill.ts";
import { gracefulRestart } from "./graceful-restart.ts";

const all: readonly Drill[] = [configUpdate, backupRestore, blueGreen, gracefulRestart];

export const drillTable: DrillTable = new Map(all.map((drill) => [drill.name, drill]));

/** Everything that a run may put into the world, and so has to be able to take back. */
export function withDrills(faults: FaultTable): FaultTable {
  return new Map<string, Fault>([...faults, ...drillTable]);
}
