// `kiln clean --keep N`: removes all but the newest N run folders. A run that is still in progress is never removed.
import { rmSync } from "node:fs";
import { basename, resolve } from "node:path";
import { isHeld, readLock } from "../run/lock.ts";
import { isTornDown, readLedger } from "../run/ledger.ts";
import { exitCode, usageError, type ExitCode } from "../support/errors.ts";
import { listRuns } from "./find-run.ts";

export function cleanCommand(options: { readonly keep: string }): ExitCode {
  if (!/^\d+$/.test(options.keep)) {
    throw usageError(
      "keep-not-a-count",
      `--keep: expected a whole number, 0 or more, got "${options.keep}"`,
      { hint: "kiln clean --keep 10" },
    );
  }
  const holder = readLock();
  const live = holder !== undefined && isHeld(holder) ? resolve(holder.runDir) : undefined;
  const old = listRuns().slice(Number(options.keep));
  for (const runDir of old) {
    if (resolve(runDir) === live) process.stdout.write(`kept ${basename(runDir)}: still in progress\n`);
    else if (readLedger(runDir).length > 0 && !isTornDown(readLedger(runDir))) {
      // Its ledger is the only record of what it may have left in the world.
      process.stdout.write(
        `kept ${basename(runDir)}: not taken down, run \`npx kiln heal ${basename(runDir)}\` first\n`,
      );
    } else {
      rmSync(runDir, { recursive: true });
      process.stdout.write(`removed ${basename(runDir)}\n`);
    }
  }
  if (old.length === 0) process.stdout.write("nothing to remove\n");
  return exitCode.pass;
}
