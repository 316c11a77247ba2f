// What a scenario file uses to name drills: typed functions that yield plain data. Nothing is checked here; the plan parses the options with
// the drill's own schema.
import type { DrillChoice } from "../scenario/scenario.ts";
import type { BackupRestoreOptions } from "./backup-restore.ts";
import type { ConfigUpdateOptions } from "./config-update.ts";

/** `at` a time, or `every` so often; see DrillChoice. */
export type DrillTiming = Omit<DrillChoice, "drill" | "options">;

export const drills = {
  /** A value of the stack's configuration is changed by its own manager, and rolled back by an operator. */
  configUpdate: (options: ConfigUpdateOptions, timing: DrillTiming): DrillChoice => ({
    drill: "config-update",
    options: { ...options },
    ...timing,
  }),

  /** A backup under load, proved by a restore: it must hold `writes` (default 50) writes that were acknowledged before it. */
  backupRestore: (timing: DrillTiming, options: Partial<BackupRestoreOptions> = {}): DrillChoice => ({
    drill: "backup-restore",
    options: { writes: 50, ...options },
    ...timing,
  }),

  /** Requests are switched to another slot, and back. */
  blueGreen: (timing: DrillTiming): DrillChoice => ({ drill: "blue-green", options: {}, ...timing }),

  /** The processes behind the requests are replaced by new ones. */
  gracefulRestart: (timing: DrillTiming): DrillChoice => ({
    drill: "graceful-restart",
    options: {},
    ...timing,
  }),
} as const;
