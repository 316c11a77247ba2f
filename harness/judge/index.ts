// The table of checkers, in the order in which a reader wants their findings: first whether the evidence can carry a verdict.
import { availability } from "./availability.ts";
import type { Checker } from "./checker.ts";
import { configIntegrity } from "./config-integrity.ts";
import { drills } from "./drills.ts";
import { evidenceChecker } from "./evidence.ts";
import { journeys } from "./journeys.ts";
import { latency } from "./latency.ts";
import { memoryDrift } from "./memory-drift.ts";
import { monitoring } from "./monitoring.ts";
import { recovery } from "./recovery.ts";
import { watchdog } from "./watchdog.ts";

export const checkers: readonly Checker[] = [
  evidenceChecker,
  availability,
  latency,
  recovery,
  watchdog,
  configIntegrity,
  drills,
  memoryDrift,
  journeys,
  monitoring,
];
