// k6 without Kiln: the plan's segments one after the other, each a k6 of its own that starts by itself, with the script and environment
// that Kiln gives it, metrics engine off and no output. The next process starts when the one before has ended, so that bare k6 never pays
// for another k6's start while it measures. Kiln does (it makes the next segment ready during the last): that favours bare k6.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import type { Plan } from "../harness/plan/plan.ts";
import { baseEnvironment } from "../harness/support/base-environment.ts";
import { everyTick } from "../harness/support/clock.ts";
import { processStat, ticksPerSecond } from "../harness/support/process-identity.ts";
import { loadScript, segmentEnvironment } from "./load-shape.ts";

const flags = [
  "--no-thresholds",
  "--summary-mode=disabled",
  "--no-setup",
  "--no-teardown",
  "--quiet",
  "--no-color",
];

/** CPU time of all its processes, milliseconds, less at most the last 100 ms of each. Rejects when k6 fails or the signal aborts. */
export async function runBareK6(
  k6: string,
  plan: Plan,
  folder: string,
  signal: AbortSignal,
): Promise<{ readonly k6CpuMs: number }> {
  // Options of a user's own k6 configuration must not leak in.
  const config = join(folder, "k6-config.json");
  writeFileSync(config, "{}\n");
  let k6CpuMs = 0;
  for (const segment of plan.load.segments) {
    signal.throwIfAborted();
    const child = spawn(k6, ["run", "--config", config, ...flags, loadScript], {
      cwd: folder,
      env: { ...baseEnvironment(), ...segmentEnvironment(plan, segment) },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const stop = (): void => void child.kill("SIGINT");
    signal.addEventListener("abort", stop, { once: true });
    let ticks = 0;
    const watching = new AbortController();
    const look = (): void => {
      ticks = processStat(child.pid ?? -1)?.cpuTicks ?? ticks;
    };
    const watched = everyTick(100, look, watching.signal);
    await once(child, "exit");
    signal.removeEventListener("abort", stop);
    watching.abort();
    await watched;
    signal.throwIfAborted();
    if (child.exitCode !== 0)
      throw new Error(`bare k6 ended with exit code ${child.exitCode} in segment ${segment.index}`);
    k6CpuMs += (ticks * 1_000) / ticksPerSecond;
  }
  return { k6CpuMs };
}
