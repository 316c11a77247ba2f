// Made-up drills for tests of the reports: a configuration update that went well, a backup that did not hold, a switch that was never reached.
import type { DrillRecord, Finding } from "../../harness/judge/verdict.ts";
import type { DrillStep } from "../../harness/plan/plan.ts";

const step = (id: string, startMs: number, options: DrillStep["options"] = {}): DrillStep => ({
  id,
  fault: id.replace(/^d\d+-/, ""),
  kind: "held",
  target: `operation:${id}`,
  options,
  startMs,
  healMs: startMs + 8_000,
  settleUntilMs: startMs + 20_000,
  expect: {
    recovery: { atLeast: "none", atMost: "none" },
    service: null,
    actWithinMs: null,
    restarts: false,
    unavailableMs: 0,
  },
  demands: {},
});

const record = (id: string, plannedMs: number, changes: Partial<DrillRecord> = {}): DrillRecord => ({
  id,
  drill: id.replace(/^d\d+-/, ""),
  plannedMs,
  beganMs: plannedMs,
  done: { atMs: plannedMs + 1_400, errorMs: 1_400 },
  confirmed: "yes",
  saw: "version 2 is in force",
  disproved: false,
  undoingMs: plannedMs + 8_000,
  undone: { atMs: plannedMs + 9_100, errorMs: 1_100 },
  undoneBy: null,
  error: null,
  failedRequests: 0,
  requests: 780,
  unknownRequests: 0,
  ...changes,
});

const finding = (id: string, status: Finding["status"]): Finding => ({
  id: `drill/${id}`,
  checker: "drill",
  status,
  title: `${id}: <b>in words</b>`,
  measures: [],
  evidence: { events: [], series: [] },
  fault: id,
  about: "stack",
});

export const sampleDrills = {
  steps: [
    step("d01-config-update", 15_000, { key: "limits.x", value: 20 }),
    step("d02-backup-restore", 40_000, { writes: 50 }),
    step("d03-blue-green", 80_000),
  ],
  records: [
    record("d01-config-update", 15_000),
    record("d02-backup-restore", 40_000, {
      confirmed: "no",
      disproved: true,
      saw: "the restored backup does not hold all",
      failedRequests: 3,
    }),
    record("d03-blue-green", 80_000, {
      beganMs: null,
      done: null,
      confirmed: "not-run",
      saw: "it did not run",
      undoingMs: null,
      undone: null,
      requests: 0,
    }),
  ],
  findings: [
    finding("d01-config-update", "pass"),
    finding("d02-backup-restore", "fail"),
    finding("d03-blue-green", "inconclusive"),
  ],
} as const;
