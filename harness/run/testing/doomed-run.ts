// Starts doomed-harness.ts in a run folder of its own and reads what it says: for tests that end it at a chosen moment.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reapersOf } from "../../stack/membership.ts";
import { deadline, eventually } from "../../support/clock.ts";
import { takeDown } from "../take-down.ts";

export interface DoomedRun {
  readonly runId: string;
  readonly runDir: string;
  readonly lockFile: string;
  readonly child: ChildProcess;
  /** Waits for a line that begins so. */
  said(beginning: string): Promise<string>;
  /** Ends whatever the test left and removes the folder. */
  discard(): Promise<void>;
}

export function startDoomedRun(...mode: readonly string[]): DoomedRun {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "kiln-doomed-")));
  const runId = `doomed-${process.pid}-${base.slice(-6)}`;
  const [runDir, lockFile] = [join(base, runId), join(base, "kiln.lock")];
  mkdirSync(runDir);
  const child = spawn(process.execPath, [join(import.meta.dirname, "doomed-harness.ts"), runDir, ...mode], {
    env: { ...process.env, KILN_LOCK_FILE: lockFile },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  const line = (beginning: string): string | undefined =>
    text.split("\n").find((one) => one.startsWith(beginning));
  return {
    runId,
    runDir,
    lockFile,
    child,
    said: (beginning) => eventually(() => line(beginning), deadline(60_000), 20),
    discard: async () => {
      child.kill("SIGKILL");
      await eventually(() => (reapersOf(runDir).length === 0 ? true : undefined), deadline(30_000));
      await takeDown({ runDir, by: "heal" });
      rmSync(base, { recursive: true, force: true });
    },
  };
}
